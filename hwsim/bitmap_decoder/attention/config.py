"""Configuration of decode attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hwsim.bitmap_decoder.config import BitmapConfig
from hwsim.config import in_range
from hwsim.errors import InputError


@dataclass(frozen=True, kw_only=True)
class AttentionConfig(BitmapConfig):
    """`BitmapAttention`: one query of one head against compressed blocks of ``tile`` tokens and dense ones.

    Keys lie channel by channel (a tile is one channel of a block's tokens), values token by token. ``macs`` non-zeros
    of a tile are multiplied with the tile's one number of the query, or one weight, in a cycle; each product has an
    accumulator of its own, so the values do not depend on ``macs`` or on any number of registers. Keys and values are
    of ``data_type``; the query, the weights and the output are FP16, sums are FP32.
    """

    component: Literal["attention"] = "attention"
    channels: int = 128        # of the head: a multiple of tile
    macs: int = 4              # non-zeros a cycle; at most a tile
    product_stages: int = 2    # registers of an FP16 multiplier
    sum_stages: int = 2        # registers of an FP32 adder; an accumulator can be added to again one cycle later
    multiply_stages: int = 2   # registers of the FP32 multiplier

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mustafar-128": {},
        "mustafar-64": {"channels": 64},
        "mustafar-128-int8": {"data_type": "int8", "beat_values": 16, "macs": 8},
        "small-8": {"tile": 8, "pad": 2, "beat_values": 4, "channels": 8, "macs": 2, "o_depth": 4},
        "small-8-int8": {"tile": 8, "pad": 2, "beat_values": 4, "channels": 8, "macs": 2, "o_depth": 4,
                         "data_type": "int8"},
    }

    def check_step(self) -> None:
        """Channels, what is multiplied, registers."""
        in_range("macs", self.macs, 1, min(self.tile, 32))
        in_range("channels", self.channels, self.tile, 1024)
        if self.channels % self.tile:
            raise InputError("channels", f"a multiple of tile ({self.tile})", self.channels)
        for name in ("product_stages", "sum_stages", "multiply_stages"):
            in_range(name, getattr(self, name), 0, 4)

    @property
    def step_values(self) -> int:
        """A non-zero for each multiplier."""
        return self.macs

    @property
    def query_values(self) -> int:
        """Channels of a query in a beat of port q, which is as wide as one of port v, but holds one at least."""
        return max(self.beat_values * self.element_bits // 16, 1)

    @property
    def query_beats(self) -> int:
        """Beats of a query."""
        return -(-self.channels // self.query_values)

    @property
    def segments(self) -> int:
        """Tiles of a token's values."""
        return self.channels // self.tile
