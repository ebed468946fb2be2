"""Reference of the dequantiser: the specification of the values, in integers, with no time in it.

    q  = width bits of the packed words, two's complement
    p  = q · multiplier                             exact
    y  = p / 2^shift, rounded to nearest, ties to even
    o  = y, saturated to -128 … 127

A scale is unsigned, so 8-bit weights with multiplier 1 and shift 0 leave as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.dsp_chain.dequant.tensor import Int8s, Ints, Packed


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightBeats:
    """Result beats of one tensor.

    Attributes:
        weights: (beats, lanes) int8; zeros in lanes behind the end of the tensor.
        last: (beats,) bool, the tensor's last.
    """

    weights: Int8s
    last: npt.NDArray[np.bool_]


def unpack(tensor: Packed) -> Int8s:
    """The weights (n,) before they are scaled."""
    bits = np.unpackbits(tensor.words.reshape(-1), count=tensor.weights * tensor.width, bitorder="little")
    places = np.int64(1) << np.arange(tensor.width)
    places[-1] = -places[-1]  # the sign
    return (bits.reshape(-1, tensor.width) @ places).astype(np.int8)


def scaled(weights: npt.NDArray[np.integer], multiplier: Ints, shift: Ints) -> Int8s:
    """Weights times multiplier / 2^shift, rounded to nearest even and saturated; all of shape (n,), or broadcast."""
    product = weights.astype(np.int64) * multiplier
    whole = product >> shift
    rest = (product - (whole << shift)) * 2  # against 2^shift: below, at or above one half
    up = (rest > 1 << shift) | ((rest == 1 << shift) & (whole & 1 == 1))
    return np.clip(whole + up, -128, 127).astype(np.int8)


def dequantize(tensor: Packed) -> Int8s:
    """The INT8 weights (n,) of a packed tensor."""
    group = np.arange(tensor.weights) // tensor.config.group
    return scaled(unpack(tensor), tensor.multipliers[group], tensor.shifts[group])


def reference(tensor: Packed) -> WeightBeats:
    """The result beats of a packed tensor."""
    lanes = tensor.config.lanes
    weights = np.pad(dequantize(tensor), (0, -tensor.weights % lanes)).reshape(-1, lanes)
    return WeightBeats(weights=weights, last=np.arange(tensor.beats) == tensor.beats - 1)
