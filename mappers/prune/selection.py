"""The selection rule of `hwsim.sparsity.nm.nm_mask` as one compiled loop: a training selects in every step.

Trick: no copy and no sort. N times the largest of a group that is not chosen yet is taken, the first among equals.
Tests hold it equal to ``nm_mask``, which stays the specification.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import Ratio
from hwsim.sparsity.size import Array, axis_of


@njit(cache=True)
def _select(w: Array, mask: Array, n: int, m: int) -> bool:
    """Set what stays in mask (outer, length, inner), all False before; returns whether a NaN was met."""
    outer, length, inner = w.shape
    for o in range(outer):
        for start in range(0, length, m):
            end = min(start + m, length)
            for i in range(inner):
                for _ in range(min(n, end - start)):
                    best, largest = -1, np.float32(-1)
                    for j in range(start, end):
                        size = abs(w[o, j, i])
                        if size > largest and not mask[o, j, i]:
                            best, largest = j, size
                        if size != size:
                            return True
                    mask[o, best, i] = True
    return False


def select(w: npt.NDArray[np.float32], ratio: Ratio, axis: int, place: str) -> Array:
    """What N:M along an axis keeps, bool of the shape of ``w``; equal to ``nm_mask`` with the same arguments.

    Raises:
        InputError: no such axis, or a NaN.
    """
    axis = axis_of(axis, w.ndim, place)
    shape = (int(np.prod(w.shape[:axis])), w.shape[axis], int(np.prod(w.shape[axis + 1:])))
    mask = np.zeros(shape, np.bool_)
    if _select(np.ascontiguousarray(w).reshape(shape), mask, ratio.n, ratio.m):
        return nm_mask(w, ratio, axis, place)  # refuses it, naming the position
    return mask.reshape(w.shape)
