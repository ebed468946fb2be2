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

    ``fewest``: cycles of the fastest schedule found; this one is within the search's slack of it. ``best_bound``: the
    smallest lower bound of all candidates; ``solved`` of ``candidates`` were simulated. The search is ``exact`` where
    no candidate that was not simulated can be faster than ``fewest``.
    """

    mapped: Mapped
    program: Program
    traffic: Traffic
    timeline: Timeline
    fewest: int
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
        if best is None or compute_bound(config, mapped) < best.fewest:
            found = _best_tiling(config, operator, mapped, dram, clock_hz, limits)
            best = found if best is None else _better(best, found)
    assert best is not None  # dense allows every ratio
    return best


def _better(first: Schedule, second: Schedule) -> Schedule:
    """The faster of two schedules, with what is known of both searches."""
    faster = first if first.fewest <= second.fewest else second
    best_bound = min(first.best_bound, second.best_bound)
    return replace(faster, best_bound=best_bound, candidates=first.candidates + second.candidates,
                   solved=first.solved + second.solved,
                   exact=all(search.exact or search.best_bound >= faster.fewest for search in (first, second)))


def _best_tiling(config: NmArrayConfig, operator: Operator, mapped: Mapped, dram: Dram, clock_hz: float,
                 limits: SearchLimits) -> Schedule:
    """Branch and bound over the tilings of one way to map."""
    candidates = []
    for tiling in tilings(config, mapped, limits):
        program = lower(config, mapped.shape, mapped.ratio, tiling)
        moved = traffic(program, mapped.lines, mapped.packed)
        candidates.append((bound_cycles(program, moved, dram, clock_hz), program, moved))
    candidates.sort(key=lambda candidate: candidate[0])
    solved: list[tuple[Program, Traffic, Timeline, int]] = []
    fewest = candidates[-1][0]
    for bound, program, moved in candidates[:limits.solved]:
        if solved and bound > fewest * (1 + limits.slack):
            break
        timeline = system_network(program, moved, dram, clock_hz).solve()
        fewest = min(fewest, timeline.cycles) if solved else timeline.cycles
        solved.append((program, moved, timeline, bound))
    near = [each for each in solved if each[2].cycles <= fewest * (1 + limits.slack)]
    program, moved, timeline, bound = min(near, key=lambda each: (sum(each[1].totals().values()), each[2].cycles))
    exact = len(solved) == len(candidates) or candidates[len(solved)][0] >= fewest
    return Schedule(mapped=mapped, program=program, traffic=moved, timeline=timeline, fewest=fewest, bound=bound,
                    best_bound=candidates[0][0], candidates=len(candidates), solved=len(solved), exact=exact)
