import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hwsim.errors import InputError
from hwsim.sparsity.bitmap import BitmapTensor, encode_bitmap
from hwsim.sparsity.patterns import random_mask
from hwsim.sparsity.size import Bits


@st.composite
def cases(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=17))
    tile = draw(st.lists(st.integers(1, 12), min_size=1, max_size=len(shape)).map(tuple))
    dtype = draw(st.sampled_from([np.int8, np.int64, np.float16, np.float32]))
    w = np.random.default_rng(draw(st.integers(0, 999))).integers(-1, 2, shape).astype(dtype)
    return w, tile, draw(st.integers(1, 9)), draw(st.sampled_from([0, 16, 32]))


@pytest.mark.slow
@given(cases())
@settings(max_examples=200, deadline=None)
def test_round_trip_and_size(case):
    w, tile, pad, offset_bits = case
    code = encode_bitmap(w, tile, pad, offset_bits)
    code.validate()
    back = code.decode()
    assert back.dtype == w.dtype and back.shape == w.shape and np.array_equal(back, w)
    tiles = int(np.prod([-(-s // t) for s, t in zip(w.shape, (1,) * (w.ndim - len(tile)) + tile, strict=True)]))
    assert code.bits(7).metadata == tiles * int(np.prod(tile)) and code.bits(7).pointers == tiles * offset_bits
    if pad == 1:
        assert code.values.size == np.count_nonzero(w)


def test_hand_counted_example():
    w = np.array([[0, 3, 0, 0, 0], [0, 0, 0, 4, 5]])
    code = encode_bitmap(w, (4,), pad=2, offset_bits=16)
    assert code.bitmap.tolist() == [[0b01000000], [0], [0b00010000], [0b10000000]]  # most significant bit first
    assert code.values.tolist() == [3, 0, 4, 0, 5, 0]
    assert code.offsets.tolist() == [0, 2, 2, 4, 6]
    assert code.bits(8) == Bits(values=6 * 8, metadata=4 * 4, pointers=4 * 16)
    assert code.size_bits(8) == 128


def test_square_tiles_in_row_major_order():
    w = np.arange(1, 17).reshape(4, 4)
    code = encode_bitmap(w, (2, 2))
    assert code.values.tolist() == [1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 13, 14, 11, 12, 15, 16]
    assert np.array_equal(code.decode(), w)


@pytest.mark.parametrize(("density", "percent"), [(0.5, 64.8), (0.3, 45.5)])
def test_key_value_cache_ratio(density, percent):
    """1×64 FP16 tiles, values padded to 8, one int32 offset a tile: 64.8 % of dense at 50 %, 45.5 % at 70 % pruned.

    Each token keeps the same number of its 128 channels (arXiv 2505.22913 prunes per token).
    """
    kept = 128 - int(128 * (1 - density))
    w = np.stack([random_mask((128,), kept / 128, [7, i]) for i in range(4096)]).astype(np.float16)
    ratio = encode_bitmap(w, (64,), pad=8, offset_bits=32).size_bits(16) / (w.size * 16)
    assert ratio * 100 == pytest.approx(percent, abs=0.3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.array([1, 2])}, r"shape \(4,\)"),
        ({"values": np.array([1.0, np.nan, 0, 0])}, "NaN"),
        ({"values": np.array([1, 2, 3, 9])}, "padding values of 0, got 9"),
        ({"bitmap": np.array([[0b11110000]], np.uint8)}, "no bit set behind"),
        ({"bitmap": np.array([[0b11100001]], np.uint8)}, "no bit set behind"),
        ({"bitmap": np.array([[0b11100000]], np.int64)}, "uint8"),
        ({"bitmap": np.zeros((2, 1), np.uint8)}, "uint8 of shape"),
        ({"tile": (0,)}, "at least 1"),
        ({"tile": (4, 4)}, "1 to 1 sizes"),
        ({"tile": 4}, "1 to 1 sizes"),
        ({"pad": 0}, "at least 1"),
        ({"offset_bits": -1}, "from 0 to 64"),
    ],
)
def test_illegal_tensors(change, message):
    good = BitmapTensor(np.array([1, 2, 3, 0]), np.array([[0b11100000]], np.uint8), (3,), (4,), 2)
    assert good.decode().tolist() == [1, 2, 3]
    with pytest.raises(InputError, match=message):
        dataclasses.replace(good, **change).decode()


def test_views_are_encoded_as_copies_are():
    """Transposed, reversed and strided views, an array of the other byte order, and decoding into a view."""
    w = np.random.default_rng(1).integers(-1, 2, (6, 16, 24)).astype(np.float16)
    for view in (w.transpose(1, 0, 2), w.transpose(2, 1, 0), w.transpose(0, 2, 1)[::-1], w[:, ::2], w[..., 8:16],
                 w.astype(">f2"), w.reshape(2, 3, 2, 8, 24).transpose(4, 2, 0, 1, 3)):  # fmt: skip
        code, plain = encode_bitmap(view, (8,), 4), encode_bitmap(np.array(view.tolist(), np.float16), (8,), 4)
        assert np.array_equal(code.bitmap, plain.bitmap) and np.array_equal(code.values, plain.values)
        out = np.full(view.shape[::-1], 7, np.float16).T
        assert code.decode(out) is out and np.array_equal(out, view)


def test_non_finite_numbers_are_named():
    for bad, name in ((np.inf, "inf"), (-np.inf, "-inf"), (np.nan, "NaN")):
        w = np.ones((3, 8), np.float32)
        w[1, 6] = bad
        with pytest.raises(InputError, match=rf"weights: wanted finite numbers, got {name} at \(1, 6\)"):
            encode_bitmap(w, (8,))
        with pytest.raises(InputError, match=f"values: wanted finite numbers, got {name} at"):
            dataclasses.replace(encode_bitmap(np.ones(8)), values=w[1].astype(float)).decode()


def test_bad_input():
    for kwargs in ({"tile": ()}, {"tile": (1, 2)}, {"tile": (1.5,)}, {"pad": 0}, {"offset_bits": 65}):
        with pytest.raises(InputError):
            encode_bitmap(np.ones(8), **kwargs)
    with pytest.raises(InputError, match="NaN at"):
        encode_bitmap([np.nan])
    with pytest.raises(InputError, match="at most 64 bits"):
        encode_bitmap(np.ones(4, np.longdouble))
    with pytest.raises(InputError, match="offset_bits: wanted at least 4, got 2"):
        encode_bitmap(np.ones(12), (2,), offset_bits=2)
    with pytest.raises(InputError):
        encode_bitmap(np.ones(8)).size_bits(0)
