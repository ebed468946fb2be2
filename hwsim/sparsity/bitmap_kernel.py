"""The compiled loops of the bitmap format, on values as their bit patterns (unsigned integers of the same width).

All take the array as one flat buffer and the tile grid as five lengths and strides in elements: three leading axes,
tiles along the last axis, elements of a tile. So a tile may run along any axis of an array without the array being
transposed first. All index arithmetic is unsigned: Numba then leaves out the test for negative indices, which doubles
the speed. A loop over elements stores every element and moves on only past the non-zeros, so that it has no branch
that could be predicted wrongly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, uint8, uint64

from hwsim.sparsity.size import Array

# Eight flags of 0 or 1 in the bytes of a word, times this: bit 63 - k is flag k. One multiplication instead of eight
# shifts. (It needs the first flag in the lowest byte: little-endian, like all machines that Numba compiles for.)
_GATHER = 0x8040201008040201


@njit(cache=True)
def encode_tiles(flat: Array, lengths: Array, strides: Array, mask: Any, pad: Any, bitmap: Array, offsets: Array,
                 values: Array) -> None:  # fmt: skip
    """Bitmap, offsets and padded values of all tiles.

    Args:
        flat: (elements,) unsigned bit patterns.
        lengths: (5,) uint64: three leading axes, tiles along the last axis, elements of a tile.
        strides: (5,) uint64, in elements.
        mask: of flat's type; the bits that make an element a non-zero (all but the sign of a float).
        pad: uint64; values of a tile are padded with zeros to a multiple of this.
        bitmap: out, (tiles, ceil(elements of a tile / 8)) uint8, most significant bit first.
        offsets: out, (tiles + 1,) int64, where each tile's values begin.
        values: out, (tiles * padded tile + 1,) of flat's type; filled up to the last offset.
    """
    zero, one = mask ^ mask, uint64(1)
    size, step, width = lengths[4], strides[4], uint64(bitmap.shape[1])
    flags = np.zeros(width * uint64(8), np.uint8)
    words = flags.view(np.uint64)
    tile = np.zeros(size, flat.dtype)
    n, position = uint64(0), uint64(0)
    for a in range(lengths[0]):
        for b in range(lengths[1]):
            for c in range(lengths[2]):
                for t in range(lengths[3]):
                    at = a * strides[0] + b * strides[1] + c * strides[2] + t * strides[3]
                    if step == one:  # on its own, for the compiler to make vector loads of it
                        for i in range(size):
                            tile[i] = flat[at + i]
                    else:
                        for i in range(size):
                            tile[i] = flat[at + i * step]
                    for i in range(size):
                        flags[i] = (tile[i] & mask) != zero
                    for i in range(width):
                        bitmap[n, i] = uint8((words[i] * uint64(_GATHER)) >> uint64(56))
                    first = position
                    offsets[n] = first
                    for i in range(size):
                        values[position] = tile[i]
                        position += uint64(flags[i])
                    end = first + (position - first + pad - one) // pad * pad
                    for k in range(position, end):
                        values[k] = zero
                    position = end
                    n += one
    offsets[n] = position


@njit(cache=True)
def _decode_byte(byte: Any, count: Any, values: Array, position: Any, flat: Array, at: Any, step: Any) -> Any:
    """Write the first ``count`` elements of a byte of the bitmap; returns where the values go on."""
    for i in range(count):
        flat[at + i * step] = 0
        if (byte >> (uint64(7) - i)) & uint64(1):
            flat[at + i * step] = values[position]
            position += uint64(1)
    return position


@njit(cache=True)
def decode_tiles(bitmap: Array, offsets: Array, values: Array, lengths: Array, strides: Array, flat: Array) -> None:
    """Inverse of ``encode_tiles``: every element of ``flat`` that a tile covers is written.

    ``values`` must hold what the bitmap calls for.
    """
    stored, step, eight = uint64(len(values)), strides[4], uint64(8)
    whole_bytes, rest = lengths[4] // eight, lengths[4] % eight
    n = uint64(0)
    for a in range(lengths[0]):
        for b in range(lengths[1]):
            for c in range(lengths[2]):
                for t in range(lengths[3]):
                    at = a * strides[0] + b * strides[1] + c * strides[2] + t * strides[3]
                    position = uint64(offsets[n])
                    for k in range(whole_bytes):
                        byte = uint64(bitmap[n, k])
                        if position + eight <= stored:
                            for i in range(eight):  # no branch inside: a zero is a value times 0
                                bit = (byte >> (uint64(7) - i)) & uint64(1)
                                flat[at + (k * eight + i) * step] = values[position] * flat.dtype.type(bit)
                                position += bit
                        else:  # near the end of the values: never read behind it
                            position = _decode_byte(byte, eight, values, position, flat, at + k * eight * step, step)
                    if rest:
                        byte, begin = uint64(bitmap[n, whole_bytes]), at + whole_bytes * eight * step
                        position = _decode_byte(byte, rest, values, position, flat, begin, step)
                    n += uint64(1)


@njit(cache=True)
def padding_is_zero(counts: Array, offsets: Array, values: Array) -> bool:
    """Whether all values behind the counted ones of each tile, up to the next tile's, are zero patterns."""
    for n in range(len(counts)):
        for k in range(offsets[n] + counts[n], offsets[n + 1]):
            if values[k]:
                return False
    return True


@njit(cache=True)
def largest_pattern(flat: Array, mask: Any) -> Any:
    """Largest of the masked bit patterns: of floats without their sign, where infinities and NaN are above all."""
    largest = mask ^ mask
    for i in range(len(flat)):
        largest = max(largest, flat[i] & mask)
    return largest
