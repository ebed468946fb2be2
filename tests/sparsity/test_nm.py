import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hwsim.errors import InputError
from hwsim.sparsity.nm import NmTensor, check_nm, encode_nm, nm_mask
from hwsim.sparsity.ratio import DENSE, Ratio

RATIOS = st.sampled_from([Ratio(n, m) for m in (1, 2, 4, 8, 16) for n in (1, 2, 4, 8) if n <= m])
DTYPES = st.sampled_from([np.int8, np.uint8, np.int32, np.int64, np.float16, np.float32, np.float64])


@st.composite
def arrays(draw):
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=19))
    seed = draw(st.integers(0, 2**32 - 1))
    dtype = np.dtype(draw(DTYPES))
    low = 0 if dtype.kind == "u" else -3
    w = np.random.default_rng(seed).integers(low, 4, shape).astype(dtype)  # few values: ties and zeros abound
    return w, draw(st.integers(-len(shape), len(shape) - 1))


def slow_mask(line, n, m):
    """One line at a time, in plain Python: the judge."""
    keep = [False] * len(line)
    for start in range(0, len(line), m):
        group = range(start, min(start + m, len(line)))
        for position in sorted(group, key=lambda p: (-abs(int(line[p])), p))[:n]:
            keep[position] = True
    return keep


@given(arrays(), RATIOS)
@settings(max_examples=150, deadline=None)
def test_mask_equals_the_plain_rule(case, ratio):
    w, axis = case
    mask = nm_mask(w, ratio, axis)
    assert mask.shape == w.shape and mask.dtype == bool
    lines = np.moveaxis(w, axis, -1).reshape(-1, w.shape[axis]) if w.size else []
    wanted = [slow_mask(line, ratio.n, ratio.m) for line in lines]
    assert np.array_equal(np.moveaxis(mask, axis, -1).reshape(-1, w.shape[axis]) if w.size else [], wanted)


