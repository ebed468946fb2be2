"""How long a compiled step takes: parts between barriers run once each, however often they stand in the program."""

from __future__ import annotations

from hashlib import sha256

from hwsim.llm.isa import Instructions
from hwsim.llm.program import Program
from hwsim.llm.simulate import simulate
from hwsim.llm_workload.step_time import StepTime
from mappers.llm.compile import Compiled

Parts = dict[tuple[str, bytes], StepTime]
"""Times of parts between barriers, by their stage and a digest of their instructions; all on one engine."""


def step_time(compiled: Compiled, known: Parts | None = None) -> StepTime:
    """Time, traffic and energy of a step.

    Where every part ends in a barrier, nothing of one part overlaps another, so their times add up exactly; a chained
    program runs as a whole. Parts whose times are `known` (of steps on the same engine) are not run again, others are
    added to it.
    """
    if not compiled.separate:
        return StepTime.of(simulate(compiled.program(addresses=False), compiled.machine.engine))
    found = {} if known is None else known
    return StepTime.added([(_part_time(compiled, rows, found), times)
                           for rows, times in zip(compiled.parts, compiled.counts, strict=True)])


def _part_time(compiled: Compiled, rows: Instructions, known: Parts) -> StepTime:
    """Of one part, which is one stage; numbers of stages differ from step to step, their names do not."""
    kind, unnumbered = compiled.kinds[int(rows["layer"][0])], rows.copy()
    unnumbered["layer"] = 0
    key = kind, sha256(unnumbered.tobytes()).digest()
    if key not in known:
        known[key] = StepTime.of(simulate(Program(unnumbered, (kind,), compiled.name), compiled.machine.engine))
    return known[key]
