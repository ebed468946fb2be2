import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from hwsim.errors import InputError
from hwsim.sparsity.csr import CsrTensor, encode_csr
from hwsim.sparsity.dense import encode_dense
from hwsim.sparsity.size import Bits

matrices = st.tuples(
    st.integers(0, 20), st.integers(0, 20), st.integers(0, 999), st.sampled_from([np.int8, np.int64, np.float32])
).map(lambda c: np.random.default_rng(c[2]).integers(-1, 2, c[:2]).astype(c[3]))


@given(matrices, st.sampled_from([(32, 32), (None, None), (8, 10)]))
@settings(max_examples=150, deadline=None)
def test_round_trip_and_same_as_scipy(w, widths):
    code = encode_csr(w, *widths)
    code.validate()
    assert code.decode().dtype == w.dtype and np.array_equal(code.decode(), w)
    judge = csr_array(w)
    assert np.array_equal(code.pointers, judge.indptr) and np.array_equal(code.columns, judge.indices)
    assert np.array_equal(code.values, judge.data) and np.array_equal(code.to_scipy().toarray(), w)


@given(matrices)
def test_dense_round_trip(w):
    code = encode_dense(w)
    code.validate()
    assert np.array_equal(code.decode(), w) and code.shape == w.shape
    assert code.bits(5) == Bits(w.size * 5) and code.size_bits(5) == w.size * 5
    assert not np.shares_memory(code.decode(), code.values)


def test_half_precision_round_trip():
    w = np.array([[0, 1.5], [2.5, 0]], np.float16)
    assert encode_csr(w).decode().dtype == np.float16


def test_hand_counted_sizes():
    w = np.array([[0, 3, 0, 0, 0], [0, 0, 0, 4, 5], [0, 0, 0, 0, 0]])
    code = encode_csr(w)
    assert (code.values.tolist(), code.columns.tolist(), code.pointers.tolist()) == ([3, 4, 5], [1, 3, 4], [0, 1, 3, 3])
    assert code.size_bits(16) == 3 * 48 + 4 * 32  # 6 bytes a non-zero and 4 a row, plus 4
    tight = encode_csr(w, None, None)  # columns 0..4 in 3 bits, pointers 0..3 in 2
    assert tight.bits(8) == Bits(24, 9, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.array([1, 2, 3])}, "one length"),
        ({"values": np.array([1, np.nan])}, "NaN"),
        ({"columns": np.array([0, 4])}, "0 to 3"),
        ({"columns": np.array([-1, 3])}, "0 to 3"),
        ({"columns": np.array([3, 1])}, "ascending"),
        ({"columns": np.array([1, 1])}, "ascending"),
        ({"columns": np.array([0.0, 1.0])}, "int64"),
        ({"pointers": np.array([0, 1])}, "3 pointers"),
        ({"pointers": np.array([0, 2, 1])}, "rising"),
        ({"pointers": np.array([0, 3, 2])}, "rising"),
        ({"index_bits": 1}, "from 2 to 64, got 1"),
        ({"pointer_bits": 1}, "from 2 to 64, got 1"),
    ],
)
def test_illegal_tensors(change, message):
    good = CsrTensor(np.array([5, 6]), np.array([1, 3]), np.array([0, 2, 2]), (2, 4))
    assert good.decode().tolist() == [[0, 5, 0, 6], [0, 0, 0, 0]]
    with pytest.raises(InputError, match=message):
        dataclasses.replace(good, **change).decode()


def test_bad_input():
    for w in (np.zeros(3), np.zeros((2, 2, 2)), [[np.nan]], [[True]]):
        with pytest.raises(InputError):
            encode_csr(w)
    with pytest.raises(InputError, match="index_bits"):
        encode_csr(np.ones((1, 5)), index_bits=2)
    with pytest.raises(InputError, match="value_bits"):
        encode_csr(np.ones((1, 5))).bits(0)
    with pytest.raises(InputError):
        encode_dense([np.nan])
