"""Conformance cases of the N:M array: a program with data and stalls, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from hwsim.config import in_range, one_of
from hwsim.errors import InputError
from hwsim.nm_array.account import array_counts
from hwsim.nm_array.config import Dataflow, NmArrayConfig
from hwsim.nm_array.model import beat_network
from hwsim.nm_array.program import Program, Shape, Tiling, lower
from hwsim.nm_array.reference import Elements, Parameters, accumulate, expected_beats
from hwsim.nm_array.schedule import Bools, join
from hwsim.nm_array.times import Times
from hwsim.sparsity.ratio import Ratio
from rtl.bench import Stimulus
from rtl.nm_array.random_operands import VALUES, draw_bias_relu, draw_operands, draw_requantization, draw_weights
from rtl.nm_array.tokens import descriptor_tokens, operand_tokens, result_tokens
from rtl.verify.draw import draw_fractions, draw_stall, operating_ratio, whole_setting
from rtl.verify.family import Case

PORTS = ("d", "a", "w", "q", "o")
LONGEST_STALLS = 1 << 16
"""Cycles after which no port stalls any more."""
MOST_PROGRAMS = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """One program with its data.

    Attributes:
        program: from `hwsim.nm_array.program.lower`, or a part of one by its ``select``.
        a: activations (groups, M, K), int8 or bit patterns.
        w: weights (groups, K, N) that keep the program's N:M along K.
        rq: parameters of the results by group.
    """

    program: Program
    a: Elements
    w: Elements
    rq: Sequence[Parameters]


def make_case(works: Sequence[Work], offer: Mapping[str, Bools] | None = None, ready: Bools | None = None,
              described: Mapping[str, Any] | None = None) -> Case:
    """The case of one program, or of several that follow each other without a reset.

    Args:
        works: programs of one array, in order, with their data.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: bool (cycles,), when the sink of port ``o`` is ready; always by default.
        described: what the case is, for reports.
    """
    schedule = join([work.program for work in works])
    timeline = beat_network(schedule, offer, ready).solve()
    results = [token for work in works for token in
               result_tokens(expected_beats(work.program, work.a, work.w, work.rq))]
    each = [operand_tokens(work.program, work.a, work.w, work.rq) for work in works]
    tokens = {port: [token for part in each for token in part[port]] for port in ("a", "w", "q")}
    stimulus = Stimulus(tokens={"d": descriptor_tokens(schedule), **tokens}, expect={"o": len(results)},
                        limit=timeline.cycles, offer=dict(offer or {}), ready={} if ready is None else {"o": ready})
    return Case(described=described or {}, stimulus=stimulus, cycle={port: timeline.start[port] for port in PORTS},
                value={"o": results}, cycles=timeline.cycles, timeline=timeline,
                actions=lambda: [count for work in works for count in array_counts(work.program)])


def draw_case(config: NmArrayConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A random case for that array: one program, or in one case of four two to four programs without a reset between.

    Settings that fix parts of it: ``programs`` how many follow each other; of each, ``n`` and ``m`` the ratio, and
    tables ``gemm`` (m, k, n, groups) and ``tiling`` (beats, order, dataflow); a table ``stalls`` (by port, the fraction
    of cycles in which it stalls).
    """
    drawn = int(rng.integers(2, 5)) if rng.random() < 0.25 else 1
    count = in_range("programs", whole_setting("programs", settings.get("programs", drawn)), 1, MOST_PROGRAMS)
    most_tiles = 3 if count == 1 else 2
    works, programs = [], []
    for _ in range(count):
        work, described = _draw_work(config, settings, most_tiles, rng)
        works.append(work)
        programs.append(described)
    fractions = draw_fractions(settings.get("stalls", {}), PORTS, rng)
    cycles = _stall_cycles([work.program for work in works])
    stalls = {port: draw_stall(fractions[port], cycles, rng) for port in PORTS}
    ready = stalls.pop("o")
    return make_case(works, stalls, ready, {"programs": programs, "stalls": fractions})


