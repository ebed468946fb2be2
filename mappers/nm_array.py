"""Mapping onto the N:M array: how an operator becomes GEMMs, which tilings there are, which is best by the model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hwsim.energy import EnergyTree, load_costs
from hwsim.memory import Dram
from hwsim.network import Timeline
from hwsim.nm_array.account import action_counts, dram_cost
from hwsim.nm_array.config import Dataflow, NmArrayConfig
from hwsim.nm_array.program import Program, Shape, Tiling, lower
from hwsim.nm_array.system import bound_cycles, system_network
from hwsim.nm_array.traffic import Lines, Traffic, traffic
from hwsim.search import SearchLimits
from hwsim.sparsity.ratio import Ratio
from hwsim.workload import Operator
from mappers.window import Window, windows_of

DEFAULT_LIMITS = SearchLimits()


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """An operator as the array runs it.

    Args:
        shape: of the GEMMs.
        ratio: mode of the array; allows the weights' own ratio.
        packed: groups that lie block-diagonally in one GEMM: they share an activation beat, and the weights off the
            diagonal blocks are zeros, multiplied in vain.
        lines: how A comes from a feature map.
        window: a depthwise convolution by windows of output pixels.
    """

    shape: Shape
    ratio: Ratio
    packed: int
    lines: Lines | None
    window: Window | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """The best tiling found: its program, traffic and timeline (cycles).

    ``score``: of `SearchLimits.objective`. ``best_bound``: fewest cycles that any candidate could take. ``solved`` of
    ``candidates`` were simulated, not counting ways to map that cannot win. ``exact``: no candidate that was not
    simulated can have a better score. Of the windows of a depthwise convolution only the one that computes fastest by
    its bound is a candidate.
    """

    mapped: Mapped
    program: Program
    traffic: Traffic
    timeline: Timeline
    score: tuple[float, float]
    bound: int
    best_bound: int
    candidates: int
    solved: int
    exact: bool

    @property
    def cycles(self) -> int:
        """Cycles of the schedule."""
        return self.timeline.cycles


def map_operator(config: NmArrayConfig, operator: Operator, ratio: Ratio) -> Mapped:
    """An operator as GEMMs in im2col order. Small groups are laid side by side, as many as the array holds."""
    packed = _packed(config, operator, (operator.m, operator.k, operator.n), ratio)
    shape = Shape(m=operator.m, k=operator.k * packed, n=operator.n * packed, groups=operator.groups // packed)
    return Mapped(shape=shape, ratio=ratio, packed=packed, lines=Lines.of_im2col(operator.conv))


def map_window(config: NmArrayConfig, operator: Operator, window: Window) -> Mapped:
    """A depthwise convolution by windows of output pixels; channels packed as above."""
    m, k, n = window.ranks
    packed = _packed(config, operator, (m, k, n), window.ratio)
    shape = Shape(m=m, k=k * packed, n=n * packed, groups=operator.groups // packed)
    return Mapped(shape=shape, ratio=window.ratio, packed=packed, lines=window.lines(), window=window)


def _packed(config: NmArrayConfig, operator: Operator, ranks: tuple[int, int, int], ratio: Ratio) -> int:
    """Groups that fit side by side: they must fill whole groups of M, and divide the operator's groups."""
    _, k, n = ranks
    if operator.groups == 1 or not operator.has_weights or k % ratio.m:
        return 1
    span = config.modes[config.mode_number(ratio)].span
    room = min(config.rows * span // k, config.cols // n)
    return max((p for p in range(1, room + 1) if operator.groups % p == 0), default=1)


def ways_to_map(config: NmArrayConfig, operator: Operator, ratio: Ratio) -> list[Mapped]:
    """Every mode of the array that allows the weights' ratio, fewest cycles of computing first.

    A mode that skips less can be faster, as a short reduction fills one pass anyway. Depthwise convolutions also go by
    windows: the best of each mode, whose zeros are skipped whatever the weights' own ratio is.
    """
    ways = [map_operator(config, operator, mode.ratio) for mode in config.modes if mode.ratio.allows(ratio)]
    for mode in config.modes:
        windows = [map_window(config, operator, window)
                   for window in windows_of(operator.conv, config.cols, mode.ratio)]
        if windows:
            ways.append(min(windows, key=lambda mapped: compute_bound(config, mapped)))
    return sorted(ways, key=lambda mapped: compute_bound(config, mapped))


def compute_bound(config: NmArrayConfig, mapped: Mapped) -> int:
    """Cycles that no tiling can compute faster: whole passes, one after the other."""
    shape, mode = mapped.shape, config.modes[config.mode_number(mapped.ratio)]
    tiles = shape.groups * -(-shape.n // config.cols) * mode.steps
    cycles = {"ws": tiles * -(-shape.k // (config.rows * mode.span)) * shape.m,
              "os": tiles * -(-shape.m // config.result_rows("os")) * -(-shape.k // mode.span) * config.sum_latency}
    return min(cycles[dataflow] for dataflow in config.dataflows)


def tilings(config: NmArrayConfig, mapped: Mapped, limits: SearchLimits) -> Iterator[Tiling]:
    """Candidate tilings: dataflow x beats per pass x loop order; orders that make no difference are left out."""
    for dataflow in config.dataflows:
        yield from _tilings(config, mapped, limits, dataflow)


def _tilings(config: NmArrayConfig, mapped: Mapped, limits: SearchLimits, dataflow: Dataflow) -> Iterator[Tiling]:
    mode, ws, most = config.modes[config.mode_number(mapped.ratio)], dataflow == "ws", config.most_beats(dataflow)
    length = mapped.shape.m if ws else -(-mapped.shape.k // mode.span)
    deepest, fewest = min(most, length), -(-length // most)
    if most <= limits.exhaustive_depth:
        beats = set(range(1, deepest + 1))
    else:
        parts = {fewest * factor + extra for factor in (1, 2, 4) for extra in range(limits.parts)}
        beats = {-(-length // count) for count in parts if count <= length} | {deepest}
    for size in sorted(beats, reverse=True):
        m_tiles = -(-mapped.shape.m // (size if ws else config.result_rows("os")))
        n_tiles = -(-mapped.shape.n // config.cols)
        yield Tiling(beats=size, order="mn", dataflow=dataflow)
        if m_tiles > 1 and n_tiles > 1:
            yield Tiling(beats=size, order="nm", dataflow=dataflow)


def schedule(config: NmArrayConfig, operator: Operator, ratio: Ratio, dram: Dram, clock_hz: float,
             limits: SearchLimits = DEFAULT_LIMITS) -> Schedule:
    """Find the best tiling by cycle model and energy account: branch and bound over every way to map.

    Args:
        config: the array.
        operator: conv, linear or matmul.
        ratio: N:M of its weights along K; one of the array's modes.
        dram: memory channel.
        clock_hz: clock of the array.
        limits: size of the search.
    """
    config.mode_number(ratio)
    found: list[Schedule] = []
    for mapped in ways_to_map(config, operator, ratio):
        beat = min((each.score for each in found), default=(math.inf, math.inf))
        best_of_way = _best_tiling(config, mapped, dram, clock_hz, limits, beat)
        found += [best_of_way] if best_of_way is not None else []
    best = min(found, key=lambda each: each.score)
    return replace(best, best_bound=min(each.best_bound for each in found), exact=all(each.exact for each in found),
                   candidates=sum(each.candidates for each in found), solved=sum(each.solved for each in found))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Candidate:
    """A tiling before its cycles are known: cycles that it cannot undercut, and its energy (J).

    Its program is made again when it is simulated: those of all candidates together may not fit in memory.
    """

    bound: int
    joules: float
    tiling: Tiling


def _candidates(config: NmArrayConfig, mapped: Mapped, dram: Dram, clock_hz: float,
                limits: SearchLimits) -> list[_Candidate]:
    """All tilings of one way to map. Those of one dataflow differ in their energy by DRAM traffic; the rest is taken
    from the first.
    """
    per_byte = 8 * load_costs().cost(dram_cost(dram)).energy
    found: list[_Candidate] = []
    on_chip: dict[Dataflow, float] = {}
    for tiling in tilings(config, mapped, limits):
        program, moved = _lowered(config, mapped, tiling)
        if program.dataflow not in on_chip:
            parts = EnergyTree.of(action_counts(program, moved, dram)).components
            on_chip[program.dataflow] = math.fsum(energy for part, energy in parts.items() if part != "DRAM")
        found.append(_Candidate(bound=bound_cycles(program, moved, dram, clock_hz), tiling=tiling,
                                joules=on_chip[program.dataflow] + per_byte * sum(moved.totals().values())))
    return found


def _lowered(config: NmArrayConfig, mapped: Mapped, tiling: Tiling) -> tuple[Program, Traffic]:
    program = lower(config, mapped.shape, mapped.ratio, tiling)
    return program, traffic(program, mapped.lines, mapped.packed)


def _best_tiling(config: NmArrayConfig, mapped: Mapped, dram: Dram, clock_hz: float, limits: SearchLimits,
                 beat: tuple[float, float]) -> Schedule | None:
    """Branch and bound: candidates in the order of the best score that they may have, until none can win any more.

    None when no candidate can be better than the score to beat.
    """
    found = _candidates(config, mapped, dram, clock_hz, limits)
    found.sort(key=lambda each: limits.score(each.bound, each.joules))
    best: tuple[_Candidate, Program, Traffic, Timeline] | None = None
    solved = 0
    for candidate in found[:limits.solved]:
        if limits.score(candidate.bound, candidate.joules) >= beat:
            break
        program, moved = _lowered(config, mapped, candidate.tiling)
        timeline = system_network(program, moved, dram, clock_hz).solve()
        solved += 1
        score = limits.score(timeline.cycles, candidate.joules)
        if best is None or score < beat:
            best = candidate, program, moved, timeline
        beat = min(beat, score)
    if best is None:
        return None
    chosen, program, moved, timeline = best
    exact = solved == len(found) or limits.score(found[solved].bound, found[solved].joules) >= beat
    return Schedule(mapped=mapped, program=program, traffic=moved, timeline=timeline,
                    score=limits.score(timeline.cycles, chosen.joules), bound=chosen.bound,
                    best_bound=min(each.bound for each in found), candidates=len(found), solved=solved, exact=exact)
