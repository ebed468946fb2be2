"""Jobs: what a component works on, one header each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from hwsim.bitmap_decoder.config import MOST_ELEMENTS, MOST_ROWS, BitmapConfig, DotConfig
from hwsim.bitmap_decoder.format import Bools, Elements, Ints, bitmaps_of, pack_values, padded_counts, tiles_of
from hwsim.errors import InputError

ConfigT = TypeVar("ConfigT", bound=BitmapConfig)
DTYPES = {"fp16": np.dtype(np.uint16), "int8": np.dtype(np.int8)}
"""How elements are given: bit patterns of FP16 numbers, or whole numbers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Job(Generic[ConfigT]):
    """Compressed rows.

    Attributes:
        config: of the component.
        dense: (rows, elements): ``uint16`` bit patterns for ``fp16``, ``int8`` for ``int8``.
        kept: (rows, elements) bool, which elements are stored; the others count as zeros whatever ``dense`` has there.
    """

    config: ConfigT
    dense: Elements
    kept: Bools

    def __post_init__(self) -> None:
        check_elements("dense", self.dense, self.config)
        if self.kept.dtype != np.bool_ or self.kept.shape != self.dense.shape:
            raise InputError("kept", f"bool of shape {self.dense.shape}", f"{self.kept.dtype} {self.kept.shape}")
        if not (1 <= self.rows <= MOST_ROWS and 1 <= self.elements <= MOST_ELEMENTS):
            raise InputError("dense", f"1 to {MOST_ROWS} rows of 1 to {MOST_ELEMENTS} elements", self.dense.shape)

    @property
    def rows(self) -> int:
        """Rows."""
        return self.dense.shape[0]

    @property
    def elements(self) -> int:
        """Elements of a row."""
        return self.dense.shape[1]

    @property
    def row_tiles(self) -> int:
        """Tiles of a row."""
        return tiles_of(self.elements, self.config.tile)

    @cached_property
    def bitmaps(self) -> Bools:
        """(tiles, tile) bool."""
        return bitmaps_of(self.kept, self.config.tile)

    @cached_property
    def values(self) -> Elements:
        """Stored values, those that fill up tiles among them."""
        return pack_values(self.config, self.dense, self.kept)

    @cached_property
    def counts(self) -> Ints:
        """Non-zeros of each tile."""
        return self.bitmaps.sum(1).astype(np.int64)

    @cached_property
    def stored(self) -> Ints:
        """Stored values of each tile."""
        return padded_counts(self.config, self.counts)

    @property
    def beats(self) -> int:
        """Beats of port ``v``; the last one is filled up with zeros."""
        return -(-int(self.stored.sum()) // self.config.beat_values)


@dataclass(frozen=True, kw_only=True, eq=False)
class DotJob(Job[DotConfig]):
    """Compressed rows, and the dense operand that they are multiplied with.

    Attributes:
        x: (elements, cols), in the same form as ``dense``.
    """

    x: Elements

    def __post_init__(self) -> None:
        super().__post_init__()
        check_elements("x", self.x, self.config)
        if self.x.shape != (self.elements, self.config.cols):
            raise InputError("x", f"shape ({self.elements}, {self.config.cols})", self.x.shape)
        if self.elements > self.config.x_depth:
            raise InputError("x", f"at most {self.config.x_depth} rows (x_depth)", self.elements)


def check_elements(place: str, array: Elements, config: BitmapConfig) -> None:
    """`InputError` unless it is a matrix of the configuration's elements."""
    wanted = DTYPES[config.data_type]
    if not isinstance(array, np.ndarray) or array.dtype != wanted or array.ndim != 2:
        given = f"{array.dtype} of rank {array.ndim}" if isinstance(array, np.ndarray) else type(array).__name__
        raise InputError(place, f"a matrix of {wanted}", given)


def non_zero(array: Elements, config: BitmapConfig) -> npt.NDArray[np.bool_]:
    """Which elements are not zero; -0 is zero."""
    magnitude = array & 0x7FFF if config.data_type == "fp16" else array
    found: npt.NDArray[np.bool_] = magnitude != 0
    return found



def first_of_each(counts: Ints) -> Ints:
    """Number of the first of each run, of runs of so many that follow each other."""
    return np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
