"""Conformance cases: columns with stalls, and what must come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.config import in_range, one_of
from hwsim.dsp_chain.account import action_counts
from hwsim.dsp_chain.config import ROWS, SparseChainConfig
from hwsim.dsp_chain.model import Gates, device_network, port_names
from hwsim.dsp_chain.work import Block, Column, same_device
from rtl.bench import Stimulus
from rtl.dsp_chain.tokens import input_tokens, sum_tokens, total_tokens
from rtl.verify.draw import draw_fractions, draw_stall, whole_setting
from rtl.verify.family import Case

CASE_KEYS = ("columns", "slices", "repeats", "n", "mode", "values", "stalls")
"""Settings that are no fields of a configuration: how many columns, and slices of each; how often each block comes, on
the slice that is held; N of all blocks; ``mm`` or ``mv``; the kind of the values; a table of stalls by port."""
VALUES = ("any", "extreme", "small")
"""Kinds that are drawn; a setting may also ask for ``least``, -128 throughout, so that sums grow fastest."""
MODES = ("mm", "mv")
LONGEST_STALLS = 1 << 16
"""Cycles after which no port stalls any more."""
_LONG_COLUMNS = 1 / 32
"""How many of an Mpu's random cases are one long column."""


def device_case(columns: Sequence[Column], offer: Gates | None = None, ready: Gates | None = None,
                described: Mapping[str, Any] | None = None, rng: np.random.Generator | None = None) -> Case:
    """The case of columns that follow each other without a reset.

    Args:
        columns: of one device, in order.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: by output port: bool (cycles,), when its sink is ready; always, for ports left out.
        described: what the case is, for reports.
        rng: draws what does not count.
    """
    config = same_device(columns)
    tokens = input_tokens(columns, config, rng or np.random.default_rng(0))
    value = {"o": (total_tokens if config.accumulates else sum_tokens)(columns, config)}
    timeline = device_network(columns, offer, ready).solve()
    cycle = {port: timeline.start[port] for port in (*tokens, "o")}
    cycles = max(int(at.max(initial=-1)) for at in cycle.values()) + 1
    stimulus = Stimulus(tokens=tokens, expect={"o": len(value["o"])}, limit=cycles, offer=dict(offer or {}),
                        ready=dict(ready or {}))
    return Case(described=described or {}, stimulus=stimulus, value=value, cycles=cycles, cycle=cycle,
                timeline=timeline, actions=lambda: action_counts(columns))


def draw_case(config: SparseChainConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A random case: up to six columns, their blocks of any legal N, or, rarely, one long column of an Mpu. `CASE_KEYS`
    fix parts of it.
    """
    settings = {**_long_column(config, settings, rng), **settings}
    columns, described = [], []
    before, repeats = None, _count(settings, "repeats", 1, 1 << 16)
    for _ in range(_count(settings, "columns", int(rng.integers(1, 7)), 1 << 10)):
        mode = one_of("mode", settings.get("mode", str(rng.choice(MODES))), MODES)
        kind = one_of("values", settings.get("values", str(rng.choice(VALUES))), (*VALUES, "least"))
        blocks: list[Block] = []
        for _ in range(_count(settings, "slices", int(rng.integers(1, 6)), 1 << 12)):
            fresh = before != mode or rng.random() < 0.7
            block = draw_block(config, _legal_n(config, settings, rng), mode == "mv", kind, fresh, rng)
            blocks += [block, *[replace(block, activations=None)] * (repeats - 1)]
            before = mode
        columns.append(Column(blocks=blocks))
        drawn = blocks[::repeats]
        described.append({"mode": mode, "values": kind, "repeats": repeats, "n": [block.n for block in drawn],
                          "slices": [block.activations is not None for block in drawn]})
    inputs = [name for port in "aw" for name in port_names(config, port)]
    beats = repeats * sum(sum(each["n"]) for each in described)
    fractions = draw_fractions(settings.get("stalls", {}), [*inputs, "o"], rng)
    length = min(LONGEST_STALLS, 16 * (beats + config.m * len(columns)) + 512)
    stalls = {port: draw_stall(fraction, length, rng) for port, fraction in fractions.items()}
    return device_case(columns, {port: stalls[port] for port in inputs}, {"o": stalls["o"]},
                       {"columns": described, "stalls": fractions}, rng)


def draw_block(config: SparseChainConfig, n: int, single: bool, kind: str, fresh: bool,
               rng: np.random.Generator) -> Block:
    """A random block; indices may repeat.

    Args:
        config: of the device.
        n: weights kept of each M.
        single: MV mode.
        kind: of values, one of `VALUES`, or ``least``.
        fresh: whether it has activations of its own.
        rng: draws.
    """
    shape = (config.chains if single else 1, config.m, config.blocks, n)
    rows = (1, 1) if single else (config.chains, ROWS)
    activations = draw_values(kind, (*rows, config.length), rng) if fresh else None
    return Block(config=config, weights=draw_values(kind, shape, rng),
                 indices=rng.integers(0, config.m, shape).astype(np.uint8), activations=activations, single=single)


def draw_values(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """INT8: ``any``, ``small`` (-1 to 1), ``extreme`` (one kind of corner throughout, or corners mixed), or ``least``
    (-128 throughout).
    """
    corners = rng.permutation([-128, -128, 127, -127, -1, 1, 0])[:int(rng.choice([1, 1, 2, 7]))]
    values = {"any": rng.integers(-128, 128, shape), "small": rng.integers(-1, 2, shape),
              "extreme": rng.choice(corners, shape), "least": np.full(shape, -128)}[kind]
    return values.astype(np.int8)


def _long_column(config: SparseChainConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Settings of a column whose sums reach 2**24, in one case of many; none where a setting says how long columns are.

    Drawn from a generator of its own, so that all other cases stay as they are.
    """
    rare = config.accumulates and rng.spawn(1)[0].random() < _LONG_COLUMNS
    if not (rare and settings.keys().isdisjoint(("columns", "slices", "repeats", "n", "values"))):
        return {}
    n = config.modes[-1]
    return {"columns": 1, "slices": 1, "n": n, "values": "least", "repeats": (1 << 10) // config.part(n) + 1}


def _legal_n(config: SparseChainConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> int:
    """A value of N, fixed or drawn."""
    drawn = int(rng.choice(config.modes))
    return one_of("n", whole_setting("n", settings.get("n", drawn)), config.modes)


def _count(settings: Mapping[str, Any], key: str, drawn: int, most: int) -> int:
    """A number of things, fixed or drawn."""
    return in_range(key, whole_setting(key, settings.get(key, drawn)), 1, most)
