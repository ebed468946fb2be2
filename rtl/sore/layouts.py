"""Shapes of SORE's stream payloads and internal bundles: one place, used by components and by token packing."""

from __future__ import annotations

from amaranth.hdl import Array, Shape, Value, unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.sore.config import SoreConfig


def bits_for(values: int) -> Shape:
    """Unsigned shape that holds 0 … values - 1."""
    return unsigned(max(values - 1, 0).bit_length())


def descriptor(config: SoreConfig) -> StructLayout:
    """Payload of port ``p``: one slice; ``forward`` and ``backward`` say which results are wanted."""
    return StructLayout({"mode": bits_for(len(config.modes)), "rows": bits_for(config.most_rows + 1),
                         "forward": unsigned(1), "backward": unsigned(1)})


def row(config: SoreConfig) -> ArrayLayout:
    """Payload of port ``i``: one row of weights, 16 bits for each lane."""
    return ArrayLayout(unsigned(16), config.lanes)


def slot(config: SoreConfig) -> StructLayout:
    """A kept weight and its position in its group."""
    return StructLayout({"value": unsigned(16), "index": unsigned(config.index_bits)})


def result_beat(config: SoreConfig) -> StructLayout:
    """Payload of ports ``f`` and ``b``: one slot of each lane, and whether it is the slice's last beat and saw NaNs."""
    return StructLayout({"slots": ArrayLayout(slot(config), config.lanes), "last": unsigned(1), "nan": unsigned(1)})


def step(config: SoreConfig) -> StructLayout:
    """What goes with one element of each lane: ``position`` in its group, ``first`` and ``end`` of the group, ``last``
    group of the slice, ``nan`` seen in the slice so far (with ``end``).
    """
    return StructLayout({"valid": unsigned(1), "mode": bits_for(len(config.modes)), "first": unsigned(1),
                         "position": unsigned(config.index_bits), "end": unsigned(1), "last": unsigned(1),
                         "nan": unsigned(1)})


def kept_of(config: SoreConfig, mode: Value) -> Value:
    """N of a mode."""
    return Array([ratio.n for ratio in config.modes])[mode]


def group_end(config: SoreConfig, mode: Value) -> Value:
    """M - 1 of a mode: the last position, and the mask of a position's bits."""
    return Array([ratio.m - 1 for ratio in config.modes])[mode]
