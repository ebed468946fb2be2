"""`hwsim.floats` against other people's arithmetic and against exact rational numbers."""

import math

import numpy as np
import pytest
from float_judges import TYPES, added, canonical, cast, decoded, exact_multiply_add, multiplied, widened
from float_vectors import around, corners, draw, streams

from hwsim import floats
from hwsim.errors import InputError
from hwsim.floats import BF16, FORMATS, FP16, FP32, FloatFormat

SEED = 11


@pytest.mark.parametrize("fmt", [FP16, BF16])
def test_every_number_widens_as_elsewhere_and_comes_back(fmt):
    bits = np.arange(1 << fmt.bits).astype(np.uint32)
    values = floats.to_float32(bits, fmt)
    assert values.dtype == np.float32 and np.array_equal(values.view(np.uint32), canonical(widened(bits, fmt)))
    number = ~np.isnan(values)
    assert np.array_equal(floats.round_to(fmt, values)[number], bits[number])
    assert set(floats.round_to(fmt, values)[~number].tolist()) == {fmt.nan}


@pytest.mark.parametrize("fmt", [FP16, BF16])
def test_rounding_around_every_number_and_every_tie(fmt):
    bits = np.concatenate([around(fmt), draw(np.random.default_rng(SEED), FP32, 100_000)])
    rounded = floats.round_to(fmt, bits.view(np.float32))
    assert rounded.dtype == fmt.dtype and np.array_equal(rounded, cast(bits, fmt))
    assert len(np.unique(rounded)) == 2 * (fmt.infinity + 1) + 1  # every number, both infinities, one NaN


def test_products_and_sums_are_those_of_numpy():
    found = streams(np.random.default_rng(SEED), 20_000)
    for fmt in FORMATS.values():
        a, b = found[f"a_{fmt.name}"], found[f"b_{fmt.name}"]
        assert np.array_equal(floats.multiply(a, b, fmt).view(np.uint32), multiplied(a, b, fmt)), fmt.name
    sums = floats.add(a.view(np.float32), b.view(np.float32)).view(np.uint32)
    assert np.array_equal(sums, added(a, b))


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_fused_results_are_the_exact_ones_rounded_once(fmt, flush):
    found = streams(np.random.default_rng(SEED), 6000)
    count = len(found["c_fp16"])
    chosen = np.append(np.arange(6000), np.random.default_rng(SEED).integers(6000, count, 3000))
    a, b, c = (found[f"{port}_{fmt.name}"][chosen] for port in "abc")
    got = floats.multiply_add(a, b, fmt, c.view(np.float32), flush).view(np.uint32)
    wanted = [exact_multiply_add(*row, flush) for row in zip(a.tolist(), b.tolist(), [fmt] * len(a), c.tolist(),
                                                             strict=True)]
    assert np.array_equal(got, wanted)
    # The draw reaches what is hard: results that two roundings get wrong (FP16 products are exact), and small ones.
    with np.errstate(all="ignore"):
        twice = canonical(widened(a, fmt) * widened(b, fmt) + c.view(np.float32))
    differ = np.count_nonzero(got != twice)
    assert differ == 0 if fmt is FP16 and not flush else differ > 10
    assert np.count_nonzero((got & 0x7FFFFFFF) < 1 << 23) > 100


def test_flushing_of_every_operation_agrees_with_the_exact_rule():
    found = streams(np.random.default_rng(SEED), 3000)
    one = FP32.bias << 23
    x, y = found["a_fp32"][:3000], found["b_fp32"][:3000]
    sums = floats.add(x.view(np.float32), y.view(np.float32), True).view(np.uint32)
    assert sums.tolist() == [exact_multiply_add(a, one, FP32, b, True) for a, b in zip(x.tolist(), y.tolist(),
                                                                                      strict=True)]
    for fmt in FORMATS.values():
        x, y = (found[f"{port}_{fmt.name}"][:3000] for port in "ab")
        products = floats.multiply(x, y, fmt, True).view(np.uint32).tolist()
        for a, b, product in zip(x.tolist(), y.tolist(), products, strict=True):
            zero = (a ^ b) >> (fmt.bits - 1) << 31  # a zero of the product's sign leaves it alone
            assert product == exact_multiply_add(a, b, fmt, zero, True)


def test_flushing_comes_before_rounding():
    below = np.float32(2.0**-14 * (1 - 2.0**-20))
    assert floats.round_to(FP16, below) == 1 << 10 and floats.round_to(FP16, -below, flush=True) == 1 << 15
    near_one = np.uint32((FP32.bias << 23) - 1)
    assert floats.multiply(near_one, np.uint32(1 << 23), FP32).view(np.uint32) == 1 << 23
    assert floats.multiply(near_one, np.uint32(1 << 23), FP32, flush=True).view(np.uint32) == 0


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_every_pair_of_corners_compares_as_python_does(fmt):
    a, b = (grid.ravel() for grid in np.meshgrid(corners(fmt), corners(fmt)))
    got = floats.compare(a, b, fmt)
    x, y = ([decoded(bits, fmt, False) for bits in side.tolist()] for side in (a, b))
    wanted = [(p < q, p == q, p > q, math.isnan(p) or math.isnan(q)) for p, q in zip(x, y, strict=True)]
    assert list(zip(*(column.tolist() for column in got), strict=True)) == wanted
    assert all(sum(row) == 1 for row in wanted)


def test_what_a_format_says_of_itself():
    for fmt, kind in TYPES.items():
        one = np.array([1.0], kind).view(fmt.dtype)
        assert (fmt.bits, fmt.bias << fmt.fraction_bits) == (8 * one.itemsize, int(one[0]))
    assert (FP16.nan, BF16.nan, FP32.nan) == (0x7E00, 0x7FC0, 0x7FC00000)


@pytest.mark.parametrize("call", [
    lambda: floats.to_float32([70000], FP16),
    lambda: floats.to_float32([-1], BF16),
    lambda: floats.to_float32([1.0], FP16),
    lambda: floats.add([1], np.float32(1)),
    lambda: FloatFormat("fp64", 11, 52),
])
def test_what_is_no_number_of_a_format_is_refused(call):
    with pytest.raises(InputError):
        call()
