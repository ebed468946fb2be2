"""Operands that find mistakes: corners, special exponents, cancellation, ties, results around the subnormal numbers."""

import numpy as np

from hwsim import floats
from hwsim.floats import BF16, FORMATS, FP16, FP32


def corners(fmt):
    """Zeros, ends of every range, neighbours of powers of two, infinities, and NaNs of both kinds, with both signs."""
    one, top, ulp = fmt.bias << fmt.fraction_bits, fmt.infinity, 1 << fmt.fraction_bits
    magnitudes = [0, 1, 2, ulp // 2, ulp - 1, ulp, ulp + 1, 2 * ulp, one - 1, one, one + 1, one + ulp // 2, one + ulp,
                  one - fmt.significand_bits * ulp if fmt is not FP16 else one - 11 * ulp, top - ulp, top - 2, top - 1,
                  top, fmt.nan, top + 1, fmt.nan + 1]
    return np.array([sign << (fmt.bits - 1) | size for size in magnitudes for sign in (0, 1)], np.uint32)


def draw(rng, fmt, count):
    """Bits with a third of the exponents at the ends or the middle, and fractions that are short or all ones."""
    highest = (1 << fmt.exponent_bits) - 1
    special = rng.choice([0, 0, 1, 2, highest - 2, highest - 1, highest, fmt.bias - 1, fmt.bias, fmt.bias + 1], count)
    near = np.clip(fmt.bias + rng.integers(-fmt.fraction_bits, fmt.fraction_bits, count), 0, highest)
    kind = rng.random(count)
    exponent = np.where(kind < 0.3, special, np.where(kind < 0.6, near, rng.integers(0, highest + 1, count)))
    fraction = rng.integers(0, 1 << fmt.fraction_bits, count)
    short = rng.integers(0, fmt.fraction_bits + 1, count)
    kind = rng.random(count)
    fraction = np.where(kind < 0.3, fraction >> short << short, fraction)
    fraction = np.where(kind > 0.85, (1 << fmt.fraction_bits) - 1, fraction)
    return (rng.integers(0, 2, count) << (fmt.bits - 1) | exponent << fmt.fraction_bits | fraction).astype(np.uint32)


def beside(rng, bits, most=40):
    """FP32 bits of the other sign whose exponent or last places differ a little: sums that cancel, or round at ties."""
    count = len(bits)
    ulps = rng.integers(-3, 4, count) << rng.integers(0, 23, count)
    away = np.where(rng.random(count) < 0.5, 0, rng.integers(-most, most, count)) << 23
    sign = np.where(rng.random(count) < 0.8, 1, 0) << 31
    size = np.clip((bits & 0x7FFFFFFF).astype(np.int64) + ulps + away, 0, FP32.infinity - 1)
    tie = np.where(rng.random(count) < 0.2, size & 0x7F800000, size)
    return ((bits & 0x80000000) ^ sign | tie).astype(np.uint32)


def lonely(rng, fmt, count):
    """Products with a single 1, of subnormal factors too, and a c of any fraction just where they end: the sum's first
    1 moves down a place, and what c lost below must still be told from a tie."""
    def power():
        place, normal = rng.integers(0, fmt.fraction_bits, count), rng.random(count) < 0.5
        field = rng.integers(1, (1 << fmt.exponent_bits) - 1, count) << fmt.fraction_bits
        return (np.where(normal, field, 1 << place) | rng.integers(0, 2, count) << (fmt.bits - 1)).astype(np.uint32)

    a, b = power(), power()
    product = floats.multiply(a, b, fmt).view(np.uint32).astype(np.int64)
    field = np.clip((product >> 23 & 0xFF) - rng.integers(20, 30, count), 0, 254)
    sign = np.where(rng.random(count) < 0.8, ~product, product) >> 31 & 1
    return a, b, (sign << 31 | field << 23 | rng.integers(0, 1 << 23, count)).astype(np.uint32)


def streams(rng, count):
    """By name (see `float_bank.STREAMS`): ``count`` random vectors, most of them related, and all corner triples."""
    found = {}
    for fmt in FORMATS.values():
        a, b, c = draw(rng, fmt, count), draw(rng, fmt, count), draw(rng, FP32, count)
        with_c = slice(0, count // 2)
        c[with_c] = beside(rng, floats.multiply(a[with_c], b[with_c], fmt).view(np.uint32))
        if fmt is FP32:
            with_b = slice(count // 3, count)
            b[with_b] = np.where(rng.random(count)[with_b] < 0.5, beside(rng, a[with_b]), b[with_b])
        few = slice(count * 7 // 8, count)
        a[few], b[few], c[few] = lonely(rng, fmt, count - few.start)
        grid = np.meshgrid(corners(fmt), corners(fmt), corners(FP32), indexing="ij")
        for port, drawn, corner in zip("abc", (a, b, c), grid, strict=True):
            found[f"{port}_{fmt.name}"] = np.concatenate([drawn, corner.ravel()])
    return found


def around(fmt):
    """FP32 bits of every value of a narrower format, of the middle to the next, and of what lies beside either."""
    value = floats.to_float32(np.arange(1 << fmt.bits), fmt)
    with np.errstate(all="ignore"):
        middle = ((value[:-1].astype(np.float64) + value[1:]) / 2).astype(np.float32)
        # Beyond the largest number the middle is half a place above it.
        largest = np.float32(2.0 ** (fmt.bias + 1) * (1 - 2.0 ** -(fmt.significand_bits + 1)))
    exact = np.concatenate([value, middle, [largest, -largest]]).view(np.uint32)
    return np.concatenate([exact - np.uint32(1), exact, exact + np.uint32(1)])


def roundings():
    """All of those, for FP16 and BF16."""
    return np.concatenate([around(FP16), around(BF16)])
