"""Configurations of the components: from each, its reference, model, RTL and account are built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError

DataType = Literal["fp16", "int8"]
ELEMENT_BITS: Mapping[str, int] = {"fp16": 16, "int8": 8}
MOST_ELEMENTS, MOST_ROWS = (1 << 16) - 1, (1 << 16) - 1
"""What the fields of a header hold."""


@dataclass(frozen=True, kw_only=True)
class BitmapConfig(Configuration):
    """The compressed side, the same in all components.

    A row of elements is cut into tiles; the last tile of a row may be ragged. A tile is a bitmap, most significant bit
    first, and its non-zeros in order, filled up with zeros to a multiple of ``pad`` values. The values of a job follow
    each other without gaps and come in beats of ``beat_values``, so that a tile may begin anywhere in a beat.
    """

    tile: int = 64             # elements of a tile, bits of a bitmap
    pad: int = 8               # values of a tile are filled up to a multiple of it
    data_type: DataType = "fp16"
    beat_values: int = 8       # values of a beat: the width of port v; a multiple of pad
    buffer_beats: int = 5      # beats that the value buffer holds
    b_slots: int = 2           # queue of bitmaps
    o_depth: int = 8           # queue of results, beats

    def check(self) -> None:
        """Raise `InputError` for sizes that cannot be built."""
        in_range("tile", self.tile, 8, 128)
        in_range("pad", self.pad, 1, 8)
        in_range("beat_values", self.beat_values, 1, 128)
        if self.beat_values % self.pad:
            raise InputError("beat_values", f"a multiple of pad ({self.pad})", self.beat_values)
        self.check_step()
        in_range("buffer_beats", self.buffer_beats, self.least_beats, 256)
        in_range("b_slots", self.b_slots, 1, 64)
        in_range("o_depth", self.o_depth, 1, 1 << 16)

    def check_step(self) -> None:
        """Check what `step_values` is made of."""
        raise NotImplementedError

    @property
    def step_values(self) -> int:
        """Most non-zeros that leave the value buffer in one cycle."""
        raise NotImplementedError

    @property
    def element_bits(self) -> int:
        """Bits of an element."""
        return ELEMENT_BITS[self.data_type]

    @property
    def most_taken(self) -> int:
        """Most values that leave the buffer in one cycle: non-zeros, and what fills up a tile that ends."""
        return self.step_values + self.pad - 1

    @property
    def capacity(self) -> int:
        """Values that the buffer holds."""
        return self.buffer_beats * self.beat_values

    @property
    def least_beats(self) -> int:
        """Beats that the buffer must hold so that whenever a step lacks values, there is room for a beat."""
        return -(-(self.beat_values + self.most_taken - 1) // self.beat_values)

    @property
    def full_rate_beats(self) -> int:
        """Beats with which no step of a decoder waits, if port v offers in every cycle and ``beat_values >= lanes``.

        A full buffer lacks less than a beat. Steps take at most ``most_taken`` at once and, over a tile, no more than a
        beat for each step; so one step's values beyond those of the next are enough. Steps of a dot product reach into
        the next tile, so that what fills up tiles comes on top and wants a wider port.
        """
        return -(-(self.beat_values + 2 * self.most_taken - 1) // self.beat_values)


@dataclass(frozen=True, kw_only=True)
class DecoderConfig(BitmapConfig):
    """`BitmapDecoder`: bitmaps and values in, ``lanes`` dense elements a cycle out.

    A result beat never crosses a tile: a tile takes ``ceil(size / lanes)`` beats, zeros or not.
    """

    component: Literal["decoder"] = "decoder"
    lanes: int = 8             # elements of a result beat; at most a tile

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mustafar-8": {},
        "mustafar-16": {"lanes": 16, "beat_values": 16, "buffer_beats": 5},
        "int8-small": {"tile": 16, "pad": 4, "data_type": "int8", "beat_values": 4, "buffer_beats": 5, "lanes": 4},
    }

    def check_step(self) -> None:
        """Lanes."""
        in_range("lanes", self.lanes, 1, self.tile)

    @property
    def step_values(self) -> int:
        """A non-zero for each lane."""
        return self.lanes

    @property
    def chunks(self) -> int:
        """Result beats of a whole tile."""
        return -(-self.tile // self.lanes)


@dataclass(frozen=True, kw_only=True)
class DotConfig(BitmapConfig):
    """`BitmapDot`: compressed rows times a resident dense operand X [elements, cols], skipping zeros.

    ``macs`` non-zeros of a row are multiplied in a cycle, each with ``cols`` columns of X: ``macs * cols`` multipliers.
    A step takes the next non-zeros of the tile at hand and, where these are fewer than ``macs``, of the tile behind it
    in the same row. Sums are FP32 for ``fp16`` and INT32 for ``int8``.
    """

    component: Literal["dot"] = "dot"
    macs: int = 4              # non-zeros a cycle; a power of two, at most a tile
    cols: int = 1              # columns of X: queries that share the compressed rows
    x_depth: int = 256         # rows of X that are held, twice: one X is used while the next one comes; a power of two
    product_stages: int = 2    # registers of a multiplier
    sum_stages: int = 2        # registers of an adder of the tree; the accumulator has one

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "mustafar-4": {"x_depth": 128},
        "spmm-256": {"tile": 64, "pad": 1, "data_type": "int8", "cols": 64, "x_depth": 256},
        "int8-small": {"tile": 16, "pad": 4, "data_type": "int8", "beat_values": 4, "buffer_beats": 5, "cols": 2,
                       "x_depth": 32},
    }

    def check_step(self) -> None:
        """What is multiplied."""
        in_range("macs", self.macs, 1, min(self.tile, 64))
        in_range("cols", self.cols, 1, 256)
        in_range("x_depth", self.x_depth, 1, 1 << 14)
        for name in ("macs", "x_depth"):
            if getattr(self, name) & (getattr(self, name) - 1):
                raise InputError(name, "a power of two", getattr(self, name))
        in_range("product_stages", self.product_stages, 0, 4)
        in_range("sum_stages", self.sum_stages, 0, 4)

    @property
    def step_values(self) -> int:
        """A non-zero for each multiplier."""
        return self.macs
