"""Binary floating point (IEEE 754-2019): formats, and what every operation of `rtl.float` must give, bit for bit.

Rounding is to nearest, ties to even, once per operation. Every NaN that comes out is the canonical one: quiet, sign 0,
only the top fraction bit set. Bit patterns are arrays of ``uint16`` or ``uint32``; FP32 values may also be ``float32``.

``flush`` (off by default) is the simple hardware's rule for subnormal numbers. An operand that is subnormal counts as
zero of its sign. A result that is not zero but, *before rounding*, smaller in magnitude than the smallest normal number
becomes zero of its sign, so that no hardware has to align it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.fields import in_range

Bits: TypeAlias = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FloatFormat:
    """A binary interchange format: sign, biased exponent, fraction, from the top bit down.

    Args:
        name: as shown to users.
        exponent_bits: 2 to 8.
        fraction_bits: stored ones, 2 to 23; the significand has one more.
    """

    name: str
    exponent_bits: int
    fraction_bits: int

    def __post_init__(self) -> None:
        in_range("exponent_bits", self.exponent_bits, 2, 8)
        in_range("fraction_bits", self.fraction_bits, 2, 23)

    @property
    def bits(self) -> int:
        """Width of a number."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def bias(self) -> int:
        """What the exponent field is above the exponent."""
        return 2 ** (self.exponent_bits - 1) - 1

    @property
    def significand_bits(self) -> int:
        """Fraction and hidden bit."""
        return self.fraction_bits + 1

    @property
    def infinity(self) -> int:
        """Bits of +∞."""
        return (2**self.exponent_bits - 1) << self.fraction_bits

    @property
    def nan(self) -> int:
        """Bits of the canonical NaN."""
        return self.infinity | 1 << (self.fraction_bits - 1)

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number with a hidden bit of 1."""
        return 2.0 ** (1 - self.bias)

    @property
    def dtype(self) -> type[np.uint16] | type[np.uint32]:
        """NumPy type of its bit patterns."""
        return np.uint16 if self.bits <= 16 else np.uint32


FP16 = FloatFormat("fp16", 5, 10)
BF16 = FloatFormat("bf16", 8, 7)
FP32 = FloatFormat("fp32", 8, 23)
FORMATS = {fmt.name: fmt for fmt in (FP16, BF16, FP32)}


class Comparison(NamedTuple):
    """Arrays of bool, exactly one of them true for each pair. −0 equals +0; a NaN is unordered with everything."""

    lt: npt.NDArray[np.bool_]
    eq: npt.NDArray[np.bool_]
    gt: npt.NDArray[np.bool_]
    unordered: npt.NDArray[np.bool_]


def to_float32(bits: npt.ArrayLike, fmt: FloatFormat, flush: bool = False) -> Floats:
    """Values of bit patterns, exactly.

    Raises:
        InputError: bits that are no integers, or wider than the format.
    """
    return _canonical(_values(bits, fmt, flush).astype(np.float32))


def round_to(fmt: FloatFormat, x: npt.ArrayLike, flush: bool = False) -> Bits:
    """Bit patterns of FP32 values (float32, or float64 to round once from there) in another format."""
    return _narrowed(_flushed(_doubles(x, "x"), FP32, flush), fmt, flush)


def multiply(a: npt.ArrayLike, b: npt.ArrayLike, fmt: FloatFormat, flush: bool = False) -> Floats:
    """FP32 product of two numbers of a format, rounded once; exact for FP16.

    Raises:
        InputError: as `to_float32`.
    """
    with np.errstate(all="ignore"):
        return _as_float32(_values(a, fmt, flush) * _values(b, fmt, flush), flush)


def add(x: npt.ArrayLike, y: npt.ArrayLike, flush: bool = False) -> Floats:
    """FP32 sum of float32 values."""
    first, second = (_flushed(_doubles(value, name), FP32, flush) for name, value in (("x", x), ("y", y)))
    return _as_float32(_odd_sum(first, second), flush)


def multiply_add(a: npt.ArrayLike, b: npt.ArrayLike, fmt: FloatFormat, c: npt.ArrayLike, flush: bool = False) -> Floats:
    """a·b + c in FP32, fused: rounded once. a and b are bit patterns of the format, c is float32.

    The product is exact in float64 (at most 48 bits). The sum is rounded to odd there, and from 53 bits to 24 nothing
    of a sum rounded to odd is lost (Boldo and Melquiond, IEEE Trans. Computers 57(4), 2008).

    Raises:
        InputError: as `to_float32`.
    """
    with np.errstate(all="ignore"):
        product = _values(a, fmt, flush) * _values(b, fmt, flush)
    return _as_float32(_odd_sum(product, _flushed(_doubles(c, "c"), FP32, flush)), flush)


def compare(a: npt.ArrayLike, b: npt.ArrayLike, fmt: FloatFormat) -> Comparison:
    """How two numbers of a format stand.

    Raises:
        InputError: as `to_float32`.
    """
    x, y = _values(a, fmt, False), _values(b, fmt, False)
    return Comparison(x < y, x == y, x > y, np.isnan(x) | np.isnan(y))


def _values(bits: npt.ArrayLike, fmt: FloatFormat, flush: bool) -> Doubles:
    """Bit patterns as float64, which holds every value of every format."""
    array = np.asarray(bits)
    if array.dtype.kind not in "iu":
        raise InputError(f"{fmt.name} bits", "integers", f"dtype {array.dtype}")
    if array.size and not 0 <= int(array.min()) <= int(array.max()) < 1 << fmt.bits:
        raise InputError(f"{fmt.name} bits", f"unsigned values of {fmt.bits} bits", int(array.max()))
    wide = array.astype(np.int64)
    fraction = wide & ((1 << fmt.fraction_bits) - 1)
    exponent = (wide >> fmt.fraction_bits) & ((1 << fmt.exponent_bits) - 1)
    significand = np.where(exponent == 0, 0 if flush else fraction, fraction | 1 << fmt.fraction_bits)
    scale = np.maximum(exponent, 1) - (fmt.bias + fmt.fraction_bits)
    size = np.ldexp(significand.astype(np.float64), scale.astype(np.int32))
    size = np.where(exponent == (1 << fmt.exponent_bits) - 1, np.where(fraction == 0, np.inf, np.nan), size)
    return np.where(wide >> (fmt.bits - 1) == 1, -size, size)


def _doubles(x: npt.ArrayLike, name: str) -> Doubles:
    array = np.asarray(x)
    if array.dtype.kind != "f":
        raise InputError(name, "floating-point values", f"dtype {array.dtype}")
    with np.errstate(invalid="ignore"):  # a signalling NaN
        return array.astype(np.float64)


def _flushed(x: Doubles, fmt: FloatFormat, flush: bool) -> Doubles:
    """Values without those below the smallest normal number, if asked for."""
    return np.where(np.abs(x) < fmt.smallest_normal, np.copysign(0.0, x), x) if flush else x


def _odd_sum(x: Doubles, y: Doubles) -> Doubles:
    """Sum rounded to odd: an inexact sum becomes the neighbour whose last bit is 1 (error by Knuth's TwoSum)."""
    with np.errstate(all="ignore"):
        total = np.asarray(x + y)
        part = total - x
        error = (x - (total - part)) + (y - part)
        bits = total.view(np.int64)
        inexact = np.isfinite(total) & (error != 0) & (bits & 1 == 0)
        # Towards the error: up in magnitude when it has the sign of the sum, else down.
        step = np.where((error > 0) == (total > 0), 1, -1)
        return np.where(inexact, bits + step, bits).view(np.float64)


def _as_float32(x: Doubles, flush: bool) -> Floats:
    with np.errstate(all="ignore"):
        return _canonical(_flushed(x, FP32, flush).astype(np.float32))


def _canonical(x: Floats) -> Floats:
    bits = np.where(np.isnan(x), np.uint32(FP32.nan), np.asarray(x).view(np.uint32))
    return bits.view(np.float32)


def _narrowed(x: Doubles, fmt: FloatFormat, flush: bool) -> Bits:
    """Bit patterns of values, by integers alone: the exponent carries when the fraction rounds up to the next power."""
    size = _flushed(np.abs(x), fmt, flush)
    bits = size.view(np.int64)
    exponent = (bits >> 52) - 1023
    significand = np.where(exponent == -1023, 0, (bits & ((1 << 52) - 1)) | 1 << 52)
    lowest = 1 - fmt.bias
    # Drops what is below the last place of the format there; 54 drops everything.
    shift = np.minimum(52 - fmt.fraction_bits + np.maximum(lowest - exponent, 0), 54)
    kept = significand >> shift
    rest = significand - (kept << shift)
    half = np.int64(1) << (shift - 1)
    up = (rest > half) | ((rest == half) & (kept & 1 == 1))
    packed = ((np.maximum(exponent, lowest) + fmt.bias - 1) << fmt.fraction_bits) + kept + up
    packed = np.where(np.isnan(x), fmt.nan, np.minimum(packed, fmt.infinity))
    sign = (np.signbit(x) & ~np.isnan(x)).astype(np.int64)
    result: Any = (packed | sign << (fmt.bits - 1)).astype(fmt.dtype)
    return result
