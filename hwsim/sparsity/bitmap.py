"""Bitmap sparsity: one bit per element of a tile, most significant bit first, and the non-zeros packed in order.

A tile covers the last axes of the tensor; a ragged end is padded with zeros. Tiles follow in row-major order of the
tile grid, elements in row-major order inside a tile. Each tile's values may be padded with zeros to a multiple (aligned
loads), and each tile may have an offset (exclusive prefix sum of stored values) so that tiles are found independently.

The loops are compiled (`hwsim.sparsity.bitmap_kernel`). A tensor that is a transposed view of a contiguous one is
encoded as it lies in memory, and ``decode`` writes into such a view: tiles along an axis of stride 128 cost little more
than tiles along the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity import bitmap_kernel as kernel
from hwsim.sparsity.size import Array, Bits, integers_or_floats, whole
from hwsim.sparsity.tiling import checked_tile, flat_tiles, from_tiles, grid, rows_as_tiles, to_tiles


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
        words = self.bitmap
        if self.bitmap.flags.c_contiguous and self.bitmap.shape[1] % 8 == 0:
            words = self.bitmap.view(np.uint64)
        return np.bitwise_count(words).sum(axis=1, dtype=np.int64)

    @cached_property
    def offsets(self) -> Array:
        """(tiles + 1,) int64: where each tile's values begin (exclusive prefix sum); the last is the number stored."""
        return np.concatenate([[0], np.cumsum(-(-self.counts // self.pad) * self.pad)])

    def validate(self, place: str = "bitmap tensor") -> None:
        """Refuse a tensor that no array can have.

        Raises:
            InputError: bad tile, pad or offset width; a bitmap of another shape; a set bit behind the end of a tile or
                of the tensor; a number of values that the bitmap does not call for (a truncated stream, a bitmap with
                more ones than values); values that are NaN or infinite; a non-zero padding value.
        """
        tile = checked_tile(self.tile, len(self.shape), place)
        whole(self.pad, f"{place} pad", 1)
        whole(self.offset_bits, f"{place} offset_bits", 0, 64)
        integers_or_floats(self.values, f"{place} values")
        wanted = (prod(c for c, _ in grid(self.shape, tile)), -(-prod(tile) // 8))
        if self.bitmap.dtype != np.uint8 or self.bitmap.shape != wanted:
            given = f"{self.bitmap.dtype} of shape {self.bitmap.shape}"
            raise InputError(f"{place} bitmap", f"uint8 of shape {wanted}", given)
        stored = int(self.offsets[-1])
        if self.values.shape != (stored,):
            wanted_values = f"shape ({stored},), as the bitmap's {int(self.counts.sum())} ones say"
            raise InputError(f"{place} values", wanted_values, f"shape {self.values.shape}")
        if any(length % t for length, (_, t) in zip(self.shape, grid(self.shape, tile), strict=True)) or prod(tile) % 8:
            self._refuse_bits_outside(tile, place)
        values = bit_patterns(np.ascontiguousarray(self.values))
        refuse_non_finite(self.values, values, f"{place} values")
        if self.pad > 1 and not kernel.padding_is_zero(self.counts, self.offsets, values):
            padding = np.ones(stored, bool)
            starts = np.cumsum(self.counts) - self.counts
            padding[np.arange(int(self.counts.sum())) + np.repeat(self.offsets[:-1] - starts, self.counts)] = False
            found = self.values[padding]
            raise InputError(f"{place} values", "padding values of 0", found[np.argmax(found != 0)].item())
        self._check_offsets(place)

    def _refuse_bits_outside(self, tile: tuple[int, ...], place: str) -> None:
        inside = np.packbits(to_tiles(np.ones(self.shape, bool), tile), axis=1)
        if np.any(self.bitmap & ~inside):
            raise InputError(f"{place} bitmap", "no bit set behind the end of a tile or of the tensor", "such a bit")

    def _check_offsets(self, place: str) -> None:
        """Refuse offsets that the stored width cannot hold."""
        largest = int(self.offsets[-2]) if len(self.offsets) > 1 else 0
        if self.offset_bits and largest.bit_length() > self.offset_bits:
            raise InputError(f"{place} offset_bits", f"at least {largest.bit_length()}", self.offset_bits)

    def decode(self, out: Array | None = None) -> Array:
        """The dense tensor, of ``shape`` and the values' dtype.

        Args:
            out: filled and returned when given; of that shape and dtype, contiguous or a transposed view of such.

        Raises:
            InputError: as ``validate``, or ``out`` of another shape or dtype.
        """
        self.validate()
        if out is not None and (out.shape != self.shape or out.dtype != self.values.dtype):
            raise InputError("out", f"{self.values.dtype} of shape {self.shape}", f"{out.dtype} of shape {out.shape}")
        dense = np.empty(self.shape, self.values.dtype) if out is None else out
        values = bit_patterns(np.ascontiguousarray(self.values))
        view = flat_tiles(dense, self.tile)
        if view is not None:
            kernel.decode_tiles(self.bitmap, self.offsets, values, view.lengths, view.strides, bit_patterns(view.flat))
            return dense
        tiles = np.empty((len(self.bitmap), prod(self.tile)), dense.dtype)
        plain = rows_as_tiles(tiles)
        kernel.decode_tiles(self.bitmap, self.offsets, values, plain.lengths, plain.strides, bit_patterns(plain.flat))
        dense[...] = from_tiles(tiles, self.shape, self.tile)
        return dense

    def bits(self, value_bits: int) -> Bits:
        """Exact size: stored·value_bits, tiles·elements bits of bitmap, tiles·offset_bits."""
        tiles = self.bitmap.shape[0]
        values = self.values.size * whole(value_bits, "value_bits", 1)
        return Bits(values, tiles * prod(self.tile), tiles * self.offset_bits)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def bit_patterns(array: Array) -> Array:
    """The same memory as unsigned integers of the same width."""
    return array.view(f"u{array.dtype.itemsize}")


def magnitude_mask(dtype: np.dtype[Any]) -> Any:
    """The bits that make a pattern of this type a non-zero, of its unsigned type: all but the sign of a float."""
    unsigned = np.dtype(f"u{dtype.itemsize}").type
    ones = np.iinfo(unsigned).max
    return unsigned(ones >> 1 if dtype.kind == "f" else ones)


def refuse_non_finite(array: Array, flat: Array, place: str) -> None:
    """InputError that names the first NaN or infinity; ``flat`` are the array's bit patterns in any order."""
    if array.dtype.kind != "f" or not flat.size:
        return
    infinity = bit_patterns(np.array([np.inf], array.dtype))[0]
    if kernel.largest_pattern(flat, magnitude_mask(array.dtype)) < infinity:
        return
    first = int(np.argmax(~np.isfinite(array)))
    position = tuple(int(i) for i in np.unravel_index(first, array.shape))
    raise InputError(place, "finite numbers", f"{array[position]} at {position}".replace("nan", "NaN"))


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
        InputError: NaN or infinities, not integers or floats, a bad tile, pad or offset width.
    """
    array = integers_or_floats(w, place)
    if array.dtype.itemsize > 8:
        raise InputError(place, "integers or floats of at most 64 bits", f"dtype {array.dtype}")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    tile = checked_tile(tile, array.ndim, place)
    whole(pad, f"{place} pad", 1)
    whole(offset_bits, f"{place} offset_bits", 0, 64)
    view = flat_tiles(array, tile) or rows_as_tiles(to_tiles(array, tile))
    flat = bit_patterns(view.flat)
    refuse_non_finite(array, flat, place)
    tiles, elements = int(np.prod(view.lengths[:4])), prod(tile)
    bitmap = np.empty((tiles, -(-elements // 8)), np.uint8)
    offsets = np.empty(tiles + 1, np.int64)
    # Room for dense tiles; the system gives memory only to the part that is written.
    values = np.empty(tiles * -(-elements // pad) * pad + 1, flat.dtype)
    mask = magnitude_mask(array.dtype)
    kernel.encode_tiles(flat, view.lengths, view.strides, mask, np.uint64(pad), bitmap, offsets, values)
    stored = values[: int(offsets[-1])].view(array.dtype)
    code = BitmapTensor(stored, bitmap, array.shape, tile, pad, offset_bits)
    vars(code)["offsets"] = offsets  # known already: spares the cached property its work
    code._check_offsets(place)
    return code
