"""Magnitude pruning of keys and values, token by token (Mustafar, arXiv 2505.22913)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from hwsim.errors import InputError
from hwsim.sparsity.bitmap import bit_patterns, magnitude_mask, refuse_non_finite
from hwsim.sparsity.mustafar import kept_channels
from hwsim.sparsity.size import Array


def prune_tokens(array: Array, sparsity: float, place: str = "KV cache") -> Array:
    """A copy in which every token of every head keeps its largest channels by magnitude; the others are 0.

    Each token keeps ``channels - int(channels · sparsity)``; among equal magnitudes the lower channel wins, so the
    number is exact.

    Args:
        array: (…, channels) float16, float32 or float64, finite.
        sparsity: fraction to prune, 0 to 1.
        place: what the array is, for error messages.

    Raises:
        InputError: not floating point, no axis, NaN or infinity, or a sparsity outside 0..1.
    """
    if array.dtype.kind != "f" or array.ndim == 0:
        raise InputError(place, "floating point of (…, channels)", f"{array.dtype} of shape {array.shape}")
    pruned = np.array(array, order="C")
    flat = bit_patterns(pruned.reshape(-1))
    refuse_non_finite(pruned, flat, place)
    kept = kept_channels(array.shape[-1], sparsity)
    _keep_largest(flat.reshape(-1, max(array.shape[-1], 1)), kept, magnitude_mask(array.dtype))
    return pruned


@njit(cache=True)
def _keep_largest(rows: Array, kept: int, mask: Any) -> None:
    """Zero all but the ``kept`` largest of each row.

    Patterns of finite floats without their sign are ordered as their magnitudes. The threshold is found bit by bit
    from the top (*radix selection*): a bit stays set if at least ``kept`` patterns reach the threshold with it.
    """
    count, width = rows.shape
    magnitudes = np.empty(width, rows.dtype)
    highest = (mask >> 1) + 1
    for r in range(count):
        for i in range(width):
            magnitudes[i] = rows[r, i] & mask
        threshold = rows.dtype.type(0)
        bit = rows.dtype.type(highest)
        while bit:
            trial = rows.dtype.type(threshold | bit)
            reached = 0
            for i in range(width):
                reached += magnitudes[i] >= trial
            if reached >= kept:
                threshold = trial
            if reached == kept:  # no need to know it any closer
                break
            bit = rows.dtype.type(bit >> 1)
        above, level = 0, 0
        for i in range(width):
            above += magnitudes[i] > threshold
            level += magnitudes[i] == threshold
        if above + level == kept:
            for i in range(width):  # without a branch, which would be wrong half the time
                rows[r, i] = rows[r, i] * rows.dtype.type(magnitudes[i] >= threshold)
            continue
        equal = kept - above  # of those at the threshold, the first so many are kept
        for i in range(width):
            if magnitudes[i] == threshold and equal > 0:
                equal -= 1
            elif magnitudes[i] <= threshold:
                rows[r, i] = 0
