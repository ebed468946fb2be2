"""What batches cost in actions: comparisons, ones counted, register writes, multiplexers. Energy prices them."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.packing import packing
from hwsim.bitmap_decoder.pruner.reference import pruned
from hwsim.bitmap_decoder.pruner.timing import digits
from hwsim.bitmap_decoder.pruner.vectors import Batch, same_pruner
from hwsim.energy import ActionCount, of_bytes

HEADER_BITS, OFFSET_BITS = 72, 32
SMALLEST_SRAM = 64
"""Bytes; a smaller queue is priced as this, which overstates it."""


def pruner_counts(batches: Sequence[Batch]) -> list[ActionCount]:
    """Actions of batches on one pruner.

    Registers of a whole vector are charged whole, whatever its length. Counting n ones takes n full adders, priced as
    n / 8 additions of 8 bits; an adder of the prefix sums over a tile is priced as one of 8 bits. Not counted: control,
    sums of counts and offsets.
    """
    config, vectors = same_pruner(batches), [vector for batch in batches for vector in pruned(batch)]
    steps = packing(batches, vectors)
    number, bits, length = len(vectors), config.element_bits, config.length
    tiles = sum(len(vector.counts) for vector in vectors)
    loaded = sum(batch.count * (length + (batch.beats - 1) * config.lanes) for batch in batches)
    compared = number * digits(config) * ((1 << config.digit_bits) - 1) * length
    levels = (config.tile - 1).bit_length()
    return [
        _register("intake", loaded * bits),
        _register("selection", number * length * (bits + 2) + number * digits(config) * 2 * length),
        ActionCount(component="selection", action="compare", count=compared * config.digit_bits),
        ActionCount(component="selection", action="count ones", count=compared / 8, cost="add.int8"),
        ActionCount(component="marking", action="count ones", cost="add.int8",
                    count=tiles * (levels * config.tile / 2 + config.tile / 8)),
        *_packing(config, number, len(steps.added), sum(vector.beats for vector in vectors)),
        *_queue("headers", number, HEADER_BITS, config.o_depth), *_queue("bitmaps", tiles, config.tile, config.b_slots),
        *_queue("records", tiles, config.tile.bit_length() + OFFSET_BITS + 3, config.b_slots)]


def _packing(config: PrunerConfig, vectors: int, steps: int, beats: int) -> list[ActionCount]:
    """The vector and its marks, a register of the chunk and one behind its compaction, the ring."""
    bits, lanes = config.element_bits, config.lanes
    levels = (config.capacity - 1).bit_length()
    return [
        _register("packing", vectors * config.length * (bits + 1) + steps * lanes * (2 * bits + 1)),
        ActionCount(component="packing", action="compact", count=steps * lanes * (lanes + 1) // 2 * bits, cost="mux2"),
        ActionCount(component="values", action="rotate", count=steps * levels * config.capacity * (bits + 2),
                    cost="mux2"),
        _register("values", beats * config.beat_values * bits)]


def _queue(component: str, words: int, word_bits: int, depth: int) -> list[ActionCount]:
    """Each word is written once and read once."""
    capacity = max(depth * word_bits // 8, SMALLEST_SRAM)
    return [of_bytes(component, action, words * word_bits / 8, cost="sram", capacity_bytes=capacity)
            for action in ("write", "read")]


def _register(component: str, bits: int) -> ActionCount:
    return ActionCount(component=component, action="write", count=bits, cost="register.write")