@pytest.mark.slow
@given(arrays(), RATIOS)
@settings(max_examples=150, deadline=None)
def test_round_trip_and_canonical_form(case, ratio):
    w, axis = case
    pruned = np.where(nm_mask(w, ratio, axis), w, 0).astype(w.dtype)
    check_nm(pruned, ratio, axis)
    code = encode_nm(pruned, ratio, axis)
    code.validate()
    back = code.decode()
    assert back.dtype == w.dtype and back.shape == w.shape == code.shape and np.array_equal(back, pruned)
    groups = ratio.groups(w.shape[axis]) * (w.size // w.shape[axis] if w.shape[axis] else 0)
    assert code.size_bits(8) == groups * ratio.n * (8 + ratio.index_bits)
    for values, indices in zip(code.values.reshape(-1, ratio.n), code.indices.reshape(-1, ratio.n), strict=True):
        filled = int(np.count_nonzero(values))
        assert np.all(values[:filled] != 0)
        assert list(indices[:filled]) == sorted(indices[:filled])
        free = [p for p in range(ratio.m) if p not in indices[:filled]]
        assert list(indices[filled:]) == free[: ratio.n - filled]


def test_ties_go_to_the_lower_position():
    assert nm_mask([1, -1, 1, -1], Ratio(2, 4), 0).tolist() == [True, True, False, False]
    assert nm_mask([0, 0, 0, 7], Ratio(2, 4), 0).tolist() == [True, False, False, True]
    assert nm_mask([1, 3, -3, 3], Ratio(2, 4), 0).tolist() == [False, True, True, False]


def test_extreme_magnitudes():
    assert nm_mask(np.array([-128, 127], np.int8), Ratio(1, 2), 0).tolist() == [True, False]
    assert nm_mask(np.array([2**63 - 1, -(2**63)]), Ratio(1, 2), 0).tolist() == [False, True]
    assert nm_mask(np.array([3.0, -np.inf]), Ratio(1, 2), 0).tolist() == [False, True]
    big_endian = np.array([-128, 5], ">i2")
    assert nm_mask(big_endian, Ratio(1, 2), 0).tolist() == [True, False]


def test_hand_counted_example():
    w = np.array([[0, 5, 0, 0, 7], [0, 0, 0, 9, 0]])
    code = encode_nm(w, Ratio(2, 4), 1)
    assert code.values.tolist() == [[[5, 0], [7, 0]], [[9, 0], [0, 0]]]
    assert code.indices.tolist() == [[[1, 0], [0, 1]], [[3, 0], [0, 1]]]
    assert code.size_bits(8) == 2 * 2 * 2 * (8 + 2) == 80
    assert code.bits(8).metadata == 16


@pytest.mark.parametrize(("value_bits", "percent"), [(16, 56.25), (8, 62.5), (4, 75)])
def test_two_of_four_storage(value_bits, percent):
    """Half the values and 2 bits for each: 56.25 % of dense FP16, 62.5 % of INT8, 75 % of INT4."""
    w = np.zeros((8, 64))
    assert encode_nm(w, Ratio(2, 4), 1).size_bits(value_bits) == percent / 100 * w.size * value_bits


def test_reduction_axis_moves_last():
    w = np.zeros((8, 3), np.int8)
    w[5, 2] = 4
    code = encode_nm(w, Ratio(1, 4), 0)
    assert code.values.shape == (3, 2, 1) and code.values[2, 1, 0] == 4 and code.indices[2, 1, 0] == 1


def test_dense_and_negative_zero():
    w = np.array([-0.0, 2.0, -0.0, 0.0])
    for ratio in (DENSE, Ratio(2, 4)):
        back = encode_nm(w, ratio, 0).decode()
        assert np.array_equal(back, w) and not np.signbit(back).any()


def test_too_many_nonzeros_names_the_group():
    w = np.zeros((3, 8, 2))
    w[1, 4:7, 1] = 1
    for refuse in (check_nm, encode_nm):
        with pytest.raises(InputError, match=r"layer2 group at \(1, 4, 1\): wanted at most 2 .* got 3 non-zeros"):
            refuse(w, Ratio(2, 4), 1, "layer2")
    check_nm(w, Ratio(4, 8), 1)


@pytest.mark.parametrize("use", [nm_mask, check_nm, encode_nm])
def test_bad_arrays(use):
    with pytest.raises(InputError, match=r"fc got|fc: wanted numbers, got NaN at \(1, 0\)"):
        use(np.array([[1.0, 0], [np.nan, 0]]), Ratio(2, 4), 0, "fc")
    for bad in ([True, False], [1j, 2], ["a"], 3.0):
        with pytest.raises(InputError):
            use(np.array(bad), Ratio(2, 4), 0)
    for axis in (2, -3, 0.5, None, True):
        with pytest.raises(InputError, match="axis"):
            use(np.zeros((4, 4)), Ratio(2, 4), axis)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indices": np.array([[[0, 4]]], np.uint8)}, r"indices below 4, got 4"),
        ({"indices": np.array([[[2, 2]]], np.uint8)}, r"no index twice, got \[2, 2\]"),
        ({"indices": np.array([[[0, 3]]], np.uint8)}, "behind the axis' end"),
        ({"indices": np.array([[[0, 1]]], np.int64)}, "uint8"),
        ({"indices": np.array([[0, 1]], np.uint8)}, "uint8 of shape"),
        ({"values": np.array([[[1.0, np.nan]]])}, "NaN"),
        ({"values": np.array([1.0, 2.0])}, r"shape \(…, groups, 2\)"),
        ({"ratio": Ratio(1, 4)}, r"shape \(…, groups, 1\)"),
        ({"length": 5}, "1 groups"),
        ({"length": -1}, "at least 0"),
        ({"axis": 2}, "0 to 1"),
        ({"axis": -1}, "0 to 1"),
    ],
)
def test_illegal_tensors(change, message):
    good = NmTensor(np.array([[[5, 6]]]), np.array([[[0, 1]]], np.uint8), 3, Ratio(2, 4), 1)
    assert good.decode().tolist() == [[5, 6, 0]]
    bad = dataclasses.replace(good, **change)
    with pytest.raises(InputError, match=message):
        bad.validate()
    with pytest.raises(InputError, match=message):
        bad.decode()
    with pytest.raises(InputError):
        good.size_bits(0)


def test_fast_enough():
    w = np.random.default_rng(1).standard_normal((1024, 1024), np.float32)
    pruned = w * nm_mask(w, Ratio(2, 4), 1)
    best = 1.0
    for _ in range(5):
        start = time.perf_counter()
        encode_nm(pruned, Ratio(2, 4), 1)
        best = min(best, time.perf_counter() - start)
    assert best < 0.1  # seconds; about 0.005 on an idle core
