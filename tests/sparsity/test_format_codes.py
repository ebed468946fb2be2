"""Every format of the registry: what is encoded comes back, and takes the bits that a count by hand says."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.sparsity import FORMATS
from hwsim.sparsity.block import encode_block, encode_gqsa
from hwsim.sparsity.condensed import encode_condensed
from hwsim.sparsity.coo import encode_coo
from hwsim.sparsity.csc import encode_csc
from hwsim.sparsity.registry import format_of
from hwsim.sparsity.run_length import encode_run_length
from hwsim.sparsity.spinfer import encode_spinfer
from hwsim.sparsity.spqr import encode_spqr
from hwsim.sparsity.tiled_csl import encode_tiled_csl

ANY = [one for one in FORMATS.values() if one.largest == 1]
DTYPES = (np.int8, np.int64, np.float16, np.float32)
matrices = st.tuples(st.integers(0, 150), st.integers(0, 150), st.floats(0, 1), st.integers(0, 999),
                     st.sampled_from(DTYPES))  # fmt: skip


def drawn(case):
    rows, columns, density, seed, dtype = case
    rng = np.random.default_rng(seed)
    values = rng.choice([-3, -2, -1, 1, 2, 3], (rows, columns)) * (rng.random((rows, columns)) < density)
    return values.astype(dtype)


def padded(count, pad):
    return -(-count // pad) * pad


def blocks(w, height, width):
    """The matrix cut into blocks, ragged ones as they are."""
    return [w[r : r + height, c : c + width] for r in range(0, w.shape[0], height) for c in range(0, w.shape[1], width)]


def fillers(row):
    """One for every 16 zeros that a run has too many, by counting along the row."""
    total = run = 0
    for value in row:
        if value:
            run = 0
        else:
            run += 1
            if run == 16:
                total, run = total + 1, 0
    last = max(np.flatnonzero(row), default=-1)
    trailing = len(row) - 1 - last
    return total - trailing // 16 if trailing >= 16 else total


def by_hand(name, w, vb):
    """Bits of a format, counted from the matrix and not from its code."""
    (rows, columns), n = w.shape, np.count_nonzero(w)
    lines = blocks(w, 1, 64)
    kept = [int(np.count_nonzero(block)) for block in lines]
    if name == "dense":
        return w.size * vb
    if name == "bitmap":
        return n * vb + len(lines) * 64
    if name == "mustafar":
        return sum(padded(k, 8) for k in kept) * vb + len(lines) * (64 + 32)
    if name == "spinfer":
        groups = blocks(w, 64, 64)
        return sum(padded(np.count_nonzero(g), 8) for g in groups) * vb + len(groups) * (4096 + 32) + 32
    if name == "csr":
        return n * (vb + 32) + (rows + 1) * 32
    if name == "csc":
        return n * (vb + 32) + (columns + 1) * 32
    if name == "csr-tight":
        return n * (vb + max(columns - 1, 0).bit_length()) + (rows + 1) * int(n).bit_length()
    if name == "coo":
        return n * (vb + 64)
    if name == "run-length":
        return (n + sum(fillers(row) for row in w)) * (vb + 4) + (rows + 1) * 32
    if name == "tiled-csl":
        tiles = blocks(w, 128, 64)
        return sum(padded(np.count_nonzero(t), 4) for t in tiles) * (vb + 16) + (len(tiles) + 2) * 32
    if name == "spqr":
        return padded(rows, 16) * (padded(columns, 16) // 16) * 64 + n * (vb + 16) + (rows + 1) * 32
    if name == "bcsr":
        return sum(b.any() for b in blocks(w, 16, 16)) * (256 * vb + 32) + (-(-rows // 16) + 1) * 32
    if name == "gqsa":
        side = 16 + vb if vb < 16 else 0
        return sum(b.any() for b in blocks(w, 1, 16)) * (16 * vb + side + 16) + (rows + 1) * 32
    counts = np.count_nonzero(w, axis=0)
    return np.count_nonzero(counts) * counts.max(initial=0) * (vb + 16) + columns


@given(matrices, st.sampled_from([4, 8, 16]))
@settings(max_examples=60, deadline=None)
def test_round_trip_and_size_of_every_format(case, value_bits):
    w = drawn(case)
    for one in ANY:
        code = one.encode(w)
        code.validate()
        back = code.decode()
        assert back.dtype == w.dtype and back.shape == w.shape == code.shape and np.array_equal(back, w), one.name
        assert code.size_bits(value_bits) == by_hand(one.name, w, value_bits), one.name
        assert code.bits(value_bits).total == code.size_bits(value_bits)


def test_negative_zero_comes_back_as_zero():
    w = np.array([[-0.0, 1.5], [2.5, -0.0]], np.float32)
    for one in ANY:
        if one.name != "dense":
            back = one.encode(w).decode()
            assert np.array_equal(back, w), one.name


def test_eie_example():
    """The example of EIE's text: 0 0 1 2, eighteen zeros, 3 (its column is our row)."""
    code = encode_run_length([[0, 0, 1, 2] + [0] * 18 + [3]])
    assert code.values.tolist() == [1, 2, 0, 3] and code.runs.tolist() == [2, 0, 15, 2]


