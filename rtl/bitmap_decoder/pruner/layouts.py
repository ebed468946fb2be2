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


def job_stored(config: PrunerConfig) -> Shape:
    """Stored values of a job: of a vector, or of a group of keys."""
    if config.side == "values":
        return stored(config)
    return up_to(config.length * -(-config.tile // config.pad) * config.pad)


def group(config: PrunerConfig) -> StructLayout:
    """A group of keys that is complete: tokens, channels, stored values; ``first`` and ``last`` of its batch."""
    return StructLayout({"tokens": up_to(config.tile), "channels": up_to(config.length), "values": job_stored(config),
                         "nan": unsigned(1), "first": unsigned(1), "last": unsigned(1)})


def at_hand(config: PrunerConfig) -> StructLayout:
    """A chunk of a channel's tokens: which, and whether it is the ``first`` or the ``end`` of its tile; ``begin``: the
    first of the group; ``last``: of the group's last tile.
    """
    return StructLayout({"valid": unsigned(1), "chunk": range(config.most_chunks), "first": unsigned(1),
                         "end": unsigned(1), "begin": unsigned(1), "last": unsigned(1), "group": group(config)})


def about(config: PrunerConfig) -> StructLayout:
    """What goes with a vector: ``first`` and ``last`` of its batch."""
    return StructLayout({"elements": up_to(config.length), "tiles": up_to(config.most_tiles),
                         "keep": up_to(config.length), "nan": unsigned(1), "first": unsigned(1), "last": unsigned(1)})
