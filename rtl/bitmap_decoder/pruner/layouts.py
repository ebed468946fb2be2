"""Shapes of the pruner's stream payloads and internal bundles."""

from __future__ import annotations

from amaranth.hdl import Shape, unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.bitmap_decoder.config import MOST_ROWS
from hwsim.bitmap_decoder.pruner.config import PrunerConfig


def up_to(most: int) -> Shape:
    """Unsigned shape that holds 0 … most."""
    return unsigned(most.bit_length())


def descriptor(config: PrunerConfig) -> StructLayout:
    """Payload of port ``p``: so many vectors of so many elements, of each of which ``keep`` stay."""
    return StructLayout({"elements": up_to(config.length), "keep": up_to(config.length),
                         "vectors": up_to(MOST_ROWS)})


def input_beat(config: PrunerConfig) -> ArrayLayout:
    """Payload of port ``i``; lanes behind the end of a vector do not count."""
    return ArrayLayout(unsigned(config.element_bits), config.lanes)


def record(config: PrunerConfig) -> StructLayout:
    """Payload of port ``c``: of each tile, as `hwsim.bitmap_decoder.pruner.reference.Records` has it."""
    return StructLayout({"count": up_to(config.tile), "offset": unsigned(32), "nan": unsigned(1), "end": unsigned(1),
                         "last": unsigned(1)})


def vector(config: PrunerConfig) -> ArrayLayout:
    """A whole vector; elements behind its end are 0."""
    return ArrayLayout(unsigned(config.element_bits), config.length)


def stored(config: PrunerConfig) -> Shape:
    """Stored values of a vector, those that fill up tiles among them."""
    return up_to(config.most_tiles * -(-config.tile // config.pad) * config.pad)


def about(config: PrunerConfig) -> StructLayout:
    """What goes with a vector: ``first`` and ``last`` of its batch."""
    return StructLayout({"elements": up_to(config.length), "tiles": up_to(config.most_tiles),
                         "keep": up_to(config.length), "nan": unsigned(1), "first": unsigned(1), "last": unsigned(1)})
