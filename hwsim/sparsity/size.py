"""What every format shares: its size split in three, and the checks of the array that is encoded."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Bits:
    """Exact size of an encoded tensor in bits, by purpose.

    Args:
        values: the stored values, with padding slots.
        metadata: what says where a value stands (indices, bitmaps, coordinates).
        pointers: what says where a row or tile begins.
    """

    values: int
    metadata: int = 0
    pointers: int = 0

    @property
    def total(self) -> int:
        """All three, in bits."""
        return self.values + self.metadata + self.pointers


def whole(value: object, place: str, low: int, high: int | None = None) -> int:
    """``value`` as a plain int in low..high (no upper limit when None); InputError otherwise."""
    wanted = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
    if isinstance(value, (bool, np.bool_)):
        raise InputError(place, wanted, value)
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(place, wanted, value) from None
    if number < low or (high is not None and number > high):
        raise InputError(place, wanted, number)
    return number


def integers_or_floats(w: object, place: str) -> Array:
    """``w`` as an array of integers or floats with at least one axis; InputError otherwise."""
    array = np.asarray(w)
    if array.dtype.kind not in "iuf":
        raise InputError(place, "an array of integers or floats", f"dtype {array.dtype}")
    if array.ndim == 0:
        raise InputError(place, "an array with at least one axis", "a single number")
    return array


def matrix(w: object, place: str) -> Array:
    """``w`` as `numeric` gives it, which must have two axes."""
    array = numeric(w, place)
    if array.ndim != 2:
        raise InputError(place, "a matrix", f"shape {array.shape}")
    return array


def numeric(w: object, place: str) -> Array:
    """``w`` as an array of integers or floats with at least one axis and no NaN.

    Raises:
        InputError: another dtype, no axis, or a NaN (its position is named).
    """
    array = integers_or_floats(w, place)
    if array.dtype.kind == "f":
        bad = np.isnan(array)
        if bad.any():
            position = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), array.shape))
            raise InputError(place, "numbers", f"NaN at {position}")
    return array


def axis_of(axis: object, ndim: int, place: str) -> int:
    """``axis`` counted from the front; InputError when the array has no such axis."""
    return whole(axis, f"{place} axis", -ndim, ndim - 1) % ndim


def magnitude(w: Array) -> Array:
    """|w| that never overflows: signed integers become unsigned of the same width (|-128| = 128)."""
    if w.dtype.kind == "i":
        return np.abs(w).view(w.dtype.str.replace("i", "u"))
    return np.abs(w)
