"""How long a compiled step takes: parts between barriers run once each, however often they stand in the program."""

from __future__ import annotations

from hwsim.llm.program import Program
from hwsim.llm.simulate import simulate
from hwsim.llm_workload.step_time import StepTime
from mappers.llm.compile import Compiled


def step_time(compiled: Compiled) -> StepTime:
    """Time, traffic and energy of a step.

    Where every part ends in a barrier, nothing of one part overlaps another, so their times add up exactly; a chained
    program runs as a whole.
    """
    engine = compiled.machine.engine
    if not compiled.separate:
        return StepTime.of(simulate(compiled.program(addresses=False), engine))
    parts = [(StepTime.of(simulate(Program(rows, compiled.kinds, compiled.name), engine)), times)
             for rows, times in zip(compiled.parts, compiled.counts, strict=True)]
    return StepTime.added(parts)
