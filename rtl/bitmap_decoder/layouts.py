"""Shapes of the stream payloads: one place, used by components and by token packing."""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.bitmap_decoder.config import MOST_ELEMENTS, MOST_ROWS, BitmapConfig, DecoderConfig, DotConfig


def header() -> StructLayout:
    """Payload of port ``h``: ``rows`` of ``elements`` in tiles of ``tile``, and how many values are stored."""
    return StructLayout({"tile": unsigned(8), "elements": unsigned(MOST_ELEMENTS.bit_length()),
                         "rows": unsigned(MOST_ROWS.bit_length()), "values": unsigned(32)})


def value_beat(config: BitmapConfig) -> StructLayout:
    """Payload of port ``v``: stored values, and whether the job has no more."""
    return StructLayout({"values": ArrayLayout(unsigned(config.element_bits), config.beat_values),
                         "last": unsigned(1)})


def dense_beat(config: DecoderConfig) -> StructLayout:
    """Payload of the decoder's port ``o``."""
    return StructLayout({"elements": ArrayLayout(unsigned(config.element_bits), config.lanes),
                         "row_end": unsigned(1), "last": unsigned(1)})


def operand_beat(config: DotConfig) -> StructLayout:
    """Payload of port ``x``: one row of X, and whether it is the last."""
    return StructLayout({"row": ArrayLayout(unsigned(config.element_bits), config.cols), "last": unsigned(1)})


def sum_beat(config: DotConfig) -> StructLayout:
    """Payload of the dot product's port ``o``: a sum of each column, and whether the job has no more rows."""
    return StructLayout({"sums": ArrayLayout(unsigned(32), config.cols), "last": unsigned(1)})
