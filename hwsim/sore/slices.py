"""Slices: what SORE works on, one descriptor each, and how a matrix is cut into them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.sore.config import SoreConfig
from hwsim.sparsity.ratio import Ratio

Bits16 = npt.NDArray[np.uint16]


@dataclass(frozen=True, kw_only=True, eq=False)
class Slice:
    """The weights of one descriptor.

    Attributes:
        config: of the engine.
        ratio: one of the engine's.
        bits: (rows, lanes) uint16: row k of W for ``lanes`` neighbouring output channels, as bit patterns of the
            engine's data type. A last group of fewer than M rows is filled up with zeros.
        forward: whether groups along the rows (K) are wanted, on port ``f``.
        backward: whether groups along the lanes (N) are wanted, on port ``b``.
    """

    config: SoreConfig
    ratio: Ratio
    bits: Bits16
    forward: bool = True
    backward: bool = True

    def __post_init__(self) -> None:
        self.config.mode_number(self.ratio)
        if self.bits.dtype != np.uint16 or self.bits.ndim != 2 or self.bits.shape[1] != self.config.lanes:
            wanted = f"uint16 of shape (rows, {self.config.lanes})"
            raise InputError("weights", wanted, f"{self.bits.dtype} of shape {self.bits.shape}")
        if not 1 <= self.rows <= self.config.most_rows:
            raise InputError("rows", f"1 to {self.config.most_rows}", self.rows)

    @property
    def rows(self) -> int:
        """Rows of W that come in."""
        return len(self.bits)

    @property
    def groups(self) -> int:
        """Groups of M rows, the last one filled up."""
        return self.ratio.groups(self.rows)

    @property
    def results(self) -> int:
        """Beats on each wanted output port: N for every group of rows."""
        return self.groups * self.ratio.n


def column_slices(config: SoreConfig, bits: Bits16, ratio: Ratio, *, forward: bool = True,
                  backward: bool = True) -> list[Slice]:
    """A matrix W [K, N] of bit patterns as slices of ``lanes`` columns; the last one is filled up with zeros.

    Raises:
        InputError: not a uint16 matrix, a ratio that the engine lacks, or more rows than a slice may have.
    """
    if bits.dtype != np.uint16 or bits.ndim != 2 or not bits.size:
        raise InputError("weights", "a uint16 matrix [K, N]", f"{bits.dtype} of shape {bits.shape}")
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % config.lanes)))
    return [Slice(config=config, ratio=ratio, bits=np.ascontiguousarray(padded[:, at:at + config.lanes]),
                  forward=forward, backward=backward) for at in range(0, padded.shape[1], config.lanes)]


def finite_bits(config: SoreConfig, weights: npt.NDArray[np.floating], place: str = "weights") -> Bits16:
    """Weights as bit patterns of the engine's data type.

    Args:
        config: of the engine.
        weights: float16 for an ``fp16`` engine; float32 whose lower 16 bits are 0 for ``bf16`` (a BF16 number is the
            upper half of an FP32 one).
        place: what the weights are, for errors.

    Raises:
        InputError: another dtype, a float32 that is no BF16 number, or a NaN, whose place is named.
    """
    wanted = np.float16 if config.data_type == "fp16" else np.float32
    if weights.dtype != wanted:
        raise InputError(place, f"{np.dtype(wanted)} for {config.data_type}", weights.dtype)
    bad = np.isnan(weights)
    if bad.any():
        raise InputError(place, "numbers", f"NaN at {_first(bad)}")
    if config.data_type == "fp16":
        return np.ascontiguousarray(weights).view(np.uint16)
    whole = np.ascontiguousarray(weights).view(np.uint32)
    if (lost := (whole & 0xFFFF) != 0).any():
        raise InputError(place, "BF16 numbers (float32 whose lower 16 bits are 0)", f"other bits at {_first(lost)}")
    return (whole >> 16).astype(np.uint16)


def _first(bad: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
