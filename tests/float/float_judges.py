"""Judges that share nothing with `hwsim.floats`: exact rational numbers, the C library, NumPy, ml_dtypes."""

import ctypes
import ctypes.util
import math
from fractions import Fraction

import ml_dtypes
import numpy as np

from hwsim.floats import BF16, FP16, FP32

TYPES = {FP16: np.float16, BF16: ml_dtypes.bfloat16, FP32: np.float32}



def widened(bits, fmt):
    """float32 by the other library's own conversion."""
    with np.errstate(all="ignore"):
        return bits.astype(fmt.dtype).view(TYPES[fmt]).astype(np.float32)


def canonical(values, fmt=FP32):
    """Bits, every NaN the canonical one."""
    return np.where(np.isnan(values), fmt.nan, values.view(fmt.dtype)).astype(np.uint32)


def multiplied(a, b, fmt):
    with np.errstate(all="ignore"):
        return canonical(widened(a, fmt) * widened(b, fmt))


def added(a, b):
    with np.errstate(all="ignore"):
        return canonical(a.view(np.float32) + b.view(np.float32))


def cast(bits, fmt):
    with np.errstate(all="ignore"):
        return canonical(bits.view(np.float32).astype(TYPES[fmt]), fmt)


def fused(a, b, fmt, c):
    """By the C library's fmaf."""
    fmaf = ctypes.CDLL(ctypes.util.find_library("m")).fmaf
    fmaf.argtypes, fmaf.restype = [ctypes.c_float] * 3, ctypes.c_float
    operands = widened(a, fmt).tolist(), widened(b, fmt).tolist(), c.view(np.float32).tolist()
    return canonical(np.array(list(map(fmaf, *operands)), np.float32))


def exact_multiply_add(a, b, fmt, c, flush):
    """a·b + c by rational numbers, of single bit patterns; gives FP32 bits."""
    x, y, z = decoded(a, fmt, flush), decoded(b, fmt, flush), decoded(c, FP32, flush)
    if not all(map(math.isfinite, (x, y, z))):
        special = math.nan if math.isnan(x * y) else x * y + z  # no product of finite numbers overflows here
        return FP32.nan if math.isnan(special) else FP32.infinity | (special < 0) << 31
    total = Fraction(x) * Fraction(y) + Fraction(z)
    if total == 0:
        negative = math.copysign(1, x) * math.copysign(1, y) < 0 and math.copysign(1, z) < 0
        return negative << 31
    return encoded(total, FP32, flush)


def decoded(bits, fmt, flush):
    """Value of a bit pattern as a float of 64 bits."""
    sign = -1.0 if bits >> (fmt.bits - 1) else 1.0
    field, fraction = divmod(bits & ((1 << (fmt.bits - 1)) - 1), 1 << fmt.fraction_bits)
    if field == (1 << fmt.exponent_bits) - 1:
        return math.nan if fraction else sign * math.inf
    if field == 0:
        return sign * (0.0 if flush else math.ldexp(fraction, 1 - fmt.bias - fmt.fraction_bits))
    return sign * math.ldexp((1 << fmt.fraction_bits) + fraction, field - fmt.bias - fmt.fraction_bits)


def encoded(value, fmt, flush):
    """Bits of the nearest number to a rational that is not zero; Python rounds fractions half to even."""
    sign, size = (value < 0) << (fmt.bits - 1), abs(value)
    power = size.numerator.bit_length() - size.denominator.bit_length()
    if Fraction(2) ** power > size:
        power -= 1
    if power < 1 - fmt.bias and flush:
        return sign
    place = max(power, 1 - fmt.bias) - fmt.fraction_bits
    units = round(size / Fraction(2) ** place)
    return sign | min(units + ((place + fmt.fraction_bits + fmt.bias - 1) << fmt.fraction_bits), fmt.infinity)
