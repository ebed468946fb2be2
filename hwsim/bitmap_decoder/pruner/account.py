"""What batches cost in actions: comparisons, ones counted, register writes, multiplexers. Energy prices them."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.packing import packing
from hwsim.bitmap_decoder.pruner.reference import pruned
from hwsim.bitmap_decoder.pruner.timing import digits
from hwsim.bitmap_decoder.pruner.vectors import Batch
from hwsim.config import shared
from hwsim.energy import ActionCount, Inventory, load_costs, of_bytes

HEADER_BITS, OFFSET_BITS = 72, 32
SMALLEST_SRAM = 64
"""Bytes; a smaller queue is priced as this, which overstates it."""


def pruner_counts(batches: Sequence[Batch]) -> list[ActionCount]:
    """Actions of batches on one pruner.

    Registers of a whole vector are charged whole, whatever its length. Counting n ones takes n full adders, priced as
    n / 8 additions of 8 bits; an adder of the prefix sums over a tile is priced as one of 8 bits. Not counted: control,
    sums of counts and offsets.
    """
    config, jobs = shared("batches", batches), [job for batch in batches for job in pruned(batch)]
    steps, tiles = len(packing(batches, jobs).added), sum(len(job.counts) for job in jobs)
    vectors = sum(batch.count for batch in batches)
    loaded = sum(batch.count * (config.length + (batch.beats - 1) * config.lanes) for batch in batches)
    if config.side == "keys":
        way = [_register("transpose", vectors * config.length * config.element_bits),
               *_transpose(config, sum(batch.count * batch.beats for batch in batches), steps,
                           sum(len(batch.job_chunks) * batch.beats for batch in batches))]
    else:
        way = [_register("packing", vectors * config.length * (config.element_bits + 1))]
    return [
        _register("intake", loaded * config.element_bits), *_selection(batches, vectors), *way,
        *_packing(config, steps, sum(job.beats for job in jobs)),
        *_queue("headers", len(jobs), HEADER_BITS, config.o_depth),
        *_queue("bitmaps", tiles, config.tile, config.b_slots),
        *_queue("records", tiles, config.tile.bit_length() + OFFSET_BITS + 3, config.b_slots)]


def inventory(config: PrunerConfig) -> Inventory:
    """The pruner's silicon: vectors held, counters of the threshold, packing, for keys their turning. Not control."""
    bits, length, lanes, area = config.element_bits, config.length, config.lanes, load_costs().area
    counters = ((1 << config.digit_bits) - 1) * length
    levels = (config.capacity - 1).bit_length()
    muxes = lanes * (lanes + 1) // 2 * bits + levels * config.capacity * (bits + 2)
    registers = length * (3 * bits + 3) + lanes * (2 * bits + 1) + config.capacity * bits
    um2 = counters * config.digit_bits * area("compare") + counters / 32 * area("add.int32")
    queues = config.o_depth * HEADER_BITS + config.b_slots * (config.tile + config.tile.bit_length() + OFFSET_BITS + 3)
    if config.side == "keys":
        muxes += config.tile * (lanes - 1)
        queues += 2 * config.most_beats * lanes * (config.most_chunks * lanes * bits + config.tile)
    return Inventory(um2=um2 + muxes * area("mux2") + registers * area("register"), sram_bits=queues)


def _selection(batches: Sequence[Batch], vectors: int) -> list[ActionCount]:
    """Threshold, and the marks along channels."""
    config, length = shared("batches", batches), shared("batches", batches).length
    compared = vectors * digits(config) * ((1 << config.digit_bits) - 1) * length
    marked, levels = sum(batch.count * batch.tiles for batch in batches), (config.tile - 1).bit_length()
    return [
        _register("selection", vectors * length * (config.element_bits + 2) + vectors * digits(config) * 2 * length),
        ActionCount(component="selection", action="compare", count=compared * config.digit_bits),
        ActionCount(component="selection", action="count ones", count=compared / 8, cost="add.int8"),
        ActionCount(component="marking", action="count ones", cost="add.int8",
                    count=marked * (levels * config.tile / 2 + config.tile / 8))]


def _transpose(config: PrunerConfig, writes: int, reads: int, places: int) -> list[ActionCount]:
    """Crossed banks of elements, and the memory of bits, of which a whole word is read for each place; rotations over
    the lanes.
    """
    word = config.lanes * config.element_bits
    bank = max(2 * config.most_beats * config.most_chunks * word // 8, SMALLEST_SRAM)
    bits = max(2 * config.most_beats * config.tile * config.lanes // 8, SMALLEST_SRAM)
    levels = (config.lanes - 1).bit_length()
    return [
        of_bytes("transpose", "write elements", writes * word / 8, cost="sram", capacity_bytes=bank),
        of_bytes("transpose", "read elements", reads * word / 8, cost="sram", capacity_bytes=bank),
        of_bytes("transpose", "write bits", writes * config.lanes / 8, cost="sram", capacity_bytes=bits),
        of_bytes("transpose", "read bits", places * config.tile * config.lanes / 8, cost="sram", capacity_bytes=bits),
        ActionCount(component="transpose", action="cross", count=(writes + reads) * levels * word, cost="mux2"),
        ActionCount(component="transpose", action="choose bits", count=reads * config.tile * (config.lanes - 1),
                    cost="mux2")]


def _packing(config: PrunerConfig, steps: int, beats: int) -> list[ActionCount]:
    """A register of the chunk and one behind its compaction, the ring."""
    bits, lanes = config.element_bits, config.lanes
    levels = (config.capacity - 1).bit_length()
    return [
        ActionCount(component="packing", action="write chunk", count=steps * lanes * (2 * bits + 1),
                    cost="register.write"),
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
