"""2^d for d <= 0, specified to the last bit: what the softmax unit computes, in whole numbers.

1. |d| is cut to a fixed-point number with 26 bits behind the point; N is its negative. From |d| = 128 on, and where
   floor(N / 2^26) is below -126, the result is +0 (so nothing that leaves is subnormal).
2. N = e · 2^26 + j · 2^20 + r with e <= 0, 0 <= j < 64 and 0 <= r < 2^20.
3. Y = A[j] + (r · (B[j] + (r · C[j] >> 20)) >> 22), a number from 2^30 up to 2^31: 2^(N mod 2^26) with 30 bits behind
   the point. The parabola of each j meets 2^x at both ends and in the middle of its interval.
4. The result has exponent e and the fraction of Y, rounded to 23 bits, halves up.

2^0 is exactly 1. Against 2^d the relative error stays below `ERROR`.
"""

from __future__ import annotations

from decimal import Decimal, getcontext
from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

POINT, TABLE_BITS, OUT_BITS = 26, 6, 30
REST_BITS = POINT - TABLE_BITS
C_BITS, B_BITS = 20, 26          # behind the point, of a coefficient in units of x = r · 2^-26
LOWEST, LARGEST = -126, 134      # least exponent of a result; exponent field of 128
ERROR = 8.5e-8
"""Largest relative error, held by a test: half a place of FP32 is 6.0e-8 of it."""


@cache
def tables() -> tuple[Ints, Ints, Ints]:
    """(64,) whole numbers A (31 bits), B (27 bits) and C (19 bits), worked out in decimals, equal on every machine."""
    context = getcontext().copy()
    context.prec = 40
    step = Decimal(1) / (1 << TABLE_BITS)
    rows = []
    for j in range(1 << TABLE_BITS):
        low, middle, high = (context.power(Decimal(2), (j + Decimal(part) / 2) * step) for part in range(3))
        b, c = (4 * middle - 3 * low - high) / step, 2 * (high - 2 * middle + low) / (step * step)
        rows.append([round(low * (1 << OUT_BITS)), round(b * (1 << B_BITS)), round(c * (1 << C_BITS))])
    a, b_row, c_row = np.array(rows, np.int64).T
    return a, b_row, c_row


def exp2(d: Floats) -> Floats:
    """2^d of float32 numbers d <= 0, -∞ among them; float32, bit for bit what the RTL gives."""
    bits = np.asarray(d, np.float32).view(np.uint32).astype(np.int64)
    field = bits >> 23 & 0xFF
    significand = np.where(field == 0, 0, bits & 0x7FFFFF | 0x800000)
    shift = field - (127 + 23 - POINT)
    cut = np.where(shift >= 0, significand << np.clip(shift, 0, 9), significand >> np.clip(-shift, 0, 24))
    number = -cut
    a, b, c = tables()
    e, j, r = number >> POINT, number >> REST_BITS & ((1 << TABLE_BITS) - 1), number & ((1 << REST_BITS) - 1)
    y = a[j] + (r * (b[j] + (r * c[j] >> C_BITS)) >> (B_BITS + POINT - OUT_BITS))
    packed = (e + 127 << 23) + (y - (1 << OUT_BITS) + 64 >> 7)
    found: Floats = np.where((field >= LARGEST) | (e < LOWEST), 0, packed).astype(np.uint32).view(np.float32)
    return found