def test_tensor_core_order_of_spinfer():
    """Elements numbered by their place: the four bitmaps of a 16×16 tile go down first, tiles to the right."""
    w = np.arange(1, 64 * 64 + 1).reshape(64, 64)
    code = encode_spinfer(w)
    corners = code.values[::64].reshape(4, 4, 4) - 1
    assert corners[0, 0].tolist() == [0, 8 * 64, 8, 8 * 64 + 8]
    assert corners[0, 1, 0] == 16 and corners[1, 0, 0] == 16 * 64
    assert encode_spinfer(np.eye(8)).bitmaps[0, 0] == sum(1 << (9 * i) for i in range(8))  # least significant first


def test_tiled_csl_pads_with_places_of_zeros():
    w = np.zeros((128, 64), np.int8)
    w[0, 0] = w[3, 5] = 7
    code = encode_tiled_csl(w)
    assert code.values.tolist() == [7, 7, 0, 0] and code.places.tolist() == [0, 3 * 64 + 5, 1, 1]


def test_spqr_base():
    """One tile: base 2·(code - 1) with scale 2 = 0.5·(5 - 1) and zero 1 = 1·(3 - 2), and one outlier."""
    outliers = np.zeros((16, 16), np.float32)
    outliers[4, 4] = 0.25
    code = encode_spqr(outliers, np.full((16, 16), 6, np.uint8), np.full((16, 1), 5, np.uint8),
                       np.full((16, 1), 3, np.uint8), np.array([[[0.5, 1, 1, 2]]], np.float16))  # fmt: skip
    assert np.array_equal(code.decode(), np.full((16, 16), 10, np.float32) + outliers)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (encode_coo(np.eye(3)), [{"rows": np.array([0, 1])}, {"columns": np.array([0, 1, 3])}, {"index_bits": 1},
                                 {"rows": np.array([1, 0, 2])}, {"values": np.array([1, np.nan, 1])}]),
        (encode_run_length(np.eye(3)), [{"runs": np.array([0, 1])}, {"runs": np.array([0, 16, 2])},
                                        {"runs": np.array([0, 1, 3])}, {"pointers": np.array([0, 2, 1, 3])},
                                        {"pointers": np.array([0, 1, 2])}, {"pointer_bits": 1}]),
        (encode_tiled_csl(np.eye(3)), [{"places": np.array([0, 65, 8192, 1])}, {"places": np.zeros(3, int)},
                                       {"offsets": np.array([0, 3])}, {"index_bits": 12}]),
        (encode_spinfer(np.eye(3)), [{"values": np.ones(7)}, {"offsets": np.array([0, 16])}, {"shape": (2, 2)},
                                     {"bitmaps": np.zeros((1, 64), np.int64)}]),
        (encode_block(np.eye(3), (2, 2)), [{"values": np.ones((2, 3))}, {"columns": np.array([0, 2])},
                                           {"pointers": np.array([0, 2, 1])}, {"columns": np.array([1, 1, 1])},
                                           {"index_bits": 0}]),
        (encode_condensed(np.eye(3)), [{"values": np.ones((2, 1))}, {"inputs": np.array([[0], [1], [3]])},
                                       {"kept": np.ones(2, bool)}, {"index_bits": 1}]),
        (encode_spqr(np.eye(3)), [{"codes": np.zeros((3, 3), np.uint8)}, {"scales": np.full((16, 1), 8, np.uint8)},
                                  {"statistics": np.full((1, 1, 4), np.inf)}, {"shape": (4, 4)}]),
        (encode_csc(np.eye(3)), [{"transposed": dataclasses.replace(encode_csc(np.eye(3)).transposed,
                                                                    columns=np.array([0, 1, 3]))}]),
    ],
)  # fmt: skip
def test_illegal_codes_are_refused(code, changes):
    code.validate()
    for change in changes:
        with pytest.raises(InputError):
            dataclasses.replace(code, **change).decode()


def test_bad_input():
    for one in ANY:
        with pytest.raises(InputError):
            one.encode(np.array([[1.0, np.nan]]))
        if one.name not in ("dense", "bitmap", "mustafar"):
            with pytest.raises(InputError, match="matrix"):
                one.encode(np.ones(3))
    for call in (lambda: encode_block(np.eye(2), (2,)), lambda: encode_gqsa(np.eye(2), 0),
                 lambda: encode_run_length(np.eye(2), 0), lambda: encode_tiled_csl(np.eye(2), (1024, 1024)),
                 lambda: encode_coo(np.ones((1, 9)), 3), lambda: format_of("zip")):  # fmt: skip
        with pytest.raises(InputError):
            call()
