"""Decode attention over a bitmap cache with a dense window, in one pass with an *online softmax*.

Each program takes some blocks of one KV head, keeps the largest score, the sum of the weights and the weighed values,
and rescales them whenever a larger score comes. So one query of a long sequence fills many multiprocessors; a second
kernel joins the parts. Weights are rounded to FP16 before they meet the values, and summed as they are.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl

from hwsim.errors import InputError
from hwsim.gpu.kernels.cache import DeviceCache, key_block, value_block
from hwsim.gpu.kernels.launch import Launch, Prepared, block_of, multiply_add, operand, result
from hwsim.sparsity.size import Array


@triton.jit
def online_softmax(s: tl.tensor, largest: tl.tensor, total: tl.tensor) -> tl.tensor:
    """(weights in FP16, factor of what was summed before, new maximum, new sum) for new scores in powers of two."""
    new = tl.maximum(largest, tl.max(s, axis=1))
    decay = tl.exp2(largest - new)
    p = tl.exp2(s - new[:, None])
    rounded = p.to(tl.float16)
    return rounded, decay, new, total * decay + tl.sum(rounded.to(tl.float32), axis=1)


@triton.jit
def part_kernel(query: tl.tensor, table: tl.tensor, key_bitmap: tl.tensor, key_offsets: tl.tensor,
                key_values: tl.tensor, value_bitmap: tl.tensor, value_offsets: tl.tensor, value_values: tl.tensor,
                recent_keys: tl.tensor, recent_values: tl.tensor, maxima: tl.tensor, totals: tl.tensor,
                sums: tl.tensor, scale: tl.tensor, blocks: tl.tensor, window: tl.tensor, queries: tl.tensor,
                each: tl.tensor, TILE: tl.constexpr, CHANNELS: tl.constexpr, BQ: tl.constexpr) -> None:  # fmt: skip
    """``each`` blocks of a KV head; the last part has the window too."""
    head, part = tl.program_id(0), tl.program_id(1)
    which, channels = tl.arange(0, BQ), tl.arange(0, CHANNELS)
    q = tl.load(query + (head * queries + which[:, None]) * CHANNELS + channels[None, :], which[:, None] < queries, 0)
    largest = tl.full((BQ,), float("-inf"), tl.float32)
    total, acc = tl.zeros((BQ,), tl.float32), tl.zeros((BQ, CHANNELS), tl.float32)
    for at in range(part * each, tl.minimum((part + 1) * each, blocks)):
        block = tl.load(table + head * blocks + at)
        keys = key_block(key_bitmap, key_offsets, key_values, block, TILE, CHANNELS)
        s = multiply_add(q, keys, tl.zeros((BQ, TILE), tl.float32), False) * scale
        p, decay, largest, total = online_softmax(s, largest, total)
        values = value_block(value_bitmap, value_offsets, value_values, block, TILE, CHANNELS)
        acc = multiply_add(p, values, acc * decay[:, None], False)
    own = tl.where(part == tl.num_programs(1) - 1, window, 0)
    for start in range(0, own, TILE):
        tokens = start + tl.arange(0, TILE)
        place = (head * window + tokens)[None, :] * CHANNELS + channels[:, None]
        keys = tl.load(recent_keys + place, (tokens < window)[None, :], 0)
        s = multiply_add(q, keys, tl.zeros((BQ, TILE), tl.float32), False) * scale
        s = tl.where((tokens < window)[None, :], s, float("-inf"))
        p, decay, largest, total = online_softmax(s, largest, total)
        place = (head * window + tokens)[:, None] * CHANNELS + channels[None, :]
        values = tl.load(recent_values + place, (tokens < window)[:, None], 0)
        acc = multiply_add(p, values, acc * decay[:, None], False)
    at = (head * tl.num_programs(1) + part) * BQ + which
    tl.store(maxima + at, largest)
    tl.store(totals + at, total)
    tl.store(sums + at[:, None] * CHANNELS + channels[None, :], acc)


@triton.jit
def join_kernel(maxima: tl.tensor, totals: tl.tensor, sums: tl.tensor, out: tl.tensor, parts: tl.tensor,
                queries: tl.tensor, PARTS: tl.constexpr, CHANNELS: tl.constexpr, BQ: tl.constexpr) -> None:
    """Parts of one query of a KV head, each brought to the largest maximum. One part at least has tokens."""
    head, query = tl.program_id(0), tl.program_id(1)
    part, channels = tl.arange(0, PARTS), tl.arange(0, CHANNELS)
    at = (head * parts + part) * BQ + query
    largest = tl.load(maxima + at, part < parts, float("-inf"))
    factor = tl.exp2(largest - tl.max(largest, axis=0))
    total = tl.sum(tl.load(totals + at, part < parts, 0.0) * factor, axis=0)
    acc = tl.load(sums + at[:, None] * CHANNELS + channels[None, :], (part < parts)[:, None], 0.0)
    tl.store(out + (head * queries + query) * CHANNELS + channels, tl.sum(acc * factor[:, None], axis=0) / total)


def decode_attention(cache: DeviceCache, query: Array, scale: float | None = None, parts: int = 1) -> Prepared:
    """One decoding step: ``softmax(q · Kᵀ · scale) · V`` over compressed tokens and window.

    Args:
        cache: of one layer.
        query: (heads, queries, channels) FP16; several queries share a KV head with GQA.
        scale: of the scores; 1 / sqrt(channels) if None.
        parts: programs that share the tokens of a KV head.

    Returns:
        (heads, queries, channels) FP32.

    Raises:
        InputError: another shape or type of queries, no part, or a scale that is not finite.
    """
    heads, channels = cache.shape
    if query.ndim != 3 or (query.shape[0], query.shape[2]) != cache.shape:
        raise InputError("queries", f"shape ({heads}, queries, {channels})", f"shape {query.shape}")
    scale = channels**-0.5 if scale is None else float(scale)
    if parts < 1 or not math.isfinite(scale):
        raise InputError("attention", "at least 1 part and a finite scale", f"{parts} parts, scale {scale}")
    q, queries = operand(query, "float16", "queries", 3), query.shape[1]
    bq, kept = block_of(queries, 64), {"TILE": cache.tile, "CHANNELS": channels}
    if queries > bq:
        raise InputError("queries", f"at most {bq} of a KV head", queries)
    maxima, totals = (result((heads, parts, bq), "float16") for _ in range(2))
    sums, out = result((heads, parts, bq, channels), "float16"), result((heads, queries, channels), "float16")
    middle: dict[str, torch.Tensor] = {"maxima": maxima, "totals": totals, "sums": sums}
    part = Launch(part_kernel, (heads, parts),
                  {"query": q, "table": cache.table, **cache.named("keys", "key_"), **cache.named("values", "value_"),
                   "recent_keys": cache.recent["keys"], "recent_values": cache.recent["values"], **middle,
                   "scale": scale / math.log(2), "blocks": cache.blocks, "window": cache.window, "queries": queries,
                   "each": triton.cdiv(cache.blocks, parts)}, {**kept, "BQ": bq}, warps=8, stages=2)
    join = Launch(join_kernel, (heads, queries), {**middle, "out": out, "parts": parts, "queries": queries},
                  {"PARTS": triton.next_power_of_2(parts), "CHANNELS": channels, "BQ": bq})
    return Prepared((part, join), out, (q, *cache.tensors))
