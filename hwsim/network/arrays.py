"""Checks of what a user hands to a network: numbers of cycles, index arrays, stall patterns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.network.parts import Bools, Duration, Ints

LONGEST = 1 << 40
"""Longest single duration in cycles; keeps sums far from the end of int64."""


def whole(place: str, value: object, least: int = 0) -> int:
    """Return ``value`` as an int of at least ``least``, or raise InputError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= LONGEST:
        raise InputError(place, f"a whole number from {least} to {LONGEST}", value)
    return int(value)


def integers(place: str, value: npt.ArrayLike, length: int) -> Ints:
    """Return ``value`` as a C-contiguous int64 array of shape (length,), or raise InputError."""
    array = np.asarray(value)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise InputError(place, "an array of whole numbers", f"an array of {array.dtype}")
    if array.shape != (length,):
        raise InputError(place, f"an array of shape ({length},)", f"shape {array.shape}")
    if array.dtype == np.uint64 and array.size and array.max() > LONGEST:
        raise InputError(place, f"values up to {LONGEST}", int(array.max()))
    return np.ascontiguousarray(array, dtype=np.int64)


def duration(place: str, value: int | npt.ArrayLike, length: int) -> Duration:
    """Return a number of cycles, one for all firings (int) or one per firing (shape (length,))."""
    if isinstance(value, (int, float, np.generic, str)) or value is None:
        return whole(place, value)
    array = integers(place, value, length)
    _within(place, array, 0, LONGEST)
    return array


def index(place: str, value: npt.ArrayLike, length: int, firings: int) -> Ints:
    """Return an index array: shape (length,), each -1 (no constraint) or a firing below ``firings``."""
    array = integers(place, value, length)
    _within(place, array, -1, firings - 1)
    return array


def gate(place: str, value: npt.ArrayLike | None) -> Bools | None:
    """Return a stall pattern: boolean, shape (cycles,); None stays None (always open)."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.size == 0 and array.ndim == 1:
        return np.zeros(0, np.bool_)
    if array.dtype != np.bool_ or array.ndim != 1:
        raise InputError(place, "a one-dimensional array of bool, one per cycle", f"{array.dtype} {array.shape}")
    return np.ascontiguousarray(array)


def _within(place: str, array: Ints, least: int, most: int) -> None:
    if array.size and (array.min() < least or array.max() > most):
        where = int(np.flatnonzero((array < least) | (array > most))[0])
        raise InputError(f"{place}[{where}]", f"{least} to {most}", int(array[where]))
