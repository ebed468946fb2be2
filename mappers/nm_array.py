"""Mapping onto the N:M array: how an operator becomes GEMMs, which tilings there are, which is best by the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hwsim.memory import Dram
from hwsim.network import Timeline
from hwsim.nm_array.config import NmArrayConfig
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

    ``best_bound``: the smallest lower bound of all candidates. ``solved`` of ``candidates`` were simulated. ``exact``:
    the cycles are within the search's slack of that bound, or no candidate that was not simulated can be faster.
    Of the windows of a depthwise convolution only the one that computes fastest by its bound is a candidate.
    """

    mapped: Mapped
    program: Program
    traffic: Traffic
    timeline: Timeline
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
    tiles = shape.groups * -(-shape.n // config.cols)
    if config.dataflow == "ws":
        return tiles * -(-shape.k // (config.rows * mode.span)) * shape.m * mode.steps
    return tiles * -(-shape.m // config.rows) * -(-shape.k // mode.span) * mode.steps


def tilings(config: NmArrayConfig, mapped: Mapped, limits: SearchLimits) -> Iterator[Tiling]:
    """Candidate tilings: beats per pass x loop order; orders that make no difference are left out."""
    mode = config.modes[config.mode_number(mapped.ratio)]
    ws = config.dataflow == "ws"
    length = mapped.shape.m if ws else -(-mapped.shape.k // mode.span)
    deepest = min(config.tile_depth, length)
    fewest = -(-length // config.tile_depth)
    if config.tile_depth <= limits.exhaustive_depth:
        beats = set(range(1, deepest + 1))
    else:
        parts = {fewest * factor + extra for factor in (1, 2, 4) for extra in range(limits.parts)}
        beats = {-(-length // count) for count in parts if count <= length} | {deepest}
    for size in sorted(beats, reverse=True):
        m_tiles = -(-mapped.shape.m // (size if ws else config.rows))
        n_tiles = -(-mapped.shape.n // config.cols)
        yield Tiling(beats=size, order="mn")
        if m_tiles > 1 and n_tiles > 1:
            yield Tiling(beats=size, order="nm")


def schedule(config: NmArrayConfig, operator: Operator, ratio: Ratio, dram: Dram, clock_hz: float,
             limits: SearchLimits = DEFAULT_LIMITS) -> Schedule:
    """Find the fastest tiling by the cycle model, and near it the one that moves least: branch and bound.

    Args:
        config: the array.
        operator: conv, linear or matmul.
        ratio: N:M of its weights along K; one of the array's modes.
        dram: memory channel.
        clock_hz: clock of the array.
        limits: size of the search.
    """
    config.mode_number(ratio)
    best: Schedule | None = None
    for mapped in ways_to_map(config, operator, ratio):
        if best is None or compute_bound(config, mapped) < best.cycles:
            found = _best_tiling(config, mapped, dram, clock_hz, limits)
            best = found if best is None else _better(best, found)
    assert best is not None  # dense allows every ratio
    return best


def _better(first: Schedule, second: Schedule) -> Schedule:
    """The faster of two schedules, with what is known of both searches."""
    faster = first if first.cycles <= second.cycles else second
    return replace(faster, best_bound=min(first.best_bound, second.best_bound),
                   candidates=first.candidates + second.candidates, solved=first.solved + second.solved,
                   exact=all(search.exact or search.best_bound >= faster.cycles for search in (first, second)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Candidate:
    """A tiling before its cycles are known: cycles that it cannot undercut, bytes that it moves."""

    bound: int
    moved: int
    program: Program
    traffic: Traffic


def _candidates(config: NmArrayConfig, mapped: Mapped, dram: Dram, clock_hz: float,
                limits: SearchLimits) -> list[_Candidate]:
    found = []
    for tiling in tilings(config, mapped, limits):
        program = lower(config, mapped.shape, mapped.ratio, tiling)
        tiles = traffic(program, mapped.lines, mapped.packed)
        found.append(_Candidate(bound=bound_cycles(program, tiles, dram, clock_hz),
                                moved=sum(tiles.totals().values()), program=program, traffic=tiles))
    return found


def _best_tiling(config: NmArrayConfig, mapped: Mapped, dram: Dram, clock_hz: float,
                 limits: SearchLimits) -> Schedule:
    """Of the tilings within the slack of the smallest bound the one that moves least; without any, of those within
    the slack of the fastest.

    Those that may lie within the slack are simulated in the order of their traffic, so the first that does is it; then
    the others in the order of their bounds, for as long as one may be faster than the fastest so far.
    """
    found = _candidates(config, mapped, dram, clock_hz, limits)
    least = min(candidate.bound for candidate in found)
    target = least * (1 + limits.slack)
    found.sort(key=lambda each: (each.bound > target, each.moved if each.bound <= target else each.bound))
    solved: list[tuple[_Candidate, Timeline]] = []
    fewest, exact = 0, False
    for candidate in found[:limits.solved]:
        if solved and (fewest <= target or candidate.bound >= max(fewest, target)):
            exact = True
            break
        timeline = system_network(candidate.program, candidate.traffic, dram, clock_hz).solve()
        fewest = min(fewest, timeline.cycles) if solved else timeline.cycles
        solved.append((candidate, timeline))
    near = [each for each in solved if each[1].cycles <= fewest * (1 + limits.slack)]
    chosen, timeline = min(near, key=lambda each: (each[0].moved, each[1].cycles))
    exact |= len(solved) == len(found) or fewest <= target
    return Schedule(mapped=mapped, program=chosen.program, traffic=chosen.traffic, timeline=timeline,
                    bound=chosen.bound, best_bound=least, candidates=len(found), solved=len(solved), exact=exact)
