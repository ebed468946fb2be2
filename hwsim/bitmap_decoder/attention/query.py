"""Queries, and the blocks of keys and values that they attend to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.format import Bools, Elements, Ints, bitmaps_of, pack_values, padded_counts
from hwsim.config import in_range
from hwsim.errors import InputError

Halves = npt.NDArray[np.uint16]
SCALES = 2.0**-20, 2.0**20
"""Range of the factor on scores."""
ELEMENT_SCALES = 2.0**-20, 2.0**8
"""Range of what an INT8 key or value of 1 stands for; 128 times the largest is still an FP16 number."""
UNIT = {"fp16": 1.0, "int8": 2.0**-24}
"""What a stored 1 counts in the multipliers. *Whole numbers as subnormals*: INT8 sign and magnitude are the FP16 number
of that many 2^-24, without any shift; the scales, which are multiplied in anyway, make up for it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Keys and values of up to ``tile`` tokens, all arrays of shape (tokens, channels).

    Attributes:
        config: of the component.
        keys: uint16 bit patterns of finite FP16 numbers; with ``data_type`` ``int8``, int8.
        values: the same.
        kept: which keys and which values are stored; None for a dense block, which has no bitmaps and no padding.
            What is not kept counts as zero.
    """

    config: AttentionConfig
    keys: Elements
    values: Elements
    kept: tuple[Bools, Bools] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.keys), self.config.channels)
        for name in ("keys", "values"):
            check_numbers(name, getattr(self, name), shape, self.config)
        if not 1 <= self.tokens <= self.config.tile:
            raise InputError("keys", f"1 to {self.config.tile} tokens (tile)", self.tokens)
        for name, mask in zip(("kept keys", "kept values"), self.kept or (), strict=False):
            if mask.dtype != np.bool_ or mask.shape != shape:
                raise InputError(name, f"bool of shape {shape}", f"{mask.dtype} of shape {mask.shape}")

    @property
    def tokens(self) -> int:
        """Tokens."""
        return len(self.keys)

    @property
    def dense(self) -> bool:
        """Whether it comes without bitmaps."""
        return self.kept is None

    @cached_property
    def masks(self) -> tuple[Bools, Bools]:
        """Which keys and which values count, (tokens, channels)."""
        everything = np.ones(self.keys.shape, bool)
        return self.kept or (everything, everything)

    @cached_property
    def bitmaps(self) -> Bools:
        """(tiles, tile): a tile of each channel of the keys, then tiles of each token's values."""
        keys, values = self.masks
        return np.concatenate([bitmaps_of(keys.T, self.config.tile), bitmaps_of(values, self.config.tile)])

    @cached_property
    def stored(self) -> Elements:
        """Values as they come at port ``v``, keys first, without the zeros that fill up the last beat."""
        config = self.config.replace(pad=1, beat_values=1, buffer_beats=64) if self.dense else self.config
        keys, values = self.masks
        found: Elements = np.concatenate([pack_values(config, self.keys.T, keys.T),
                                          pack_values(config, self.values, values)])
        return found

    @cached_property
    def counts(self) -> Ints:
        """(tiles,) non-zeros."""
        return self.bitmaps.sum(1).astype(np.int64)

    @cached_property
    def fills(self) -> Ints:
        """(tiles,) stored values that only fill up the tile."""
        return np.zeros_like(self.counts) if self.dense else padded_counts(self.config, self.counts) - self.counts

    @property
    def beats(self) -> int:
        """Beats of port ``v``."""
        return -(-len(self.stored) // self.config.beat_values)


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """One query of one head. With grouped queries, each is one of these, over the same blocks.

    Attributes:
        config: of the component.
        query: (channels,) uint16 bit patterns of finite FP16 numbers.
        blocks: at least one, oldest tokens first.
        scale: of the scores before 2^x; by default log2(e) / sqrt(channels), the usual softmax.
        key_scale: what an INT8 key of 1 stands for, the same in all blocks; 1 for FP16.
        value_scale: what an INT8 value of 1 stands for; 1 for FP16.
    """

    config: AttentionConfig
    query: Halves
    blocks: Sequence[Block]
    scale: float = field(default=math.nan)
    key_scale: float = 1.0
    value_scale: float = 1.0

    def __post_init__(self) -> None:
        check_halves("query", self.query, (self.config.channels,))
        if math.isnan(self.scale):
            object.__setattr__(self, "scale", math.log2(math.e) / math.sqrt(self.config.channels))
        if not SCALES[0] <= self.scale <= SCALES[1]:
            raise InputError("scale", f"{SCALES[0]} to {SCALES[1]}", self.scale)
        lowest, highest = ELEMENT_SCALES if self.config.data_type == "int8" else (1.0, 1.0)
        for name in ("key_scale", "value_scale"):
            if not lowest <= getattr(self, name) <= highest:
                wanted = f"{lowest} to {highest} for {self.config.data_type}"
                raise InputError(name, wanted, getattr(self, name))
        if not self.blocks:
            raise InputError("blocks", "at least one", "none")
        if any(block.config != self.config for block in self.blocks):
            raise InputError("blocks", "blocks of this component", "another configuration")

    @property
    def factor(self) -> np.float32:
        """What scores are multiplied with, in FP32: the scale, that of the keys, and what makes up for `UNIT`."""
        return np.float32(self.scale * self.key_scale / UNIT[self.config.data_type])

    @property
    def value_factor(self) -> np.float32:
        """What the reciprocal of the sum of weights is multiplied with, in FP32; 1 for FP16."""
        return np.float32(self.value_scale / UNIT[self.config.data_type])


def query_of(config: AttentionConfig, query: Halves, keys: Elements, values: Elements, kept: tuple[Bools, Bools],
             window: int = 32, scale: float = math.nan, key_scale: float = 1.0, value_scale: float = 1.0) -> Query:
    """A whole sequence as blocks: whole tiles of tokens compressed, the newest ``window`` tokens or more dense.

    Args:
        config: of the component.
        query: (channels,) uint16.
        keys: (tokens, channels) uint16, or int8 where the component has INT8; oldest first, as are the others.
        values: the same.
        kept: (tokens, channels) bool, of keys and of values; looked at only in compressed blocks.
        window: tokens that stay dense at least.
        scale: see `Query`.
        key_scale: the same.
        value_scale: the same.

    Raises:
        InputError: shapes or dtypes that differ, no tokens, a window below 0, NaN or infinity, a scale out of range.
    """
    in_range("window", window, 0)
    for name, array in (("values", values), ("kept keys", kept[0]), ("kept values", kept[1])):
        if array.shape != keys.shape:
            raise InputError(name, f"shape {keys.shape}, as the keys", array.shape)
    compressed = max(len(keys) - window, 0) // config.tile * config.tile
    blocks = []
    for begin in range(0, len(keys), config.tile):
        part = slice(begin, begin + config.tile)
        masks = (kept[0][part], kept[1][part]) if begin < compressed else None
        blocks.append(Block(config=config, keys=keys[part], values=values[part], kept=masks))
    return Query(config=config, query=query, blocks=blocks, scale=scale, key_scale=key_scale, value_scale=value_scale)



def check_numbers(place: str, array: Any, shape: tuple[int, ...], config: AttentionConfig) -> None:
    """`InputError` unless it is an array of the configuration's numbers, of that shape."""
    if config.data_type == "fp16":
        check_halves(place, array, shape)
    elif not isinstance(array, np.ndarray) or array.dtype != np.int8 or array.shape != shape:
        given = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise InputError(place, f"int8 of shape {shape}", given)


def check_halves(place: str, array: Any, shape: tuple[int, ...]) -> None:
    """`InputError` unless it is an array of finite FP16 bit patterns of that shape."""
    if not isinstance(array, np.ndarray) or array.dtype != np.uint16 or array.shape != shape:
        given = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise InputError(place, f"uint16 of shape {shape}", given)
    if (array & 0x7C00 == 0x7C00).any():
        raise InputError(place, "finite numbers", "NaN or infinity")
