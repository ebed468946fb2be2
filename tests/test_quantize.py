from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.quantize import (
    ActivationScale,
    Requantization,
    accumulator_bound,
    calibrate_activations,
    check_accumulator,
    multiplier_and_shift,
    quantize_weights,
    requantization_from_scales,
    requantize,
)

INT32 = st.integers(-(2**31), 2**31 - 1)
INT8 = st.integers(-128, 127)


def judge(acc, bias, multiplier, shift, zero_point, low, high):
    """Python's own rationals; ``round`` of a Fraction is half to even."""
    return min(max(round(Fraction((acc + bias) * multiplier, 2**shift)) + zero_point, low), high)


@pytest.mark.slow
@given(st.lists(st.tuples(INT32, INT32, st.integers(0, 65535), st.integers(0, 47)), min_size=1), INT8, INT8, INT8)
@example([(2**31 - 1, 2**31 - 1, 65535, 0), (-(2**31), -(2**31), 65535, 0), (-(2**31), 0, 65535, 47)], 127, -128, 127)
@settings(max_examples=300, deadline=None)
def test_requantize_against_fractions(channels, zero_point, one, other):
    low, high = sorted((one, other))
    acc, bias, multiplier, shift = (np.array(column) for column in zip(*channels, strict=True))
    rq = Requantization(bias, multiplier, shift, zero_point, low, high)
    wanted = [judge(*channel, zero_point, low, high) for channel in channels]
    got = requantize(acc[None].astype(np.int32), rq)
    assert got.dtype == np.int8 and got.tolist() == [wanted]


@given(st.integers(-600, 600), st.integers(0, 12), st.integers(1, 9))
@settings(max_examples=300, deadline=None)
def test_ties_of_both_signs(acc, shift, multiplier):
    rq = Requantization(np.array([3]), np.array([multiplier]), np.array([shift]))
    assert requantize(np.array([[acc]], np.int32), rq).item() == judge(acc, 3, multiplier, shift, 0, -128, 127)


def test_half_to_even_by_hand():
    rq = Requantization(np.zeros(8, int), np.ones(8, int), np.ones(8, int))
    assert requantize(np.arange(-7, 9, 2), rq).tolist() == [-4, -2, -2, 0, 0, 2, 2, 4]


@given(st.floats(2**-40, 60000))
@settings(deadline=None)
def test_multiplier_is_normal_and_nearest(real):
    multiplier, shift = (int(a[0]) for a in multiplier_and_shift(np.array([real])))
    if real < 2.0**-32 * (1 - 2**-18):
        assert shift == 47 and multiplier < 2**15 + 1
    else:
        assert 2**15 <= multiplier < 2**16
    assert abs(Fraction(multiplier, 2**shift) - Fraction(real)) <= Fraction(1, 2 ** (shift + 1))


def test_multiplier_at_the_edges():
    real = np.array([0.0, 1.0, 1 - 2**-20, 2.0**-32, 2.0**-33, 2.0**-60, 65535.0])
    multiplier, shift = multiplier_and_shift(real)
    assert multiplier.tolist() == [0, 32768, 32768, 32768, 16384, 0, 65535]
    assert shift.tolist() == [47, 15, 15, 47, 47, 47, 0]
    for bad in (-1.0, np.inf, np.nan, 65535.5, 65536.0):
        with pytest.raises(InputError):
            multiplier_and_shift(np.array([bad]))


@given(st.integers(0, 10**6), INT8, INT8)
@settings(max_examples=60, deadline=None)
def test_integer_layer_follows_the_real_layer(seed, za, zo):
    """The whole chain against real arithmetic on the same quantised numbers: at most one unit apart."""
    rng = np.random.default_rng(seed)
    k, n, m = 24, 5, 7
    a, w = rng.integers(-128, 128, (m, k)), rng.integers(-127, 128, (k, n))
    sa, so, sw = 0.02, 0.6, rng.uniform(0.001, 0.02, n)
    bias = rng.standard_normal(n)
    rq = requantization_from_scales(sa, za, sw, w, bias, so, zo)
    real = (sa * (a - za)) @ (sw * w) + bias
    wanted = np.clip(np.rint(real / so) + zo, -128, 127)
    assert np.abs(requantize((a @ w).astype(np.int32), rq) - wanted).max() <= 1
    assert rq.bias.tolist() == [
        round(Fraction(float(b / (sa * s)))) - za * int(c) for b, s, c in zip(bias, sw, w.sum(axis=0), strict=True)
    ]


def test_weights_per_channel():
    w = np.array([[1.0, 0, -2], [-0.5, 0, 4], [0, 0, 0]])
    q = quantize_weights(w)
    assert q.values.tolist() == [[127, 0, -64], [-64, 0, 127], [0, 0, 0]]  # -63.5 rounds to even
    assert q.scales == pytest.approx([1 / 127, 1, 4 / 127]) and q.values.dtype == np.int8
    assert np.all(np.abs(q.dequantize() - w) <= q.scales / 2 + 1e-12)
    grouped = quantize_weights(np.ones((4, 9, 1), np.float16))
    assert grouped.scales.shape == (4, 1) and (grouped.values == 127).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.sampled_from([100, 99.0, 90]))
@settings(max_examples=150, deadline=None)
def test_zero_is_exact_and_range_covered(x, percentile):
    scale = calibrate_activations(np.array(x), percentile) if max(map(abs, x)) > 1e-290 else ActivationScale(1, 0)
    assert scale.dequantize(scale.quantize(np.zeros(1))).item() == 0
    if percentile == 100:
        error = np.abs(scale.dequantize(scale.quantize(np.array(x))) - x)
        assert error.max() <= scale.scale * 1.0000001  # half a unit of rounding, half of the zero point's


