"""Weights of 2, 3, 4 or 8 bits: two's complement times an FP16 scale for each column.

A scale is searched among shares of the one that nothing exceeds: few bits gain more from finer steps than they lose
by clipping the largest weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.config import one_of
from hwsim.workload.decoder.block_ratio import WIDTHS

Floats = NDArray[np.float64]

_CANDIDATES = np.linspace(0.3, 1.0, 15)
_HALF = np.finfo(np.float16)


def column_scales(weight: Floats, importance: Floats, bits: int) -> Floats:
    """Scale of each column, (n,): least squared rounding error, each row weighed by its importance.

    Args:
        weight: (k, n); what is pruned is 0.
        importance: (k,), at least 0, e.g. the mean squares of the inputs.
        bits: one of 2, 3, 4, 8.
    """
    one_of("bits", bits, WIDTHS)
    w, rows = weight.astype(np.float32), importance.astype(np.float32)  # errors are compared, no more
    largest = np.abs(weight).max(axis=0) / (2 ** (bits - 1) - 1)
    best = np.full(weight.shape[1], np.inf)
    scales = np.ones(weight.shape[1])
    for share in _CANDIDATES:
        scale = _half(largest * share)
        narrow = scale.astype(np.float32)
        error = rows @ np.square(w - rounded(w, narrow, bits) * narrow)
        better = error < best
        best[better], scales[better] = error[better], scale[better]
    return scales


def _half(scale: Floats) -> Floats:
    """As FP16 holds it; columns of zeros get 1."""
    half = np.clip(scale, _HALF.smallest_subnormal, _HALF.max).astype(np.float16).astype(np.float64)
    return np.where(scale > 0, half, 1.0)


def rounded(weight: NDArray, scale: NDArray, bits: int) -> NDArray:
    """Whole numbers in the range of the bits, half to even; zeros stay zeros."""
    limit = 2 ** (bits - 1)
    return np.clip(np.rint(weight / scale), -limit, limit - 1)
