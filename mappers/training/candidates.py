"""Tilings of one GEMM of a training step on each dataflow: branch and bound, each candidate simulated with its DRAM."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from hwsim.energy import EnergyTree, load_costs
from hwsim.nm_array.account import dram_cost
from hwsim.nm_array.config import Dataflow
from hwsim.nm_array.program import Program, Shape, Tiling, lower
from hwsim.nm_array.system import bound_cycles, system_network
from hwsim.nm_array.times import Times
from hwsim.nm_array.traffic import Traffic, traffic
from hwsim.search import SearchLimits
from hwsim.training.energy import energy_of, gemm_actions
from hwsim.training.machine import TrainingMachine
from hwsim.training.maps import activation_bytes
from hwsim.training.result import Choice, PortBytes
from hwsim.training.stages import ELEMENT_BYTES, Gemm

DEFAULT_LIMITS = SearchLimits()
PARTS = (1, 2)
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
def best_choice(machine: TrainingMachine, gemm: Gemm, dataflow: Dataflow, limits: SearchLimits = DEFAULT_LIMITS,
                gap: float = 0.0, beat: float = math.inf) -> Choice | None:
    """The candidate with the best score: branch and bound.

    Candidates of one dataflow differ in their energy by DRAM traffic; the rest is taken from one of them.

    Args:
        machine: the accelerator.
        gemm: what is to run.
        dataflow: of the candidates.
        limits: what is minimised.
        gap: the search may end when no candidate can have less than (1 - gap) of the best score.
        beat: cycles that the dataflow must be able to stay below to be of interest.

    Returns:
        the best one; None where no tiling can need fewer than ``beat`` cycles.
    """
    listed = list(tilings(machine, gemm, dataflow))
    if min(compute_bound(machine, gemm, tiling) for tiling in listed) >= beat:
        return None
    found = [lowered(machine, gemm, tiling) for tiling in listed]
    on_chip = math.fsum(energy for part, energy in energy_of(gemm_actions(machine, *found[0])).components.items()
                        if part != "DRAM")
    per_byte = 8 * load_costs().cost(dram_cost(machine.dram)).energy

    def score(cycles: int, nbytes: int) -> float:
        return limits.score(cycles, on_chip + per_byte * nbytes)[0]

    bounds = [score(bound_cycles(*each, machine.dram, machine.clock_hz), sum(each[1].totals().values()))
              for each in found]
    order = sorted(range(len(found)), key=lambda i: bounds[i])
    best = simulate(machine, *found[order[0]])
    for i in order[1:]:
        if bounds[i] >= score(best.cycles, best.dram_bytes) * (1 - gap):
            break
        other = simulate(machine, *found[i])
        if score(other.cycles, other.dram_bytes) < score(best.cycles, best.dram_bytes):
            best = other
    return best


def simulate(machine: TrainingMachine, program: Program, moved: Traffic) -> Choice:
    """One candidate by its tile network with DRAM."""
    timeline = system_network(program, moved, machine.dram, machine.clock_hz).solve()
    return Choice(dataflow=program.dataflow, beats=program.tiling.beats, order=program.tiling.order,
                  cycles=timeline.cycles, array=int(Times(program).slot.sum()),
                  channel=timeline.stalls("dram").busy, moved=PortBytes(**moved.totals()))


@lru_cache(maxsize=4096)
def gemm_energy(machine: TrainingMachine, gemm: Gemm, choice: Choice) -> EnergyTree:
    """Energy of one GEMM as chosen."""
    tiling = Tiling(beats=choice.beats, order=choice.order, dataflow=choice.dataflow)
    return energy_of(gemm_actions(machine, *lowered(machine, gemm, tiling)))