def _draw_work(config: NmArrayConfig, settings: Mapping[str, Any], most_tiles: int,
               rng: np.random.Generator) -> tuple[Work, dict[str, Any]]:
    """A random program with its data, and its description."""
    chosen = operating_ratio(settings)
    ratio = chosen if chosen is not None else config.modes[int(rng.integers(len(config.modes)))].ratio
    tiling = _draw_tiling(config, _table(settings, "tiling", ("beats", "order", "dataflow")), rng)
    shape = _draw_shape(config, ratio, tiling, _table(settings, "gemm", ("m", "k", "n", "groups")), most_tiles, rng)
    program = lower(config, shape, ratio, tiling)
    kinds = {"a": str(rng.choice(VALUES)), "w": str(rng.choice(VALUES))}
    a = draw_operands(config, kinds["a"], (shape.groups, shape.m, shape.k), rng)
    w = draw_weights(kinds["w"], shape, ratio, rng, config)
    parameters: list[Parameters] = []
    for g in range(shape.groups):
        parameters.append(draw_bias_relu(shape.n, rng) if config.floating else
                          draw_requantization(accumulate(a[g], w[g]), rng))
    return Work(program=program, a=a, w=w, rq=parameters), {**describe(program), "values": kinds}


def describe(program: Program) -> dict[str, Any]:
    """What a program is, as plain data."""
    shape, tiling = program.shape, program.tiling
    return {"ratio": str(program.ratio),
            "tiling": {"beats": tiling.beats, "order": tiling.order, "dataflow": program.dataflow},
            "gemm": {name: int(getattr(shape, name)) for name in ("m", "k", "n", "groups")}, "passes": program.passes}


def _table(settings: Mapping[str, Any], name: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    table = settings.get(name, {})
    if not isinstance(table, Mapping):
        raise InputError(name, f"a table of {', '.join(keys)}", table)
    for key in table:
        one_of(name, key, keys)
    return table


def _draw_tiling(config: NmArrayConfig, fixed: Mapping[str, Any], rng: np.random.Generator) -> Tiling:
    dataflow = config.dataflows[int(rng.integers(len(config.dataflows)))]
    if "dataflow" in fixed:
        dataflow = cast(Dataflow, one_of("tiling.dataflow", fixed["dataflow"], config.dataflows))
    deepest = min(config.most_beats(dataflow), 48)
    beats = int(rng.choice([1, deepest, int(rng.integers(1, deepest + 1)), int(rng.integers(1, deepest + 1))]))
    order = str(rng.choice(["mn", "nm"]))
    if "order" in fixed:
        order = one_of("tiling.order", fixed["order"], ["mn", "nm"])
    beats = whole_setting("tiling.beats", fixed.get("beats", beats))
    in_range("tiling.beats", beats, 1, config.most_beats(dataflow))
    return Tiling(beats=beats, order=cast(Literal["mn", "nm"], order), dataflow=dataflow)


def _draw_shape(config: NmArrayConfig, ratio: Ratio, tiling: Tiling, fixed: Mapping[str, Any],
                most_tiles: int, rng: np.random.Generator) -> Shape:
    """One to ``most_tiles`` tiles along each rank, the last often ragged."""
    span = config.modes[config.mode_number(ratio)].span
    ws = tiling.flow(config) == "ws"
    tile = {"m": tiling.beats if ws else config.result_rows("os"), "k": (config.rows if ws else tiling.beats) * span,
            "n": config.cols}
    size: dict[str, Any] = {}
    for rank, elements in tile.items():
        whole = int(rng.integers(0, most_tiles)) * elements
        size[rank] = whole + int(rng.choice([elements, int(rng.integers(1, elements + 1))]))
    size["groups"] = int(rng.choice([1, 1, 1, 2, 3]))
    return Shape(**{rank: whole_setting(f"gemm.{rank}", fixed.get(rank, size[rank])) for rank in size})


def _stall_cycles(programs: Sequence[Program]) -> int:
    """Cycles for which stalls are drawn: several times what the programs take without any."""
    busy = sum(int((times.slot + times.load).sum()) for times in map(Times, programs))
    return min(LONGEST_STALLS, 8 * busy + 256)
