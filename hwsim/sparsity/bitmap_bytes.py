"""Bitmap tensors as bytes: a header that says everything, then bitmaps, offsets and values. Nothing is taken on trust.

All numbers little-endian:

    0   4  magic "HBMT"
    4   2  version, 1
    6   1  kind of value: 1 int4, 2 int8, 3 uint8, 4 int16, 5 uint16, 6 float16
    7   1  bits of an offset, 0 or 32
    8   2  pad
    10  1  axes of the tile
    11  1  axes of the tensor
    12  4  reserved, 0
    16  8  tiles
    24  8  values stored
    32  8  for each axis of the tile its size, then for each axis of the tensor its length
    …      bitmaps: tiles × ceil(elements / 8) bytes, most significant bit first
    …      offsets: tiles × 4 bytes where there are any
    …      values; two 4-bit values in a byte, the first in the low half
"""

from __future__ import annotations

import struct
from math import prod

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.bitmap import BitmapTensor
from hwsim.sparsity.size import Array
from hwsim.sparsity.tiling import checked_tile, grid

MAGIC, VERSION = b"HBMT", 1
_HEAD = struct.Struct("<4sHBBHBBIQQ")
_KINDS = {1: ("int4", 4), 2: ("int8", 8), 3: ("uint8", 8), 4: ("int16", 16), 5: ("uint16", 16), 6: ("float16", 16)}
_NUMBERS = {name: kind for kind, (name, _) in _KINDS.items()}
_MOST_AXES = 8


def to_bytes(code: BitmapTensor, value_bits: int | None = None, place: str = "bitmap tensor") -> bytes:
    """The tensor as bytes.

    Args:
        code: of 8- or 16-bit integers or float16.
        value_bits: 4 to pack int8 values from -8 to 7 in half a byte; by default the width of the values' type.
        place: what the tensor is, for error messages.

    Raises:
        InputError: a tensor that `BitmapTensor.validate` refuses, or one that the file has no field for.
    """
    code.validate(place)
    name = code.values.dtype.name
    if value_bits == 4 and name == "int8":
        name = "int4"
        if code.values.size and not -8 <= code.values.min() <= code.values.max() <= 7:
            raise InputError(f"{place} values", "-8 to 7", f"{code.values.min()} to {code.values.max()}")
    if name not in _NUMBERS or value_bits not in (None, _KINDS[_NUMBERS[name]][1]):
        wanted = ", ".join(f"{kind} in {bits} bits" for kind, bits in _KINDS.values())
        raise InputError(f"{place} values", wanted, f"{name} in {value_bits or 8 * code.values.itemsize} bits")
    if code.offset_bits not in (0, 32):
        raise InputError(f"{place} offset_bits", "0 or 32", code.offset_bits)
    sizes = (*code.tile, *code.shape)
    head = _HEAD.pack(MAGIC, VERSION, _NUMBERS[name], code.offset_bits, code.pad, len(code.tile), len(code.shape), 0,
                      len(code.bitmap), len(code.values))  # fmt: skip
    offsets = code.offsets[:-1].astype("<u4").tobytes() if code.offset_bits else b""
    values = _pack_nibbles(code.values) if name == "int4" else code.values.astype(f"<{code.values.dtype.str[1:]}")
    return b"".join([head, struct.pack(f"<{len(sizes)}Q", *sizes), code.bitmap.tobytes(), offsets, values.tobytes()])


