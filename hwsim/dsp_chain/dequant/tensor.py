"""Packed tensors: what the dequantiser works on, and how one is made from weights and scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.config import in_range, one_of
from hwsim.dsp_chain.dequant.config import WIDTHS, DequantConfig
from hwsim.errors import InputError

Bytes = npt.NDArray[np.uint8]
Int8s = npt.NDArray[np.int8]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Packed:
    """A packed tensor.

    Attributes:
        config: of the dequantiser.
        width: bits of a weight, one of `WIDTHS`.
        weights: how many.
        words: (words, word / 8) uint8, the packed bits of each word, lowest byte first.
        multipliers: (groups,) int64 from 0, of the scales multiplier / 2^shift.
        shifts: (groups,) int64.
    """

    config: DequantConfig
    width: int
    weights: int
    words: Bytes
    multipliers: Ints
    shifts: Ints

    def __post_init__(self) -> None:
        config = self.config
        one_of("width", self.width, WIDTHS)
        in_range("weights", self.weights, 1, config.most_weights)
        expected = (-(-self.weights * self.width // config.word), config.word // 8)
        if self.words.shape != expected or self.words.dtype != np.uint8:
            raise InputError("words", f"{expected[0]} words of {expected[1]} bytes (uint8) for {self.weights} weights "
                             f"of {self.width} bits", f"{self.words.dtype} of shape {self.words.shape}")
        groups = -(-self.weights // config.group)
        for name, array, most in (("multipliers", self.multipliers, (1 << config.multiplier_bits) - 1),
                                  ("shifts", self.shifts, config.most_shift)):
            if array.dtype != np.int64 or array.shape != (groups,):
                raise InputError(name, f"int64 of shape ({groups},)", f"{array.dtype} of shape {array.shape}")
            for value in (array.min(), array.max()):
                in_range(name, int(value), 0, most)

    @property
    def beats(self) -> int:
        """Result beats."""
        return -(-self.weights // self.config.lanes)


def pack(config: DequantConfig, width: int, weights: npt.NDArray[np.integer], multipliers: npt.ArrayLike,
         shifts: npt.ArrayLike) -> Packed:
    """Weights (n,) of any integer dtype as a packed tensor, the last word filled up with zeros.

    Raises:
        InputError: a weight that ``width`` bits do not hold, or scales that do not fit.
    """
    one_of("width", width, WIDTHS)
    if weights.ndim != 1 or not weights.size or weights.dtype.kind not in "iu":
        raise InputError("weights", "integers (n,), n >= 1", f"{weights.dtype} of shape {weights.shape}")
    for value in (weights.min(), weights.max()):
        in_range("weights", int(value), -(1 << width - 1), (1 << width - 1) - 1)
    bits = (weights.astype(np.int64)[:, None] >> np.arange(width) & 1).astype(np.uint8).reshape(-1)
    words = np.packbits(np.pad(bits, (0, -len(bits) % config.word)), bitorder="little")
    return Packed(config=config, width=width, weights=len(weights), words=words.reshape(-1, config.word // 8),
                  multipliers=np.asarray(multipliers, np.int64), shifts=np.asarray(shifts, np.int64))


def fixed_point(config: DequantConfig, scales: npt.NDArray[np.floating]) -> tuple[Ints, Ints]:
    """Multipliers and shifts (groups,) of the numbers nearest to positive real scales (groups,); the largest shift
    that fits gives the most places. Scales too small for a multiplier of 1 become 0.

    Raises:
        InputError: a scale that is no positive number, or above the largest multiplier.
    """
    real = scales.astype(np.float64)
    most = (1 << config.multiplier_bits) - 1
    if real.ndim != 1 or not np.isfinite(real).all() or (real <= 0).any() or (real > most).any():
        raise InputError("scales", f"numbers (groups,) above 0, at most {most}", scales)
    candidates = np.rint(np.ldexp(real[:, None], np.arange(config.most_shift + 1)))
    shifts = (candidates <= most).sum(1) - 1
    return candidates[np.arange(len(real)), shifts].astype(np.int64), shifts.astype(np.int64)
