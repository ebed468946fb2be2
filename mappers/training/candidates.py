"""Tilings of one GEMM of a training step on each dataflow: branch and bound, each candidate simulated with its DRAM."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from hwsim.energy import EnergyTree
from hwsim.nm_array.config import Dataflow
from hwsim.nm_array.program import Program, Shape, Tiling, lower
from hwsim.nm_array.system import bound_cycles, system_network
from hwsim.nm_array.times import Times
from hwsim.nm_array.traffic import Traffic, traffic
from hwsim.training.energy import gemm_actions
from hwsim.training.machine import TrainingMachine
from hwsim.training.maps import activation_bytes
from hwsim.training.result import Choice
from hwsim.training.stages import ELEMENT_BYTES, Gemm

PARTS = (1, 2, 4, 8)
"""Candidates cut the rank that a pass runs over into the fewest equal parts that fit, times these."""


def tilings(machine: TrainingMachine, gemm: Gemm, dataflow: Dataflow) -> Iterator[Tiling]:
    """Candidate tilings of one dataflow: beats of a pass x order of the result's ranks."""
    array = machine.array
    mode = array.modes[array.mode_number(gemm.ratio)]
    length = gemm.m if dataflow == "ws" else -(-gemm.k // mode.span)
    fewest = -(-length // array.most_beats(dataflow))
    for size in sorted({-(-length // min(length, fewest * part)) for part in PARTS}, reverse=True):
        m_tiles = -(-gemm.m // (size if dataflow == "ws" else array.result_rows("os")))
        yield Tiling(beats=size, order="mn", dataflow=dataflow)
        if m_tiles > 1 and gemm.n > array.cols:
            yield Tiling(beats=size, order="nm", dataflow=dataflow)


def lowered(machine: TrainingMachine, gemm: Gemm, tiling: Tiling) -> tuple[Program, Traffic]:
    """The program of one candidate, and the bytes of its tiles behind the line buffer."""
    shape = Shape(m=gemm.m, k=gemm.k, n=gemm.n, groups=gemm.groups)
    program = lower(machine.array, shape, gemm.ratio, tiling)
    moved = traffic(program)
    fetched = activation_bytes(program, gemm.view, ELEMENT_BYTES, machine.line_bytes)
    return program, Traffic(a=fetched, w=moved.w, q=moved.q, o=moved.o)


def compute_bound(machine: TrainingMachine, gemm: Gemm, tiling: Tiling) -> int:
    """Cycles that the array cannot undercut with that tiling: its passes, one after the other."""
    array = machine.array
    mode = array.modes[array.mode_number(gemm.ratio)]
    tiles = gemm.groups * -(-gemm.n // array.cols) * mode.steps
    if tiling.flow(array) == "ws":
        return tiles * -(-gemm.k // (array.rows * mode.span)) * gemm.m
    return tiles * -(-gemm.m // array.result_rows("os")) * -(-gemm.k // mode.span) * array.sum_latency


@lru_cache(maxsize=4096)
def best_choice(machine: TrainingMachine, gemm: Gemm, dataflow: Dataflow, gap: float = 0.0,
                beat: float = math.inf) -> Choice | None:
    """The candidate with the fewest cycles: branch and bound.

    Args:
        machine: the accelerator.
        gemm: what is to run.
        dataflow: of the candidates.
        gap: the search may end when no candidate can need less than (1 - gap) of the best one's cycles.
        beat: cycles that a candidate must stay below to be of interest.

    Returns:
        the best one; None where all need ``beat`` cycles or more.
    """
    best: Choice | None = None
    for tiling in sorted(tilings(machine, gemm, dataflow), key=lambda each: compute_bound(machine, gemm, each)):
        limit = min(beat, best.cycles * (1 - gap) if best else math.inf)
        if compute_bound(machine, gemm, tiling) >= limit:
            break
        program, moved = lowered(machine, gemm, tiling)
        if bound_cycles(program, moved, machine.dram, machine.clock_hz) >= limit:
            continue
        found = simulate(machine, program, moved)
        if found.cycles < min(beat, best.cycles if best else math.inf):
            best = found
    return best


def simulate(machine: TrainingMachine, program: Program, moved: Traffic) -> Choice:
    """One candidate by its tile network with DRAM."""
    timeline = system_network(program, moved, machine.dram, machine.clock_hz).solve()
    return Choice(dataflow=program.dataflow, beats=program.tiling.beats, order=program.tiling.order,
                  cycles=timeline.cycles, array=int(Times(program).slot.sum()),
                  channel=timeline.stalls("dram").busy, dram_bytes=sum(moved.totals().values()))


@lru_cache(maxsize=4096)
def gemm_energy(machine: TrainingMachine, gemm: Gemm, choice: Choice) -> EnergyTree:
    """Energy of one GEMM as chosen."""
    tiling = Tiling(beats=choice.beats, order=choice.order, dataflow=choice.dataflow)
    return EnergyTree.of(gemm_actions(machine, *lowered(machine, gemm, tiling)))