def test_calibration_examples():
    assert calibrate_activations(np.zeros(3)) == ActivationScale(1.0, 0)
    relu = calibrate_activations(np.array([0, 255.0]))
    assert relu == ActivationScale(1.0, -128)
    assert calibrate_activations(np.array([3.0, 255])) == relu
    assert calibrate_activations(np.array([-255.0, -1])) == ActivationScale(1.0, 127)
    assert calibrate_activations(np.array([-1.0, 1])).zero_point == 0  # -0.5 to even
    x = np.append(np.linspace(0, 1, 1000), 1000.0)
    assert calibrate_activations(x, 99).scale < 0.004 < calibrate_activations(x).scale
    assert calibrate_activations(-x, 99).scale == calibrate_activations(x, 99).scale


def test_activation_limits():
    scale = ActivationScale(0.05, -100)
    assert scale.limits() == (-128, 127)
    assert scale.limits(0) == (-100, 127)
    assert scale.limits(0, 6) == (-100, 20)
    assert ActivationScale(0.01, -100).limits(0, 6) == (-100, 127)


def test_accumulator_bound():
    worst = np.full(131071, -128, np.int64)
    assert accumulator_bound(131071) == worst @ worst < 2**31
    check_accumulator(131071)
    with pytest.raises(InputError, match="conv1 k: wanted at most 131071.*got 131072"):
        check_accumulator(131072, "conv1")
    with pytest.raises(InputError):
        accumulator_bound(-1)


GOOD = {"bias": np.zeros(2, int), "multiplier": np.ones(2, int), "shift": np.ones(2, int)}


@pytest.mark.parametrize(
    "change",
    [
        {"bias": np.array([0, 2**31])}, {"bias": np.zeros(2)}, {"bias": np.zeros(3, int)}, {"multiplier": [1, 65536]},
        {"multiplier": [1, -1]}, {"shift": [1, 48]}, {"shift": [[1, 1]]}, {"zero_point": 128}, {"low": -129},
        {"low": 5, "high": 4}, {"high": 1.5},
    ],
)  # fmt: skip
def test_bad_requantization(change):
    with pytest.raises(InputError, match="requantization"):
        Requantization(**{**GOOD, **change})


def test_bad_accumulators():
    rq = Requantization(**GOOD)
    for acc in (np.zeros((2, 3), int), np.zeros((2, 2)), np.array([[0, 2**31]])):
        with pytest.raises(InputError, match="accumulator"):
            requantize(acc, rq)
    assert requantize(np.zeros((0, 2), np.int32), rq).shape == (0, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_scale": 0}, "input_scale"),
        ({"input_scale": "x"}, "input_scale"),
        ({"output_scale": np.nan}, "output_scale"),
        ({"output_scale": 1e-300}, "multiplier"),
        ({"output_scale": 5e-324}, "multiplier"),
        ({"input_zero_point": 200}, "input_zero_point"),
        ({"weight_scales": [1.0]}, "weight_scales"),
        ({"weight_scales": [1.0, 0.0]}, "weight_scales"),
        ({"weights_int8": np.ones(4, int)}, "weights"),
        ({"weights_int8": np.full((4, 2), 128)}, "weights"),
        ({"weights_int8": np.zeros((131072, 2), np.int8)}, "k: wanted"),
        ({"float_bias": [1.0]}, "bias"),
        ({"float_bias": [1.0, 1e12]}, "bias: wanted at most 2147483647"),
        ({"float_bias": [1.0, np.inf]}, "finite"),
        ({"input_scale": 5e-324, "weight_scales": [1e-9, 1.0]}, "bias"),
        ({"low": 9, "high": 3}, "high"),
    ],
)
def test_bad_scales(change, message):
    good = dict(
        input_scale=0.1, input_zero_point=3, weight_scales=[0.1, 0.2], weights_int8=np.ones((4, 2), np.int8),
        float_bias=[0.5, 1.0], output_scale=0.3, output_zero_point=0,
    )  # fmt: skip
    requantization_from_scales(**good)
    assert requantization_from_scales(**{**good, "float_bias": None}).bias.tolist() == [-12, -12]
    with pytest.raises(InputError, match=message):
        requantization_from_scales(**{**good, **change})


def test_bad_real_numbers():
    for w in (np.zeros(3), [[np.nan, 1]], [[np.inf, 1]], [[5e-324]], [["a"]]):
        with pytest.raises(InputError):
            quantize_weights(w)
    for x in ([], [np.nan], [np.inf], [5e-324]):
        with pytest.raises(InputError):
            calibrate_activations(np.array(x))
    for percentile in (50, 101, "99", True, np.nan):
        with pytest.raises(InputError, match="percentile"):
            calibrate_activations([1.0], percentile)
    for scale, zero in ((0, 0), (-1, 0), (np.inf, 0), (True, 0), (1, 128), (1, 0.5)):
        with pytest.raises(InputError):
            ActivationScale(scale, zero)


def test_smallest_scale_coarsens_only_the_channels_that_need_it():
    w = np.array([[1.0, 1e-9], [0.5, 2e-9]])
    coarse = quantize_weights(w, smallest_scale=[0.0, 1e-6])
    assert coarse.scales.tolist() == [1 / 127, 1e-6]
    assert coarse.values.tolist() == [[127, 0], [64, 0]]
