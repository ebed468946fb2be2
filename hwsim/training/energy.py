"""Energy of a training step: the array's GEMMs, the line buffer, element-wise traffic, the update and SORE."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from hwsim.energy import ActionCount, Cost, EnergyTree, Inventory, duration, load_costs, of_bytes
from hwsim.energy.account import Leaf
from hwsim.nm_array.account import action_counts, dram_cost, standing
from hwsim.nm_array.program import Program
from hwsim.nm_array.traffic import Traffic
from hwsim.sore.account import MAGNITUDE_BITS
from hwsim.sore.account import inventory as sore_inventory
from hwsim.training.machine import TrainingMachine
from hwsim.training.stages import ELEMENT_BYTES
from hwsim.training.update import Work
from hwsim.wuve.account import inventory as wuve_inventory

UPDATE_OPERATIONS = 3
"""FP32 multiplications, and additions, for one weight of SGD: decay into the gradient, momentum, learning rate."""


def energy_of(counts: Iterable[ActionCount]) -> EnergyTree:
    """The counts priced, as `EnergyTree.of` does, with each price looked up once: a step has thousands of GEMMs."""
    return EnergyTree.summed(Leaf(component=item.component, action=item.action, count=item.count,
                                  cost=_price(item.cost_name, item.capacity_bytes)) for item in counts)


@lru_cache(maxsize=1024)
def _price(name: str, capacity_bytes: int | None) -> Cost:
    return load_costs().cost(name) if capacity_bytes is None else load_costs().sram(capacity_bytes)


def gemm_actions(machine: TrainingMachine, program: Program, moved: Traffic) -> list[ActionCount]:
    """Actions of one GEMM, its operands' way through the line buffer among them."""
    counts = action_counts(program, moved, machine.dram)
    if machine.line_bytes:
        p = program.a_pass
        rows = int((program.m_size[p] * program.k_size[p]).sum()) * ELEMENT_BYTES
        counts += [of_bytes("line buffer", way, nbytes, cost="sram", capacity_bytes=machine.line_bytes)
                   for way, nbytes in (("write", moved.totals()["a"]), ("read", rows))]
    return counts


def standing_of(machine: TrainingMachine, cycles: int) -> list[ActionCount]:
    """What leaks or idles over a step: array, line buffer, SORE and WUVE, DRAM."""
    time = duration(cycles, machine.clock_hz)
    beside = {"line buffer": Inventory(sram_bits=8 * machine.line_bytes), "SORE": sore_inventory(machine.sore),
              "update": wuve_inventory(machine.wuve)}
    return [*standing(machine.array, machine.dram, time),
            *(count for name, part in beside.items() for count in part.held(name, time))]


def other_actions(machine: TrainingMachine, moved: int, updates: Sequence[Work],
                  online: Sequence[Work]) -> list[ActionCount]:
    """Actions beside the GEMMs.

    Args:
        machine: the accelerator.
        moved: bytes of element-wise work; its arithmetic is not counted.
        updates: WUVE's runs.
        online: SORE's runs on line. Behind an update it works in both directions, on line in one; a sorter compares
            each weight with all its slots. Its registers and queues are not counted here.
    """
    sorted_weights = sum(2 * work.weights for work in updates if work.sore) + sum(work.weights for work in online)
    weights, cost = sum(work.weights for work in updates), dram_cost(machine.dram)
    return [
        of_bytes("DRAM", "element-wise", moved, cost=cost),
        of_bytes("DRAM", "update", sum(sum(work.moved.values()) for work in updates), cost=cost),
        of_bytes("DRAM", "generate on line", sum(sum(work.moved.values()) for work in online), cost=cost),
        ActionCount(component="SORE", action="compare", count=sorted_weights * machine.sore.kept * MAGNITUDE_BITS),
        ActionCount(component="update", action="scale gradient", count=weights, cost="multiply.fp16"),
        ActionCount(component="update", action="multiply", count=UPDATE_OPERATIONS * weights, cost="multiply.fp32"),
        ActionCount(component="update", action="add", count=UPDATE_OPERATIONS * weights, cost="add.fp32"),
    ]
