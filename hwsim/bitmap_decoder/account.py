"""What jobs cost in actions: bitmap bits, value words, selections, multiply-accumulates. Energy prices them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from hwsim.bitmap_decoder.config import BitmapConfig, DecoderConfig
from hwsim.bitmap_decoder.decoder import DecoderJob
from hwsim.bitmap_decoder.decoder import steps_of as decoder_steps
from hwsim.bitmap_decoder.dot import steps_of as dot_steps
from hwsim.bitmap_decoder.jobs import DotJob
from hwsim.config import shared
from hwsim.energy import ActionCount, Inventory, load_costs, of_bytes

MAC_COST = {"fp16": "mac.fp16-fp32", "int8": "mac.int8"}
SMALLEST_SRAM, LARGEST_SRAM = 64, 64 << 20
"""Range of the cost table (bytes); a smaller memory is priced as the smallest, which overstates it."""


def decoder_counts(jobs: Sequence[DecoderJob]) -> list[ActionCount]:
    """Actions of a decoder. Each lane selects among the lanes below it, whatever its bit; a beat rotates once.

    Not counted: control, and the counting of ones.
    """
    config, steps = shared("jobs", jobs), decoder_steps(jobs)
    beats, bits = len(steps.job), config.element_bits
    selects = config.lanes * (config.lanes - 1) // 2  # a choice among n takes n - 1 multiplexers
    return [*_streams(jobs, config), *_rotation(config, beats, config.lanes),
            _register("select", beats * config.lanes * (bits + 1)),
            ActionCount(component="select", action="choose", count=beats * selects * bits, cost="mux2"),
            *_memory("results", beats, config.lanes * bits + 2, config.o_depth)]


def dot_counts(jobs: Sequence[DotJob]) -> list[ActionCount]:
    """Actions of a dot product. Only lanes with a non-zero multiply; every lane reads X in every step.

    X is written once into each lane's copy. Not counted: control, the search for ones, the registers of the tree.
    """
    config, steps = shared("jobs", jobs), dot_steps(jobs)
    count, bits, macs = len(steps.job), config.element_bits, int(steps.macs.sum())
    rows, results = sum(job.elements for job in jobs), sum(job.rows for job in jobs)
    row_bytes = config.cols * bits / 8
    capacity = _capacity(row_bytes, 2 * config.x_depth)
    return [*_streams(jobs, config), *_rotation(config, count, config.most_taken),
            _register("select", count * config.macs * (bits + (config.x_depth - 1).bit_length() + 1)),
            of_bytes("operand", "write", rows * config.macs * row_bytes, cost="sram", capacity_bytes=capacity),
            of_bytes("operand", "read", count * config.macs * row_bytes, cost="sram", capacity_bytes=capacity),
            ActionCount(component="columns", action="multiply-accumulate", count=macs * config.cols,
                        cost=MAC_COST[config.data_type]),
            ActionCount(component="columns", action="sum write", count=count * config.cols * 32,
                        cost="register.write"),
            *_memory("results", results, 32 * config.cols + 1, config.o_depth)]


def action_counts(jobs: Sequence[DecoderJob] | Sequence[DotJob]) -> list[ActionCount]:
    """Actions of jobs on one component, in order without a reset between."""
    if jobs and isinstance(jobs[0].config, DecoderConfig):
        return decoder_counts(cast("Sequence[DecoderJob]", jobs))
    return dot_counts(cast("Sequence[DotJob]", jobs))


def _streams(jobs: Sequence[DecoderJob] | Sequence[DotJob], config: BitmapConfig) -> list[ActionCount]:
    """What comes in and waits: bitmaps are written and read once, whole value beats written once."""
    bits = sum(len(job.counts) for job in jobs) * config.tile
    values = sum(job.beats for job in jobs) * config.beat_values * config.element_bits
    return [_register("bitmaps", bits), ActionCount(component="bitmaps", action="read", count=bits,
                                                    cost="register.read"), _register("values", values)]


def _rotation(config: BitmapConfig, steps: int, width: int) -> list[ActionCount]:
    """The barrel shifter of the value buffer; level by level as it is built."""
    bits = _rotated_bits(config, width)
    return [ActionCount(component="values", action="rotate", count=steps * bits, cost="mux2")]


def _rotated_bits(config: BitmapConfig, width: int) -> int:
    """Multiplexer bits of the rotation."""
    muxes = sum(min(config.capacity, width + (1 << level) - 1) for level in range(_levels(config.capacity)))
    return muxes * config.element_bits


def decoder_inventory(config: DecoderConfig) -> Inventory:
    """The decoder's silicon: bitmaps, value buffer with its rotation, choice of each lane, results. Not control."""
    bits, lanes = config.element_bits, config.lanes
    muxes = _rotated_bits(config, lanes) + lanes * (lanes - 1) // 2 * bits
    registers = config.b_slots * config.tile + config.capacity * bits + lanes * (bits + 1)
    area = load_costs().area
    return Inventory(um2=muxes * area("mux2") + registers * area("register"),
                     sram_bits=config.o_depth * (lanes * bits + 2))


def _levels(choices: int) -> int:
    """Levels of 2:1 multiplexers."""
    return (choices - 1).bit_length()


def _capacity(word_bytes: float, depth: int) -> int:
    return int(min(max(depth * word_bytes, SMALLEST_SRAM), LARGEST_SRAM))


def _memory(component: str, words: int, word_bits: int, depth: int) -> list[ActionCount]:
    """Each word is written once and read once."""
    return [of_bytes(component, action, words * word_bits / 8, cost="sram",
                     capacity_bytes=_capacity(word_bits / 8, depth)) for action in ("write", "read")]


def _register(component: str, bits: int) -> ActionCount:
    return ActionCount(component=component, action="write", count=bits, cost="register.write")
