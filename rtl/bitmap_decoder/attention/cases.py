"""Conformance cases of attention: queries with stalls, and what must come of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.bitmap_decoder.attention.account import action_counts
from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.model import attention_network
from hwsim.bitmap_decoder.attention.query import ELEMENT_SCALES, Block, Halves, Query
from hwsim.bitmap_decoder.attention.reference import attend_all
from hwsim.bitmap_decoder.format import Elements
from hwsim.bitmap_decoder.front import Gates
from hwsim.config import one_of
from hwsim.floats import FP16, round_to
from rtl.bench import Stimulus
from rtl.bitmap_decoder.attention.tokens import input_tokens, output_tokens
from rtl.bitmap_decoder.cases import draw_count, draw_kept, draw_stalls
from rtl.verify.family import Case

INPUTS, OUTPUTS = ("h", "q", "b", "v"), ("o", "s")
CASE_KEYS = ("queries", "blocks", "tokens", "density", "values", "stalls")
"""Settings that are no fields of a configuration: how many queries, blocks of each and tokens of a block, the fraction
of elements that are kept, the kind of their values, and a table of stalls by port."""
VALUES = ("usual", "usual", "close", "any")
"""How operands are drawn; what stands twice is drawn twice as often."""


def attention_case(queries: Sequence[Query], offer: Gates | None = None, ready: Gates | None = None,
                   described: Mapping[str, Any] | None = None) -> Case:
    """The case of queries that follow each other without a reset.

    Args:
        queries: of one component, in order.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: by output port: bool (cycles,), when its sink is ready; always, for ports left out.
        described: what the case is, for reports.
    """
    timeline, tokens = attention_network(queries, offer, ready).solve(), input_tokens(queries)
    value = {**output_tokens(attend_all(queries)), "error": []}
    stimulus = Stimulus(tokens=tokens, expect={port: len(found) for port, found in value.items()},
                        limit=timeline.cycles, offer=dict(offer or {}), ready=dict(ready or {}))
    cycle = {port: timeline.start[port] for port in (*INPUTS, *OUTPUTS)} | {"error": np.zeros(0, np.int64)}
    return Case(described=described or {}, stimulus=stimulus, value=value, cycle=cycle, cycles=timeline.cycles,
                timeline=timeline, actions=lambda: action_counts(queries))


def draw_attention_case(config: AttentionConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A random case: one to three queries of one to three blocks, dense and compressed. `CASE_KEYS` fix parts of it."""
    queries, described, elements = [], [], 0
    for _ in range(draw_count(settings, "queries", int(rng.integers(1, 4)), 64)):
        kind = str(rng.choice(VALUES))
        kind = one_of("values", settings.get("values", kind), dict.fromkeys(VALUES))
        blocks, shapes = [], []
        for _ in range(draw_count(settings, "blocks", int(rng.integers(1, 4)), 64)):
            block, shape = draw_block(kind, config, settings, rng)
            blocks.append(block)
            shapes.append(shape)
        elements += sum(2 * block.keys.size for block in blocks)
        scale = float(rng.choice([0.25, 1.0, 2.0**-20])) if kind == "any" else 0.3
        queries.append(Query(config=config, query=draw_halves(kind, (config.channels,), rng), blocks=blocks,
                             scale=scale, **draw_scales(kind, config, rng)))
        described.append({"values": kind, "blocks": shapes})
    fractions, stalls = draw_stalls(settings, (*INPUTS, *OUTPUTS), 8 * elements + 256, rng)
    return attention_case(queries, {port: stalls[port] for port in INPUTS}, {port: stalls[port] for port in OUTPUTS},
                          {"queries": described, "stalls": fractions})


def draw_block(kind: str, config: AttentionConfig, settings: Mapping[str, Any],
               rng: np.random.Generator) -> tuple[Block, dict[str, Any]]:
    """A block, dense in one case of three, with fewer tokens than a tile in one of three; and what it is."""
    ragged, dense = rng.random() < 1 / 3, bool(rng.random() < 1 / 3)
    tokens = draw_count(settings, "tokens", int(rng.integers(1, config.tile + 1)) if ragged else config.tile,
                        config.tile)
    shape = (tokens, config.channels)
    keys, values = draw_numbers(kind, config, shape, rng), draw_numbers(kind, config, shape, rng)
    kept = [draw_kept(each, config.tile, settings, rng) for each in (shape[::-1], shape)]
    masks = None if dense else (kept[0][0].T, kept[1][0])
    block = Block(config=config, keys=keys, values=values, kept=masks)
    return block, {"tokens": tokens, "dense": dense, "density": [density for _, density in kept]}


def draw_scales(kind: str, config: AttentionConfig, rng: np.random.Generator) -> dict[str, float]:
    """What keys and values of 1 stand for: with ``close`` 1, so that scores stay equal."""
    if config.data_type == "fp16" or kind == "close":
        return {}
    low, high = (math.log2(end) for end in (ELEMENT_SCALES if kind == "any" else (2.0**-7, 2.0**-4)))
    return {name: float(np.exp2(rng.uniform(low, high))) for name in ("key_scale", "value_scale")}


def draw_numbers(kind: str, config: AttentionConfig, shape: tuple[int, ...], rng: np.random.Generator) -> Elements:
    """Keys or values of the configuration's type: as `draw_halves`; of whole numbers, ``usual`` ones spread over their
    range, and ``any`` has the least one often.
    """
    if config.data_type == "fp16":
        return draw_halves(kind, shape, rng)
    usual = np.clip(np.rint(rng.normal(size=shape) * 40), -127, 127)
    whole = np.where(rng.random(shape) < 0.2, -128, rng.integers(-128, 128, shape))
    return {"usual": usual, "close": rng.integers(-2, 3, shape), "any": whole}[kind].astype(np.int8)


def draw_halves(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> Halves:
    """FP16 numbers: ``usual`` normal ones; ``close`` few whole numbers, so that scores are equal and sums cancel;
    ``any`` finite bits.
    """
    if kind == "any":
        return (rng.integers(0, 0x7C00, shape) | rng.integers(0, 2, shape) << 15).astype(np.uint16)
    drawn = rng.integers(-2, 3, shape) if kind == "close" else rng.normal(size=shape)
    return round_to(FP16, drawn.astype(np.float32)).astype(np.uint16)
