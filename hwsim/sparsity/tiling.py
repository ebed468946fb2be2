"""Cutting a tensor into tiles: as a copy in tile order, or as strides over the memory as it lies."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, whole

_LEADING = 3
"""Leading axes that the compiled loops know."""


def checked_tile(tile: object, ndim: int, place: str) -> tuple[int, ...]:
    """The tile as a tuple of ints >= 1 over at most ``ndim`` axes."""
    if not isinstance(tile, tuple) or not 1 <= len(tile) <= ndim:
        raise InputError(f"{place} tile", f"a tuple of 1 to {ndim} sizes", tile)
    return tuple(whole(t, f"{place} tile", 1) for t in tile)


def grid(shape: tuple[int, ...], tile: tuple[int, ...]) -> list[tuple[int, int]]:
    """(tiles, tile size) along each axis; axes before the tile's have tiles of size 1."""
    full = (1,) * (len(shape) - len(tile)) + tile
    return [(-(-length // t), t) for length, t in zip(shape, full, strict=True)]


def to_tiles(w: Array, tile: tuple[int, ...]) -> Array:
    """(tiles, elements of a tile) in row-major order, the ragged end padded with zeros; contiguous."""
    cells = grid(w.shape, tile)
    pad = [(0, count * t - length) for length, (count, t) in zip(w.shape, cells, strict=True)]
    split = np.pad(w, pad).reshape([size for pair in cells for size in pair])
    order = [*range(0, split.ndim, 2), *range(1, split.ndim, 2)]
    tiles = split.transpose(order).reshape(prod(c for c, _ in cells), prod(tile))
    return np.ascontiguousarray(tiles)


def from_tiles(tiles: Array, shape: tuple[int, ...], tile: tuple[int, ...]) -> Array:
    """Inverse of ``to_tiles``: the tensor of ``shape``, padding cut off."""
    cells = grid(shape, tile)
    split = tiles.reshape([c for c, _ in cells] + [t for _, t in cells])
    order = [axis for i in range(len(cells)) for axis in (i, i + len(cells))]
    whole_tiles = split.transpose(order).reshape([c * t for c, t in cells])
    return np.ascontiguousarray(whole_tiles[tuple(slice(length) for length in shape)])


@dataclass(frozen=True)
class FlatTiles:
    """A tensor as a flat buffer, and its tiles as lengths and strides.

    Args:
        flat: (elements,) the tensor's own memory.
        lengths: (5,) uint64: three leading axes, tiles along the last axis, elements of a tile.
        strides: (5,) uint64, in elements.
    """

    flat: Array
    lengths: Array
    strides: Array


def flat_tiles(array: Array, tile: tuple[int, ...]) -> FlatTiles | None:
    """The tiles of an array without copying it; None where that cannot be done.

    It can when the tile runs along the last axis only and divides it, and the array fills a contiguous buffer, its
    axes in any order, of which at most four are not one.
    """
    if len(tile) != 1 or array.shape[-1] % tile[0]:
        return None
    order = np.argsort([-stride for stride in array.strides], kind="stable")
    buffer = array.transpose(order)
    if not buffer.flags.c_contiguous:
        return None
    steps = [stride // array.itemsize for stride in array.strides]
    leading = [(length, step) for length, step in zip(array.shape[:-1], steps[:-1], strict=True) if length > 1]
    if array.flags.c_contiguous:
        leading = [(prod(array.shape[:-1]), array.shape[-1])]
    if len(leading) > _LEADING:
        return None
    axes = [(1, 0)] * (_LEADING - len(leading)) + leading
    axes += [(array.shape[-1] // tile[0], tile[0] * steps[-1]), (tile[0], steps[-1])]
    return _with_axes(buffer, axes)


def rows_as_tiles(tiles: Array) -> FlatTiles:
    """The rows of a contiguous (tiles, elements) matrix."""
    count, elements = tiles.shape
    return _with_axes(tiles, [(1, 0)] * _LEADING + [(count, elements), (elements, 1)])


def _with_axes(buffer: Array, axes: list[tuple[int, int]]) -> FlatTiles:
    """From (length, stride) of each of the five axes."""
    lengths, strides = np.array(axes, np.uint64).T.copy()
    return FlatTiles(buffer.reshape(-1), lengths, strides)
