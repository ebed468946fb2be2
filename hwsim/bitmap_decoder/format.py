"""Dense rows to bitmaps and packed values, and back: plain NumPy, the only place that knows the format."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.bitmap_decoder.config import BitmapConfig

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Elements = npt.NDArray[Any]


def tiles_of(row_elements: int, tile: int) -> int:
    """Tiles of a row, the ragged last one among them."""
    return -(-row_elements // tile)


def bitmaps_of(kept: Bools, tile: int) -> Bools:
    """Which elements of each tile are kept: (rows, elements) to (rows · tiles of a row, tile); False behind the end."""
    rows, elements = kept.shape
    padded = np.pad(kept, ((0, 0), (0, tiles_of(elements, tile) * tile - elements)))
    return padded.reshape(-1, tile)


def pack_values(config: BitmapConfig, dense: Elements, kept: Bools) -> Elements:
    """Stored values of rows: the kept ones tile by tile, each tile filled up with zeros to a multiple of ``pad``."""
    bitmaps = bitmaps_of(kept, config.tile)
    tiles = bitmaps_of(dense, config.tile)  # the same cut, of values
    counts = bitmaps.sum(1)
    begin = np.concatenate([[0], np.cumsum(padded_counts(config, counts))])
    values = np.zeros(int(begin[-1]), dense.dtype)
    rank = np.cumsum(bitmaps, axis=1) - 1
    values[(begin[:-1, None] + rank)[bitmaps]] = tiles[bitmaps]
    return values


def unpack_values(config: BitmapConfig, bitmaps: Bools, values: Elements) -> Elements:
    """Dense tiles (tiles, tile) of bitmaps (tiles, tile) and stored values."""
    begin = np.concatenate([[0], np.cumsum(padded_counts(config, bitmaps.sum(1)))[:-1]])
    rank = np.cumsum(bitmaps, axis=1) - 1
    dense = np.zeros(bitmaps.shape, values.dtype)
    dense[bitmaps] = values[(begin[:, None] + rank)[bitmaps]]
    return dense


def padded_counts(config: BitmapConfig, counts: Ints) -> Ints:
    """Stored values of tiles with so many non-zeros."""
    return counts + -counts % config.pad
