"""The integer step from accumulator to INT8, exactly as the hardware does it, and its parameters from real scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.errors import InputError
from hwsim.quantize.scales import finite, positive
from hwsim.sparsity.size import Array, numeric, whole

LARGEST_SHIFT = 47
MULTIPLIER_BITS = 16
_INT8, _INT32 = np.iinfo(np.int8), np.iinfo(np.int32)


def _integers(x: object, low: int, high: int, dtype: type[np.integer], place: str) -> Array:
    """``x`` as ``dtype``; InputError unless it holds integers in low..high."""
    array = numeric(x, place)
    wanted = f"integers from {low} to {high}"
    if array.dtype.kind not in "iu":
        raise InputError(place, wanted, f"dtype {array.dtype}")
    for value in (array.min(), array.max()) if array.size else ():
        if not low <= int(value) <= high:
            raise InputError(place, wanted, int(value))
    return array.astype(dtype)


def accumulator_bound(k: int) -> int:
    """Largest |Σ a·w| of k products of any two INT8 numbers: k · 128 · 128."""
    return whole(k, "k", 0) * 128 * 128


def check_accumulator(k: int, place: str = "reduction") -> None:
    """Refuse a reduction length whose sums an int32 accumulator cannot hold (more than 131071 products)."""
    if accumulator_bound(k) > _INT32.max:
        raise InputError(f"{place} k", f"at most {_INT32.max // accumulator_bound(1)}, as sums are 32 bits wide", k)


@dataclass(frozen=True, eq=False)
class Requantization:
    """Parameters of the hardware's step from accumulator to INT8, one set per output channel.

    Args:
        bias: (N,) int32, with the input zero point already folded in.
        multiplier: (N,) uint16.
        shift: (N,) uint8, 0..47.
        zero_point: of the output, int8.
        low: smallest output, int8.
        high: largest output, int8, at least ``low``.

    Raises:
        InputError: a number out of range, or shapes that disagree.
    """

    bias: Array
    multiplier: Array
    shift: Array
    zero_point: int = 0
    low: int = -128
    high: int = 127

    def __post_init__(self) -> None:
        place = "requantization"
        bias = _integers(self.bias, _INT32.min, _INT32.max, np.int32, f"{place} bias")
        multiplier = _integers(self.multiplier, 0, 2**MULTIPLIER_BITS - 1, np.uint16, f"{place} multiplier")
        shift = _integers(self.shift, 0, LARGEST_SHIFT, np.uint8, f"{place} shift")
        if not bias.ndim == 1 or not bias.shape == multiplier.shape == shift.shape:
            given = f"shapes {bias.shape}, {multiplier.shape}, {shift.shape}"
            raise InputError(place, "bias, multiplier and shift of one shape (N,)", given)
        low = whole(self.low, f"{place} low", _INT8.min, _INT8.max)
        high = whole(self.high, f"{place} high", low, _INT8.max)
        zero_point = whole(self.zero_point, f"{place} zero_point", _INT8.min, _INT8.max)
        for name, value in (("bias", bias), ("multiplier", multiplier), ("shift", shift)):
            object.__setattr__(self, name, value)
        for name, number in (("zero_point", zero_point), ("low", low), ("high", high)):
            object.__setattr__(self, name, number)


def requantize(acc: object, rq: Requantization) -> Array:
    """``clamp(round_half_even((acc + bias) · multiplier / 2**shift) + zero_point, low, high)``, in integers.

    acc + bias is 33 bits signed and the product 49 bits, so int64 is exact.

    Args:
        acc: (…, N) int32 (any integer dtype whose numbers fit).
        rq: the parameters.

    Returns:
        (…, N) int8.

    Raises:
        InputError: numbers beyond int32, or a last axis other than N.
    """
    array = _integers(acc, _INT32.min, _INT32.max, np.int64, "accumulator")
    if array.shape[-1] != rq.bias.shape[0]:
        raise InputError("accumulator", f"shape (…, {rq.bias.shape[0]})", f"shape {array.shape}")
    product = (array + rq.bias) * rq.multiplier.astype(np.int64)
    shift = rq.shift.astype(np.int64)
    # Half to even by one addition: just under a half, plus one unit when the floor is odd. Shift 0 rounds nothing.
    under_half = (np.int64(1) << np.maximum(shift, 1) - 1) - 1
    nudge = np.where(shift == 0, 0, under_half + ((product >> shift) & 1))
    rounded = (product + nudge) >> shift
    return np.clip(rounded + rq.zero_point, rq.low, rq.high).astype(np.int8)


def multiplier_and_shift(real: Array, place: str = "multiplier") -> tuple[Array, Array]:
    """(multiplier, shift) with multiplier / 2**shift nearest to ``real``, the multiplier in [2**15, 2**16).

    Where that would take a shift above 47 the shift is 47 and the multiplier smaller, down to 0.

    Args:
        real: (N,) finite, at least 0.
        place: for error messages.

    Raises:
        InputError: negative or not finite, or too large for a shift of 0.
    """
    array = finite(real, place)
    if np.any(array < 0):
        raise InputError(place, "numbers of at least 0", float(array.min()))
    if np.any(array >= 2**MULTIPLIER_BITS - 0.5):
        raise InputError(place, "input_scale · weight_scale / output_scale below 65535.5", float(array.max()))
    fraction, exponent = np.frexp(array)
    shift = np.where(array == 0, LARGEST_SHIFT, MULTIPLIER_BITS - exponent.astype(np.int64))
    multiplier = np.rint(np.ldexp(fraction, MULTIPLIER_BITS))
    carried = multiplier == 2**MULTIPLIER_BITS
    shift = shift - carried
    multiplier = np.where(carried, 2 ** (MULTIPLIER_BITS - 1), multiplier)
    multiplier = np.where(shift > LARGEST_SHIFT, np.rint(np.ldexp(array, LARGEST_SHIFT)), multiplier)
    return multiplier.astype(np.uint16), np.minimum(shift, LARGEST_SHIFT).astype(np.uint8)


def _per_channel(numbers: object, n: int, place: str) -> Array:
    """``numbers`` as (n,) finite float64."""
    array = finite(numbers, place)
    if array.shape != (n,):
        raise InputError(place, f"shape ({n},)", f"shape {array.shape}")
    return array


def _product_scales(input_scale: float, weight_scales: object, n: int, place: str) -> Array:
    """(n,) value of one unit of the accumulator, input_scale · weight_scale."""
    scales = _per_channel(weight_scales, n, f"{place} weight_scales")
    if np.any(scales <= 0):
        raise InputError(f"{place} weight_scales", "numbers above 0", float(scales.min()))
    with np.errstate(over="ignore", under="ignore"):  # refused later, as no bias or multiplier comes of it
        return positive(input_scale, f"{place} input_scale") * scales


def requantization_from_scales(
    input_scale: float,
    input_zero_point: int,
    weight_scales: object,
    weights_int8: object,
    float_bias: object | None,
    output_scale: float,
    output_zero_point: int,
    low: int = -128,
    high: int = 127,
    place: str = "requantization",
) -> Requantization:
    """The hardware's parameters for one layer; the input zero point is folded into the bias as −za · Σ w.

    Args:
        input_scale: of the activations that come in.
        input_zero_point: of the same, int8.
        weight_scales: (N,) above 0.
        weights_int8: (K, N) int8.
        float_bias: (N,) in real units, None for none; rounded half to even in units of input_scale · weight_scale.
        output_scale: of the result.
        output_zero_point: of the result, int8.
        low: smallest output, int8.
        high: largest output, int8.
        place: the layer, for error messages.

    Raises:
        InputError: shapes that disagree, K too long for the accumulator, a bias beyond int32, a multiplier of 65535.5
            or more.
    """
    weights = _integers(weights_int8, _INT8.min, _INT8.max, np.int64, f"{place} weights")
    if weights.ndim != 2:
        raise InputError(f"{place} weights", "shape (K, N)", f"shape {weights.shape}")
    k, n = weights.shape
    check_accumulator(k, place)
    product_scales = _product_scales(input_scale, weight_scales, n, place)
    real_bias = np.zeros(n) if float_bias is None else _per_channel(float_bias, n, f"{place} bias")
    zero = whole(input_zero_point, f"{place} input_zero_point", _INT8.min, _INT8.max)
    with np.errstate(all="ignore"):  # what overflows here is refused just below
        bias = np.rint(real_bias / product_scales) - zero * weights.sum(axis=0)
        real = product_scales / positive(output_scale, f"{place} output_scale")
    too_large = ~(np.abs(bias) <= _INT32.max)
    if np.any(too_large):
        wanted = f"at most {_INT32.max} units of input_scale · weight_scale"
        raise InputError(f"{place} bias", wanted, float(bias[too_large][0]))
    multiplier, shift = multiplier_and_shift(real, f"{place} multiplier")
    return Requantization(bias.astype(np.int32), multiplier, shift, output_zero_point, low, high)
