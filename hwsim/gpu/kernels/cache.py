"""A bitmap KV cache where kernels run, and the two products of Mustafar's decoding (arXiv 2505.22913) with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import triton.language as tl
from triton import jit

from hwsim.errors import InputError
from hwsim.gpu.kernels.bitmap import SMALLEST_TILE, dense_tiles
from hwsim.gpu.kernels.launch import Launch, Prepared, block_of, multiply_add, operand, result, upload
from hwsim.kv.cache import LayerCache
from hwsim.sparsity.mustafar import Side
from hwsim.sparsity.size import Array


@jit
def key_block(bitmap: tl.tensor, offsets: tl.tensor, values: tl.tensor, block: tl.tensor, TILE: tl.constexpr,
              CHANNELS: tl.constexpr) -> tl.tensor:  # fmt: skip
    """(CHANNELS, TILE): keys of a block's tokens, a tile for each channel."""
    tiles = block * CHANNELS + tl.arange(0, CHANNELS)
    return dense_tiles(bitmap, offsets, values, tiles, tiles >= 0, CHANNELS, TILE)


@jit
def value_block(bitmap: tl.tensor, offsets: tl.tensor, values: tl.tensor, block: tl.tensor, TILE: tl.constexpr,
                CHANNELS: tl.constexpr) -> tl.tensor:  # fmt: skip
    """(TILE, CHANNELS): values of a block's tokens. Tiles are stored by channels, then token by token."""
    ACROSS: tl.constexpr = CHANNELS // TILE
    each = tl.arange(0, CHANNELS)
    tiles = block * CHANNELS + each % ACROSS * TILE + each // ACROSS
    return tl.reshape(dense_tiles(bitmap, offsets, values, tiles, tiles >= 0, CHANNELS, TILE), (TILE, CHANNELS))


@jit
def key_kernel(query: tl.tensor, table: tl.tensor, bitmap: tl.tensor, offsets: tl.tensor, values: tl.tensor,
               scores: tl.tensor, blocks: tl.tensor, queries: tl.tensor, TILE: tl.constexpr, CHANNELS: tl.constexpr,
               BQ: tl.constexpr) -> None:  # fmt: skip
    """A program multiplies the queries of a KV head with the keys of one block."""
    head, at, which = tl.program_id(0), tl.program_id(1), tl.arange(0, BQ)
    channels = tl.arange(0, CHANNELS)
    q = tl.load(query + (head * queries + which[:, None]) * CHANNELS + channels[None, :], which[:, None] < queries, 0)
    keys = key_block(bitmap, offsets, values, tl.load(table + head * blocks + at), TILE, CHANNELS)
    s = multiply_add(q, keys, tl.zeros((BQ, TILE), tl.float32), False)
    tokens = at * TILE + tl.arange(0, TILE)
    tl.store(scores + (head * queries + which[:, None]) * blocks * TILE + tokens[None, :], s, which[:, None] < queries)


@jit
def value_kernel(weights: tl.tensor, table: tl.tensor, bitmap: tl.tensor, offsets: tl.tensor, values: tl.tensor,
                 out: tl.tensor, blocks: tl.tensor, queries: tl.tensor, TILE: tl.constexpr, CHANNELS: tl.constexpr,
                 BQ: tl.constexpr) -> None:  # fmt: skip
    """A program sums the values of a KV head, weighed for each of its queries."""
    head, which = tl.program_id(0), tl.arange(0, BQ)
    total = tl.zeros((BQ, CHANNELS), tl.float32)
    for at in range(0, blocks):
        tokens = at * TILE + tl.arange(0, TILE)
        p = tl.load(weights + (head * queries + which[:, None]) * blocks * TILE + tokens[None, :],
                    which[:, None] < queries, 0)
        block = value_block(bitmap, offsets, values, tl.load(table + head * blocks + at), TILE, CHANNELS)
        total = multiply_add(p, block, total, False)
    place = (head * queries + which[:, None]) * CHANNELS + tl.arange(0, CHANNELS)[None, :]
    tl.store(out + place, total, which[:, None] < queries)


