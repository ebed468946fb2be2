"""The cost table's entries measured on gates of our own, beside the literature's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.config import in_range
from hwsim.energy import load_costs, logic_factor
from rtl.bench import stream_ports
from rtl.bench.transfers import RESET_CYCLES
from rtl.power.estimate import Spent, estimate
from rtl.power.gates import GateBench, map_verilog
from rtl.power.liberty import read_power
from rtl.power.netlist import elaborate
from rtl.power.primitives import NAME, PRIMITIVES, Primitive, Primitives, draw_operands, stimulus
from rtl.power.run import SLEW
from rtl.synth.liberty import read_libraries
from rtl.verilog import emit

COUNT = 1000
"""Operations of each."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An entry of the cost table on gates.

    Attributes:
        cost: its name.
        bits: that the energies are for; 1 where they are of the whole operation.
        energy: of one operation, or one bit of it, at the gates' node and supply (J); registers with their clock.
        brought: the same at the node and supply of the cost table (J).
        table: nominal, low and high of the cost table (J).
        cells: of the primitive.
    """

    cost: str
    bits: int
    energy: float
    brought: float
    table: tuple[float, float, float]
    cells: int

    @property
    def inside(self) -> bool:
        """Whether the table's range has it."""
        return self.table[1] <= self.brought <= self.table[2]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, in pJ."""
        nominal, low, high = (1e12 * value for value in self.table)
        return {"cost": self.cost, "bits": self.bits, "gates_pj": 1e12 * self.energy, "brought_pj": 1e12 * self.brought,
                "table_pj": nominal, "low_pj": low, "high_pj": high, "inside": self.inside, "cells": self.cells}


def measure_costs(liberty: Path, nm: int, *, count: int = COUNT, seed: int = 0, slew: float = SLEW) -> list[Measured]:
    """Run every primitive on gates with random operands, hold its results to the reference, price what toggled.

    Args:
        liberty: a library with internal energies.
        nm: its node.
        count: of operands.
        seed: of the operands.
        slew: of clock and inputs (s).

    Raises:
        InputError: a missing tool, a library without energies, a node that costs cannot be brought from.
        RuntimeError: a tool failed, or a gate's result differs from the reference.
    """
    in_range("count", count, 2)
    [library] = read_libraries([liberty])
    model, device = read_power(library.text, str(liberty)), Primitives()
    factor = logic_factor(nm, model.voltage)
    gates = map_verilog(emit(device, NAME), NAME, stream_ports(device), [library])
    given, wanted = stimulus(draw_operands(count, np.random.default_rng(seed)))
    bench = GateBench(gates)
    [seen] = bench.run([given])
    if seen.value["o"] != wanted or not np.array_equal(seen.cycle["o"], np.arange(1, count + 1)):
        raise RuntimeError(f"{NAME}: results of the gates are not those of the reference")
    found = estimate(elaborate(gates.netlist, NAME, model.cells, bench.activity([given])), model, slew)
    cycles = count + 1 + RESET_CYCLES
    return [_measured(each, found.components, count, cycles, factor) for each in PRIMITIVES]


def _measured(primitive: Primitive, components: Mapping[str, Spent], count: int, cycles: int,
              factor: float) -> Measured:
    """What the modules of a primitive spent on one operation."""
    whole = f"{NAME}.{primitive.module}"
    spent = sum((each for name, each in components.items() if name == whole or name.startswith(whole + ".")), Spent())
    if not spent.cells:
        raise RuntimeError(f"{NAME}: {primitive.module} has no cells")
    energy = ((spent.dynamic - spent.clock) / count + spent.clock / cycles) / primitive.per
    entry = load_costs().cost(primitive.cost)
    return Measured(cost=primitive.cost, bits=primitive.per, energy=energy, brought=energy / factor,
                    table=(entry.energy, *entry.bounds), cells=spent.cells)
