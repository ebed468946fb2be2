"""What queries cost in actions: multiply-accumulates, selections among registers, the softmax. Energy prices them."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.query import Query
from hwsim.bitmap_decoder.attention.steps import AttentionSteps, steps_of
from hwsim.bitmap_decoder.attention.timing import DIVIDE
from hwsim.config import shared
from hwsim.energy import ActionCount, Inventory, load_costs, of_bytes

SMALLEST_SRAM = 64
"""Bytes of the smallest memory of the cost table; a smaller queue is priced as that, which overstates it."""


def action_counts(queries: Sequence[Query]) -> list[ActionCount]:
    """Actions of queries on one component, in order without a reset between. Only lanes with a non-zero multiply.

    A choice among n registers counts as n - 1 multiplexers of 2. Not counted: control, the counting of ones and the
    search for them, roundings, comparisons, and the registers inside the floating-point units. A multiplier
    of FP16 with INT8 is priced as one of FP16, which overstates it.
    """
    config, steps = shared("queries", queries), steps_of(queries)
    return [*_front(config, queries, steps), *_lanes(config, queries, steps), *_softmax(config, queries),
            *_results(config, len(queries))]


def inventory(config: AttentionConfig, *, skips: bool = True) -> Inventory:
    """The unit's silicon; of one that does not skip zeros, without what finds and places them. Not control.

    Lanes with their choice of factors and of accumulators, value buffer with its rotation, query, accumulators, the
    softmax (two FP32 multipliers and adders, one 32-bit integer multiplier), results.
    """
    area, bits = load_costs().area, config.element_bits
    entries = config.tile + config.channels
    reached = entries if skips else -(-entries // config.macs)
    muxes = config.macs * ((max(config.channels, config.tile) - 1) * 16 + (reached - 1) * 32)
    registers = config.capacity * bits + 16 * config.channels + 32 * entries
    if skips:
        muxes += _rotated(config) * bits
        registers += config.b_slots * config.tile
    stages = config.product_stages + config.sum_stages
    lane = area("multiply.fp16") + area("add.fp32") + 32 * stages * area("register")
    softmax = 2 * (area("multiply.fp32") + area("add.fp32")) + area("multiply.int32")
    return Inventory(um2=config.macs * lane + softmax + muxes * area("mux2") + registers * area("register"),
                     sram_bits=17 * config.o_depth)


def _rotated(config: AttentionConfig) -> int:
    """Values through multiplexers in one turn of the value buffer."""
    return sum(min(config.capacity, config.macs + (1 << level) - 1)
               for level in range((config.capacity - 1).bit_length()))


def _front(config: AttentionConfig, queries: Sequence[Query], steps: AttentionSteps) -> list[ActionCount]:
    """Bitmaps and values: written once; the barrel shifter of the value buffer turns once a step."""
    blocks = [block for query in queries for block in query.blocks]
    bits = sum(len(block.counts) for block in blocks if not block.dense) * config.tile
    words = sum(block.beats for block in blocks) * config.beat_values
    return [_count("bitmaps", "write", bits, "register.write"), _count("bitmaps", "read", bits, "register.read"),
            _count("values", "write", config.element_bits * words, "register.write"),
            _count("values", "rotate", config.element_bits * _rotated(config) * len(steps.job), "mux2")]


def _lanes(config: AttentionConfig, queries: Sequence[Query], steps: AttentionSteps) -> list[ActionCount]:
    """Factors and accumulators: each multiply-accumulate reads one accumulator of all and writes it."""
    macs, entries = int(steps.macs.sum()), config.tile + config.channels
    keys = _steps_of_keys(steps)
    choices = keys * (config.channels - 1) + (len(steps.job) - keys) * (config.tile - 1)
    return [_count("factors", "query write", 16 * config.channels * len(queries), "register.write"),
            _count("factors", "choose", 16 * choices, "mux2.held"),
            _count("lanes", "multiply-accumulate", macs, "mac.fp16-fp32"),
            _count("accumulators", "choose", 32 * (entries - 1) * macs, "mux2.held"),
            _count("accumulators", "write", 32 * macs, "register.write")]


def _steps_of_keys(steps: AttentionSteps) -> int:
    """Steps that multiply keys."""
    first = [0, *(steps.last_of_job[:-1] + 1).tolist()]
    return sum(int(last) + 1 - begin for begin, last in zip(first, steps.last_of_keys, strict=True))


def _softmax(config: AttentionConfig, queries: Sequence[Query]) -> list[ActionCount]:
    """Scan, weights, and the rescaling of what is accumulated."""
    blocks = [block.tokens for query in queries for block in query.blocks]
    tokens, exponentials = sum(blocks), sum(blocks) + len(blocks)
    scaled = tokens + len(blocks) * (config.channels + 1)
    return [_count("softmax", "multiply", scaled, "multiply.fp32"),
            _count("softmax", "add", exponentials + tokens, "add.fp32"),
            _count("softmax", "table multiply", 2 * exponentials, "multiply.int32"),
            _count("softmax", "table add", 2 * exponentials, "add.int32"),
            _count("softmax", "write", 32 * scaled + 16 * tokens, "register.write")]


def _results(config: AttentionConfig, queries: int) -> list[ActionCount]:
    """Reciprocals, normalisation, result queue."""
    channels = queries * config.channels
    capacity = max(config.o_depth * 17 // 8, SMALLEST_SRAM)
    return [_count("reciprocal", "subtract", (DIVIDE - 1) * queries, "add.int32"),
            _count("normalise", "multiply", channels + (queries if config.data_type == "int8" else 0), "multiply.fp32"),
            *(of_bytes("results", action, channels * 17 / 8, cost="sram", capacity_bytes=capacity)
              for action in ("write", "read"))]


def _count(component: str, action: str, count: int, cost: str) -> ActionCount:
    return ActionCount(component=component, action=action, count=count, cost=cost)