@dataclass(frozen=True)
class DeviceCache:
    """The tensors of a `LayerCache`.

    Attributes:
        table: (heads, blocks) int32, where a block of a head stands among all that are stored, for keys and values.
        codes: by side, bitmap, offsets and values of all runs.
        recent: by side, (heads, window, channels) FP16; one token of zeros that nobody reads if the window is empty.
        window: dense tokens.
        tile: tokens of a block.
    """

    table: torch.Tensor
    codes: dict[Side, tuple[torch.Tensor, ...]]
    recent: dict[Side, torch.Tensor]
    window: int
    tile: int

    @property
    def blocks(self) -> int:
        """Compressed blocks of a head."""
        return self.table.shape[1]

    @property
    def shape(self) -> tuple[int, int]:
        """(heads, channels)."""
        return self.recent["keys"].shape[0], self.recent["keys"].shape[2]

    def named(self, side: Side, prefix: str = "") -> dict[str, torch.Tensor]:
        """Arguments of a kernel for one side."""
        return dict(zip((f"{prefix}bitmap", f"{prefix}offsets", f"{prefix}values"), self.codes[side], strict=True))

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All of them."""
        return (self.table, *self.codes["keys"], *self.codes["values"], *self.recent.values())


def uploaded_cache(cache: LayerCache) -> DeviceCache:
    """Bring a cache to where kernels run; runs of blocks follow one another, as they were compressed.

    Raises:
        InputError: an empty cache; tiles below 16 tokens, tiles or channels that are no powers of two.
    """
    tile, channels = cache.config.format.tile, cache.channels
    if tile < SMALLEST_TILE or tile & (tile - 1) or channels & (channels - 1):
        raise InputError("cache", f"a tile and channels of powers of two, tiles from {SMALLEST_TILE}",
                         f"tile {tile}, {channels} channels")
    if not cache.tokens:
        raise InputError("cache", "at least one token", "none")
    tables, base = [np.zeros((cache.heads, 0), np.int64)], 0
    for tokens, _ in cache.codes["keys"]:
        blocks = tokens // tile
        tables.append(base + np.arange(cache.heads * blocks).reshape(cache.heads, blocks))
        base += cache.heads * blocks
    table = np.concatenate(tables, axis=1).astype(np.int32)
    window = cache.tokens - cache.compressed
    blank = np.zeros((cache.heads, 1, channels), np.float16)
    recent = {side: upload(one if window else blank) for side, one in cache.recent.items()}
    codes = {side: _joined(cache, side) for side in cache.recent}
    return DeviceCache(upload(table), codes, recent, window, tile)


def _joined(cache: LayerCache, side: Side) -> tuple[torch.Tensor, ...]:
    """Bitmap bytes, INT32 offsets and values of all runs of a side."""
    codes = [code for _, code in cache.codes[side]]
    starts = np.cumsum([0, *(len(code.values) for code in codes)])
    empty = np.zeros((1, cache.config.format.tile // 8), np.uint8)
    bitmap = np.concatenate([code.bitmap for code in codes]) if codes else empty
    offsets = np.concatenate([start + code.offsets[:-1] for start, code in zip(starts, codes, strict=False)]
                             or [np.zeros(1, np.int64)])
    values = np.concatenate([*(code.values for code in codes), np.zeros(1, np.float16)])
    return upload(bitmap), upload(offsets.astype(np.int32)), upload(values)


def key_scores(cache: DeviceCache, query: Array) -> Prepared:
    """(heads, queries, compressed tokens) FP32: queries (heads, queries, channels) FP16 times the compressed keys.

    Raises:
        InputError: another shape, or a cache of which nothing is compressed.
    """
    q, queries = _queries(cache, query, cache.shape[1])
    scores = result((cache.shape[0], queries, cache.blocks * cache.tile), "float16")
    return _product(key_kernel, (cache.shape[0], cache.blocks), cache, "keys", {"query": q, "scores": scores}, scores)


def value_sums(cache: DeviceCache, weights: Array) -> Prepared:
    """(heads, queries, channels) FP32: compressed values weighed by (heads, queries, compressed tokens) FP16.

    Raises:
        InputError: as `key_scores`.
    """
    p, queries = _queries(cache, weights, cache.blocks * cache.tile)
    out = result((cache.shape[0], queries, cache.shape[1]), "float16")
    return _product(value_kernel, (cache.shape[0],), cache, "values", {"weights": p, "out": out}, out)


def _queries(cache: DeviceCache, array: Array, last: int) -> tuple[torch.Tensor, int]:
    if not cache.blocks:
        raise InputError("cache", "compressed tokens", "none")
    if array.ndim != 3 or (array.shape[0], array.shape[2]) != (cache.shape[0], last):
        raise InputError("queries", f"shape ({cache.shape[0]}, queries, {last})", f"shape {array.shape}")
    return operand(array, "float16", "queries", 3), array.shape[1]


def _product(kernel: Any, grid: tuple[int, ...], cache: DeviceCache, side: Side, ends: dict[str, torch.Tensor],
             output: torch.Tensor) -> Prepared:  # fmt: skip
    queries, parts = output.shape[1], cache.named(side)
    launch = Launch(kernel, grid, {**ends, "table": cache.table, **parts, "blocks": cache.blocks, "queries": queries},
                    {"TILE": cache.tile, "CHANNELS": cache.shape[1], "BQ": block_of(queries, 64)}, warps=8)
    operands = [one for one in ends.values() if one is not output]
    return Prepared((launch,), output, (*operands, cache.table, *parts.values()))
