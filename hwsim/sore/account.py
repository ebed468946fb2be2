"""What slices cost in actions: comparisons, register moves, memory accesses. Energy prices them."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.config import shared
from hwsim.energy import ActionCount, Inventory, load_costs, of_bytes
from hwsim.sore.config import SoreConfig
from hwsim.sore.slices import Slice

WEIGHT_BITS, MAGNITUDE_BITS = 16, 15
SMALLEST_SRAM, LARGEST_SRAM = 64, 64 << 20
"""Range of the cost table (bytes); a smaller bank is priced as the smallest, which overstates it."""


def action_counts(slices: Sequence[Slice]) -> list[ActionCount]:
    """Actions of slices on one engine.

    A sorter compares each element with all its slots, whatever the ratio. Its slot registers are charged as if every
    element moved all of them, which is more than any data do. Only wanted directions cost. Not counted: control.
    """
    config = shared("slices", slices)
    steps, groups, results = _each(slices, "m"), _each(slices, "one"), _each(slices, "n")
    rows = sum(part.groups * part.ratio.m for part in slices)
    slot = WEIGHT_BITS + config.index_bits
    rank = (config.kept - 1).bit_length()
    counts = [_register("intake", "row", rows * config.lanes * WEIGHT_BITS)]
    for port in ("f", "b"):
        elements, name = steps[port] * config.lanes, f"sorters {port}"
        drained = (groups[port] + results[port]) * config.lanes * config.kept * slot
        counts += [ActionCount(component=name, action="compare", count=elements * config.kept * MAGNITUDE_BITS),
                   _register(name, "slots", elements * config.kept * (slot + rank + 2)),
                   _register(name, "drain", drained)]
        counts += _memory(f"queue {port}", results[port], config.lanes * slot / 8 + 0.25, config.o_depth)
    return counts + _transposer(config, steps["b"])


def inventory(config: SoreConfig) -> Inventory:
    """The engine's silicon: sorters of both directions, transposer, queues. Not counted: control."""
    area, slot = load_costs().area, WEIGHT_BITS + config.index_bits
    rank = (config.kept - 1).bit_length()
    sorter = config.kept * (MAGNITUDE_BITS * area("compare") + (2 * slot + rank + 2) * area("register"))
    crossing = 2 * config.index_bits * config.lanes * WEIGHT_BITS * area("mux2")
    registers = 2 * config.lanes * WEIGHT_BITS * area("register")
    queue = config.o_depth * (config.lanes * slot + 2)
    return Inventory(um2=2 * config.lanes * sorter + crossing + registers,
                     sram_bits=2 * queue + 2 * config.group * config.lanes * WEIGHT_BITS)


def _each(slices: Sequence[Slice], what: str) -> dict[str, int]:
    """By port: the sum over the wanted slices of M, N or 1 for every group."""
    factor = {"m": lambda part: part.ratio.m, "n": lambda part: part.ratio.n, "one": lambda part: 1}[what]
    wanted = {"f": lambda part: part.forward, "b": lambda part: part.backward}
    return {port: sum(part.groups * factor(part) for part in slices if choose(part))
            for port, choose in wanted.items()}


def _transposer(config: SoreConfig, rows: int) -> list[ActionCount]:
    """Two crossings, the banks between them, and the register behind."""
    bits = rows * config.lanes * WEIGHT_BITS
    return [ActionCount(component="transposer", action="crossing", count=2 * config.index_bits * bits, cost="mux2"),
            *_memory("transposer", rows * config.lanes, WEIGHT_BITS / 8, 2 * config.group),
            _register("transposer", "column", bits)]


def _memory(component: str, words: int, word_bytes: float, depth: int) -> list[ActionCount]:
    """Each word is written once and read once."""
    capacity = int(min(max(depth * word_bytes, SMALLEST_SRAM), LARGEST_SRAM))
    return [of_bytes(component, action, words * word_bytes, cost="sram", capacity_bytes=capacity)
            for action in ("write", "read")]


def _register(component: str, action: str, bits: int) -> ActionCount:
    return ActionCount(component=component, action=f"{action} write", count=bits, cost="register.write")
