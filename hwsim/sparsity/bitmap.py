"""Bitmap sparsity: one bit per element of a tile, most significant bit first, and the non-zeros packed in order.

A tile covers the last axes of the tensor; a ragged end is padded with zeros. Tiles follow in row-major order of the
tile grid, elements in row-major order inside a tile. Each tile's values may be padded with zeros to a multiple (aligned
loads), and each tile may have an offset (exclusive prefix sum of stored values) so that tiles are found independently.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, Bits, numeric, whole


def _checked_tile(tile: object, ndim: int, place: str) -> tuple[int, ...]:
    """The tile as a tuple of ints >= 1 over at most ``ndim`` axes."""
    if not isinstance(tile, tuple) or not 1 <= len(tile) <= ndim:
        raise InputError(f"{place} tile", f"a tuple of 1 to {ndim} sizes", tile)
    return tuple(whole(t, f"{place} tile", 1) for t in tile)


def _grid(shape: tuple[int, ...], tile: tuple[int, ...]) -> list[tuple[int, int]]:
    """(tiles, tile size) along each axis; axes before the tile's have tiles of size 1."""
    full = (1,) * (len(shape) - len(tile)) + tile
    return [(-(-length // t), t) for length, t in zip(shape, full, strict=True)]


def to_tiles(w: Array, tile: tuple[int, ...]) -> Array:
    """(tiles, elements of a tile) in row-major order, the ragged end padded with zeros."""
    grid = _grid(w.shape, tile)
    pad = [(0, count * t - length) for length, (count, t) in zip(w.shape, grid, strict=True)]
    split = np.pad(w, pad).reshape([size for pair in grid for size in pair])
    order = [*range(0, split.ndim, 2), *range(1, split.ndim, 2)]
    return split.transpose(order).reshape(prod(c for c, _ in grid), prod(tile))


def from_tiles(tiles: Array, shape: tuple[int, ...], tile: tuple[int, ...]) -> Array:
    """Inverse of ``to_tiles``: the tensor of ``shape``, padding cut off."""
    grid = _grid(shape, tile)
    split = tiles.reshape([c for c, _ in grid] + [t for _, t in grid])
    order = [axis for i in range(len(grid)) for axis in (i, i + len(grid))]
    whole_tiles = split.transpose(order).reshape([c * t for c, t in grid])
    return np.ascontiguousarray(whole_tiles[tuple(slice(length) for length in shape)])


@dataclass(frozen=True, eq=False)
class BitmapTensor:
    """A tensor in bitmap form.

    Args:
        values: (stored,) the non-zeros of all tiles in order, each tile padded with zeros to a multiple of ``pad``.
        bitmap: (tiles, ceil(elements / 8)) uint8, most significant bit first; bits behind the last element are 0 and
            are not counted in the size.
        shape: shape of the decoded tensor.
        tile: sizes of a tile along the last axes, e.g. (64,) or (8, 8).
        pad: values of a tile are padded to a multiple of this.
        offset_bits: bits of one tile's offset; 0 when offsets are not stored.
    """

    values: Array
    bitmap: Array
    shape: tuple[int, ...]
    tile: tuple[int, ...]
    pad: int = 1
    offset_bits: int = 0

    @cached_property
    def counts(self) -> Array:
        """(tiles,) int64: set bits of each tile."""
        return np.bitwise_count(self.bitmap).sum(axis=1, dtype=np.int64)

    @cached_property
    def offsets(self) -> Array:
        """(tiles + 1,) int64: where each tile's values begin (exclusive prefix sum); the last is the number stored."""
        return np.concatenate([[0], np.cumsum(-(-self.counts // self.pad) * self.pad)])

    def _flags(self) -> Array:
        """(tiles, elements) bool."""
        return np.unpackbits(self.bitmap, axis=1, count=prod(self.tile)).astype(bool)

    def _slots(self) -> Array:
        """(non-zeros,) position in ``values`` of every set bit, in order."""
        starts = np.cumsum(self.counts) - self.counts
        return np.arange(int(self.counts.sum())) + np.repeat(self.offsets[:-1] - starts, self.counts)

    def validate(self, place: str = "bitmap tensor") -> None:
        """Refuse a tensor that no array can have.

        Raises:
            InputError: bad tile, pad or offset width; a bitmap of another shape; a set bit behind the end of a tile or
                of the tensor; a number of values that the bitmap does not call for; a non-zero padding value.
        """
        tile = _checked_tile(self.tile, len(self.shape), place)
        whole(self.pad, f"{place} pad", 1)
        whole(self.offset_bits, f"{place} offset_bits", 0, 64)
        numeric(self.values, f"{place} values")
        wanted = (prod(c for c, _ in _grid(self.shape, tile)), -(-prod(tile) // 8))
        if self.bitmap.dtype != np.uint8 or self.bitmap.shape != wanted:
            given = f"{self.bitmap.dtype} of shape {self.bitmap.shape}"
            raise InputError(f"{place} bitmap", f"uint8 of shape {wanted}", given)
        stored = int(self.offsets[-1])
        if self.values.shape != (stored,):
            raise InputError(f"{place} values", f"shape ({stored},), as the bitmap says", f"shape {self.values.shape}")
        flags = self._flags()
        inside = to_tiles(np.ones(self.shape, bool), tile)
        if not np.array_equal(np.packbits(flags & inside, axis=1), self.bitmap):
            raise InputError(f"{place} bitmap", "no bit set behind the end of a tile or of the tensor", "such a bit")
        padding = np.ones(stored, bool)
        padding[self._slots()] = False
        if np.any(self.values[padding] != 0):
            raise InputError(f"{place} values", "padding values of 0", self.values[padding].max().item())
        self._check_offsets(place)

    def _check_offsets(self, place: str) -> None:
        """Refuse offsets that the stored width cannot hold."""
        largest = int(self.offsets[-2]) if len(self.offsets) > 1 else 0
        if self.offset_bits and largest.bit_length() > self.offset_bits:
            raise InputError(f"{place} offset_bits", f"at least {largest.bit_length()}", self.offset_bits)

    def decode(self) -> Array:
        """The dense tensor, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        self.validate()
        flags = self._flags()
        tiles = np.zeros(flags.shape, self.values.dtype)
        tiles[flags] = self.values[self._slots()]
        return from_tiles(tiles, self.shape, self.tile)

    def bits(self, value_bits: int) -> Bits:
        """Exact size: stored·value_bits, tiles·elements bits of bitmap, tiles·offset_bits."""
        tiles = self.bitmap.shape[0]
        values = self.values.size * whole(value_bits, "value_bits", 1)
        return Bits(values, tiles * prod(self.tile), tiles * self.offset_bits)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def encode_bitmap(
    w: object, tile: tuple[int, ...] = (64,), pad: int = 1, offset_bits: int = 0, place: str = "weights"
) -> BitmapTensor:
    """Encode any array in bitmap form; nothing is lost (``-0.0`` returns as ``0.0``).

    Args:
        w: integers or floats of any shape.
        tile: sizes along the last axes; (64,) is 1×64, (8, 8) a square.
        pad: pad each tile's values to a multiple of this.
        offset_bits: width of one tile's offset, 0 for none.
        place: what ``w`` is, for error messages.

    Raises:
        InputError: NaN, not integers or floats, a bad tile, pad or offset width.
    """
    array = numeric(w, place)
    tile = _checked_tile(tile, array.ndim, place)
    whole(pad, f"{place} pad", 1)
    whole(offset_bits, f"{place} offset_bits", 0, 64)
    tiles = to_tiles(array, tile)
    flags = tiles != 0
    code = BitmapTensor(np.empty(0), np.packbits(flags, axis=1), array.shape, tile, pad, offset_bits)
    code._check_offsets(place)
    values = np.zeros(int(code.offsets[-1]), array.dtype)
    values[code._slots()] = tiles[flags]
    return BitmapTensor(values, code.bitmap, array.shape, tile, pad, offset_bits)
