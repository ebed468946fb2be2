"""Bitmap files: read back as written; damaged ones refused with the place, what was wanted and what was found."""

import dataclasses
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.sparsity.bitmap import encode_bitmap
from hwsim.sparsity.bitmap_bytes import from_bytes, stored_bits, to_bytes

DTYPES = [np.int8, np.uint8, np.int16, np.uint16, np.float16]


def matrix(seed, shape=(5, 70), dtype=np.float16):
    rng = np.random.default_rng(seed)
    return (rng.integers(1, 8, shape) * (rng.random(shape) < 0.4)).astype(dtype)


@pytest.mark.slow
@given(st.integers(0, 999), st.lists(st.integers(0, 30), min_size=1, max_size=3), st.integers(1, 9),
       st.sampled_from([0, 32]), st.sampled_from(DTYPES), st.integers(1, 12), st.booleans())  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_round_trip(seed, shape, pad, offset_bits, dtype, tile, narrow):
    w = matrix(seed, tuple(shape), dtype)
    code = encode_bitmap(w, (tile,), pad, offset_bits)
    bits = 4 if narrow and dtype == np.int8 else None
    data = to_bytes(code, bits)
    back = from_bytes(data)
    assert np.array_equal(back.decode(), w) and back.values.dtype == w.dtype
    assert (back.tile, back.pad, back.offset_bits, back.shape) == (code.tile, pad, offset_bits, w.shape)
    assert to_bytes(back, bits) == data and stored_bits(data) == (bits or 8 * w.itemsize)


def test_bytes_by_hand():
    data = to_bytes(encode_bitmap(np.array([[0, 3, 0, 0, 0, 0, 0, -2]], np.int8), (8,), 4, 32), 4)
    assert data[:4] == b"HBMT" and len(data) == 32 + 8 * 3 + 1 + 4 + 2
    assert data[-7:] == bytes([0b01000001, 0, 0, 0, 0, 0x3 | 0xE << 4, 0])


def test_every_cut_is_refused():
    data = to_bytes(encode_bitmap(matrix(1), (64,), 8, 32))
    for length in range(len(data)):
        with pytest.raises(InputError):
            from_bytes(data[:length])
    with pytest.raises(InputError, match="as the header says"):
        from_bytes(data + b"\0")


def damaged(**changes):
    """A file whose parts were replaced: bitmap, offsets, values as bytes, or numbers of the header by offset."""
    code = encode_bitmap(matrix(2, (4, 64)), (64,), 8, 32)
    data = bytearray(to_bytes(code))
    at = {"bitmap": 56, "offsets": 56 + 32, "values": 56 + 32 + 16}
    for name, (place, form, value) in changes.items():
        struct.pack_into(form, data, at.get(name, 0) + place, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (to_bytes(encode_bitmap(matrix(2), (64,), 8, 32))[:-6], r"file: values: wanted \d+ bytes.*cut off"),
        (damaged(bitmap=(0, "<Q", 2**64 - 1)), r"bitmap: wanted ones for the \d+ values stored, got \d+ ones"),
        (damaged(bitmap=(0, "<Q", 0)), r"bitmap: wanted ones for the \d+ values stored"),
        (damaged(values=(0, "<e", np.inf)), "finite numbers, got inf at"),
        (damaged(values=(2, "<e", np.nan)), "finite numbers, got NaN at"),
        (damaged(offsets=(4, "<I", 3)), "offset of tile 1: wanted"),
        (damaged(head=(32, "<Q", 32)), r"tile: wanted 8 tiles of 32 for shape \(4, 64\), got 4 tiles in the header"),
        (damaged(head=(16, "<Q", 5)), "tile: wanted 4 tiles"),
        (damaged(head=(24, "<Q", 2**40)), r"values: wanted 2199023255552 bytes"),
        (damaged(head=(48, "<Q", 2**60)), "tile: wanted"),
        (damaged(head=(32, "<Q", 0)), "tile: wanted a whole number of at least 1"),
        (damaged(head=(4, "<H", 2)), "version: wanted 1"),
        (damaged(head=(12, "<I", 2)), "version: wanted 1"),
        (damaged(head=(6, "<B", 9)), "kind of value"),
        (damaged(head=(7, "<B", 16)), "header: wanted offsets of 0 or 32 bits"),
        (damaged(head=(8, "<H", 0)), "pad from 1"),
        (damaged(head=(10, "<B", 3)), "header: wanted"),
        (b"PNG", "which begins with"),
    ],
)  # fmt: skip
def test_damage_is_named(data, message):
    with pytest.raises(InputError, match=message):
        from_bytes(data, "file")


def test_no_flipped_byte_gets_past_as_anything_but_an_array_or_a_refusal():
    seed = 20261
    print("seed", seed)
    rng = np.random.default_rng(seed)
    good = to_bytes(encode_bitmap(matrix(3), (64,), 8, 32))
    refused = 0
    for _ in range(1500):
        data = bytearray(good)
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        try:
            from_bytes(bytes(data)).decode()
        except InputError:
            refused += 1
    assert refused > 400


def test_what_the_file_has_no_field_for():
    code = encode_bitmap(matrix(1, dtype=np.int8))
    for bad, bits in ((encode_bitmap(np.ones(8, np.float32)), None), (code, 16),
                      (encode_bitmap(np.full(8, 9, np.int8)), 4), (dataclasses.replace(code, offset_bits=16), None),
                      (dataclasses.replace(code, values=code.values[1:]), None)):  # fmt: skip
        with pytest.raises(InputError):
            to_bytes(bad, bits)
