"""From real numbers to INT8 and back: weights and activations.

Weights are symmetric with one scale per output channel, activations asymmetric with one scale per tensor:
``w ≈ scale[n] · q`` and ``a ≈ scale · (q - zero_point)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, numeric, whole

LARGEST_WEIGHT = 127
_INT8 = np.iinfo(np.int8)


def finite(x: object, place: str) -> Array:
    """``x`` as float64 of any shape with an axis; InputError for a NaN, an infinity (position named) or a bad dtype."""
    array = numeric(x, place)
    bad = ~np.isfinite(array)
    if bad.any():
        position = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), array.shape))
        raise InputError(place, "finite numbers", f"{array[position]} at {position}")
    return array.astype(np.float64)


def positive(value: object, place: str) -> float:
    """``value`` as a finite float above 0."""
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        if not isinstance(value, np.complexfloating) and np.isfinite(value) and value > 0:
            return float(value)
    raise InputError(place, "a finite number above 0", value)


@dataclass(frozen=True, eq=False)
class QuantizedWeights:
    """Symmetric INT8 weights: ``w ≈ scales · values``.

    Args:
        values: (…, K, N) int8, -127..127.
        scales: (…, N) float64, one per output channel, above 0.
    """

    values: Array
    scales: Array

    def dequantize(self) -> Array:
        """(…, K, N) float64."""
        return self.values * self.scales[..., None, :]


def quantize_weights(w: object, place: str = "weights", smallest_scale: npt.ArrayLike = 0.0) -> QuantizedWeights:
    """Symmetric per-output-channel INT8: scale = max |w| of the column / 127, rounded half to even.

    A column of zeros gets scale 1. The error is at most scale / 2. Zeros stay zeros, so a pruned pattern survives.

    Args:
        w: (…, K, N) finite integers or floats.
        place: what ``w`` is, for error messages.
        smallest_scale: (…, N) or one number: scales are at least this, so that a channel with tiny weights and a large
            bias (as batch-norm folding leaves behind) can hold that bias in the accumulator.

    Raises:
        InputError: fewer than two axes, NaN or infinity, or a column too small to have a scale.
    """
    array = finite(w, place)
    if array.ndim < 2:
        raise InputError(place, "shape (…, K, N)", f"shape {array.shape}")
    largest = np.abs(array).max(axis=-2, initial=0.0)
    floor = finite(np.atleast_1d(smallest_scale), f"{place} smallest_scale")
    scales = np.maximum(np.where(largest == 0, 1.0, largest / LARGEST_WEIGHT), floor)
    if np.any(scales < np.finfo(np.float64).tiny):
        raise InputError(place, "columns of zeros or of a magnitude that float64 can divide by 127", largest.min())
    scaled = np.rint(array / scales[..., None, :])
    return QuantizedWeights(np.clip(scaled, -LARGEST_WEIGHT, LARGEST_WEIGHT).astype(np.int8), scales)


@dataclass(frozen=True)
class ActivationScale:
    """Asymmetric INT8: ``a ≈ scale · (q - zero_point)``; zero is exactly ``zero_point``.

    Args:
        scale: above 0.
        zero_point: -128..127.
    """

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive(self.scale, "activation scale"))
        zero_point = whole(self.zero_point, "activation zero_point", _INT8.min, _INT8.max)
        object.__setattr__(self, "zero_point", zero_point)

    def quantize(self, x: object, place: str = "activations") -> Array:
        """int8 of any shape: rounded half to even, clipped to -128..127."""
        with np.errstate(over="ignore"):  # beyond float64 is beyond 127 as well
            q = np.rint(finite(x, place) / self.scale) + self.zero_point
        return np.clip(q, _INT8.min, _INT8.max).astype(np.int8)

    def dequantize(self, q: Array) -> Array:
        """float64 of the shape of ``q``."""
        return (q.astype(np.float64) - self.zero_point) * self.scale

    def limits(self, lowest: float | None = None, highest: float | None = None) -> tuple[int, int]:
        """(low, high) int8 clamp of an activation function: ReLU is (0, None), ReLU6 (0, 6), none (None, None)."""
        low = _INT8.min if lowest is None else int(self.quantize(np.array([lowest]), "lowest")[0])
        high = _INT8.max if highest is None else int(self.quantize(np.array([highest]), "highest")[0])
        return low, high


def calibrate_activations(x: object, percentile: float = 100.0, place: str = "activations") -> ActivationScale:
    """Scale and zero point from real input. The range always includes 0, which gets an integer of its own.

    Args:
        x: finite numbers of any shape, not empty; several batches may be concatenated.
        percentile: 100 takes minimum and maximum; p < 100 clips to the percentiles 100 - p and p (above 50).
        place: what ``x`` is, for error messages.

    Returns:
        scale = (highest - lowest) / 255, and zero_point = -128 - lowest / scale, rounded half to even. All zeros give
        (1.0, 0).

    Raises:
        InputError: empty, NaN or infinity, or a bad percentile.
    """
    array = finite(x, place)
    if array.size == 0:
        raise InputError(place, "at least one number", "an empty array")
    if isinstance(percentile, bool) or not isinstance(percentile, (int, float)) or not 50 < percentile <= 100:
        raise InputError(f"{place} percentile", "a number above 50, at most 100", percentile)
    if percentile == 100:
        ends = array.min(), array.max()
    else:
        ends = tuple(np.percentile(array, [100 - percentile, percentile]))
    lowest, highest = min(float(ends[0]), 0.0), max(float(ends[1]), 0.0)
    scale = highest / 255 - lowest / 255
    if lowest == highest == 0:
        return ActivationScale(1.0, 0)
    if scale < np.finfo(np.float64).tiny:
        raise InputError(place, "a range that float64 can divide by 255", (lowest, highest))
    return ActivationScale(scale, int(np.clip(np.rint(_INT8.min - lowest / scale), _INT8.min, _INT8.max)))