def from_bytes(data: bytes, place: str = "bitmap file") -> BitmapTensor:
    """The tensor that `to_bytes` wrote.

    Raises:
        InputError: not such a file or another version; header fields out of range; a tile or a count that does not fit
            the shape; fewer or more bytes than the header calls for; a bitmap with more or fewer ones than values;
            offsets that are not the bitmap's; NaN, infinities, non-zero padding, or ones whose value is 0.
    """
    name, offset_bits, pad, tile, shape, tiles, stored, at = _header(data, place)
    width = -(-prod(tile) // 8)
    bits = _KINDS[_NUMBERS[name]][1]
    sections = {"bitmap": tiles * width, "offsets": tiles * offset_bits // 8, "values": -(-stored * bits // 8)}
    parts: dict[str, bytes] = {}
    for section, size in sections.items():
        parts[section] = data[at : at + size]
        if len(parts[section]) < size:
            given = f"{len(parts[section])} bytes: the file is cut off"
            raise InputError(f"{place}: {section}", f"{size} bytes, as the header says", given)
        at += size
    if at != len(data):
        raise InputError(place, f"{at} bytes, as the header says", f"{len(data)} bytes")
    values = _values(parts["values"], name, stored, place)
    bitmap = np.frombuffer(parts["bitmap"], np.uint8).reshape(tiles, width)
    code = BitmapTensor(values, bitmap, shape, tile, pad, offset_bits)
    called, ones = int(code.offsets[-1]), int(code.counts.sum())
    if called != stored:
        given = f"{ones} ones, for {called} values"
        raise InputError(f"{place}: bitmap", f"ones for the {stored} values stored", given)
    if offset_bits:
        _check_offsets(np.frombuffer(parts["offsets"], "<u4"), code.offsets[:-1], place)
    code.validate(place)
    if np.count_nonzero(values) != ones:
        given = f"{ones} ones"
        raise InputError(f"{place}: bitmap", f"a one for each of {np.count_nonzero(values)} non-zero values", given)
    return code


def _header(data: bytes, place: str) -> tuple[str, int, int, tuple[int, ...], tuple[int, ...], int, int, int]:
    """(kind, offset bits, pad, tile, shape, tiles, values stored, bytes read)."""
    if len(data) < _HEAD.size or data[:4] != MAGIC:
        raise InputError(place, f"a bitmap file, which begins with {MAGIC!r}", f"{len(data)} bytes, {data[:4]!r}")
    _, version, kind, offset_bits, pad, tile_axes, axes, spare, tiles, stored = _HEAD.unpack_from(data)
    if version != VERSION or spare:
        given = version if version != VERSION else "reserved bits that are set"
        raise InputError(f"{place}: version", f"{VERSION}, the reserved bits 0", given)
    if kind not in _KINDS:
        raise InputError(f"{place}: kind of value", f"1 to {len(_KINDS)}", kind)
    if offset_bits not in (0, 32) or pad < 1 or not 1 <= tile_axes <= axes <= _MOST_AXES:
        wanted = f"offsets of 0 or 32 bits, pad from 1, a tile of at most as many axes as the tensor ({_MOST_AXES})"
        raise InputError(f"{place}: header", wanted, f"{offset_bits} bits, pad {pad}, {tile_axes} and {axes} axes")
    count = tile_axes + axes
    if len(data) < _HEAD.size + 8 * count:
        raise InputError(f"{place}: header", f"{_HEAD.size + 8 * count} bytes", f"{len(data)} bytes: it is cut off")
    sizes = struct.unpack_from(f"<{count}Q", data, _HEAD.size)
    tile, shape = checked_tile(sizes[:tile_axes], axes, f"{place}:"), sizes[tile_axes:]
    wanted_tiles = prod(cells for cells, _ in grid(shape, tile))
    if tiles != wanted_tiles:
        wanted = f"{wanted_tiles} tiles of {'×'.join(map(str, tile))} for shape {shape}"
        raise InputError(f"{place}: tile", wanted, f"{tiles} tiles in the header")
    return _KINDS[kind][0], offset_bits, pad, tile, shape, tiles, stored, _HEAD.size + 8 * count


def _check_offsets(given: Array, wanted: Array, place: str) -> None:
    if not np.array_equal(given, wanted):
        first = int(np.argmax(given != wanted))
        raise InputError(f"{place}: offset of tile {first}", f"{wanted[first]}, as the bitmap says", int(given[first]))


def _values(raw: bytes, name: str, stored: int, place: str) -> Array:
    if name != "int4":
        return np.frombuffer(raw, np.dtype(name).newbyteorder("<")).astype(name, copy=False)
    pairs = np.frombuffer(raw, np.uint8)
    halves = np.stack([pairs & 15, pairs >> 4], axis=1).reshape(-1)
    if np.any(halves[stored:]):
        raise InputError(f"{place}: values", "0 in the spare half of the last byte", int(halves[-1]))
    return (halves[:stored].astype(np.int8) ^ 8) - np.int8(8)


def _pack_nibbles(values: Array) -> Array:
    halves = np.concatenate([values, np.zeros(len(values) % 2, np.int8)]).view(np.uint8) & 15
    return halves[0::2] | halves[1::2] << 4


def stored_bits(data: bytes) -> int:
    """Bits of a value in a file that `from_bytes` has accepted."""
    return _KINDS[_HEAD.unpack_from(data)[2]][1]
