"""Power of a configuration: its gates run the family's cases, are held to the model, and what toggled is priced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.config import Configuration, in_range
from hwsim.energy import logic_factor
from rtl.bench.transfers import RESET_CYCLES
from rtl.power.account import Beside, beside, rows
from rtl.power.cells import PowerLibrary
from rtl.power.estimate import Estimate, estimate
from rtl.power.gates import GateBench, Gates, map_gates
from rtl.power.liberty import read_power
from rtl.power.netlist import elaborate
from rtl.synth.liberty import read_libraries
from rtl.verify.family import Case
from rtl.verify.registry import find_family
from rtl.verify.report import Report
from rtl.verify.run import Progress, run_cases

SLEW = 50e-12
"""Slew of the clock and of inputs (s)."""


@dataclass(frozen=True, kw_only=True)
class Power:
    """What the gates of a device spent on cases.

    Attributes:
        report: of the comparison of the gates with model and reference.
        cells: the library that they are of.
        resets: cycles of reset before the cases, which are in the energies too.
        found: energies.
        beside: the model's account of the same cases; empty without one, or without a node.
        memory_bits: not mapped, and not in the energies.
        slew: of clock and inputs (s).
    """

    report: Report
    cells: PowerLibrary
    resets: int
    found: Estimate
    beside: list[Beside]
    memory_bits: int
    slew: float

    @property
    def cycles(self) -> int:
        """Of the whole run: the cases' and those of their resets."""
        return self.report.rtl_cycles + self.resets

    def power(self, clock: float) -> tuple[float, float]:
        """Dynamic power and leakage (W) at a clock (Hz)."""
        return self.found.total.dynamic / self.cycles * clock, self.found.total.leakage

    def to_dict(self) -> dict[str, Any]:
        """Plain data; energies in pJ are of the whole run."""
        total = self.found.total
        return {"library": {"name": self.cells.name, "voltage": self.cells.voltage,
                            "wires": bool(self.cells.wires)},
                "cycles": self.cycles, "reset_cycles": self.resets, "slew_ps": 1e12 * self.slew,
                "memory_bits": self.memory_bits,
                "dynamic_pj": 1e12 * total.dynamic, "leakage_uw": 1e6 * total.leakage,
                "dynamic_pj_per_cycle": 1e12 * total.dynamic / self.cycles, "overloaded_nets": self.found.overloaded,
                "components": rows(self.found), "account": [each.to_dict() for each in self.beside],
                "verification": self.report.to_dict()}


def measure(family: str, config: Configuration, settings: Mapping[str, Any], liberty: Path, *, cases: int = 8,
            seed: int = 0, stalls: bool = False, nm: int | None = None, slew: float = SLEW,
            progress: Progress | None = None) -> Power:
    """Map a device to cells, run random cases of it on the gates, and price what toggled.

    Args:
        family: one of `rtl.verify.FAMILIES`.
        config: of the device.
        settings: what to fix of the cases, by the keys of the family.
        liberty: a library with internal energies.
        cases: how many.
        seed: of the cases.
        stalls: draw stalls at the ports, as ``hwsim verify`` does; otherwise none, but for what the settings say.
        nm: node of the library; without it there is no account beside the gates.
        slew: of clock and inputs (s).
        progress: told before each step.

    Raises:
        InputError: unknown names, values that cannot be used, a missing tool, or a library without energies.
        RuntimeError: a tool failed.
    """
    in_range("cases", cases, 1)
    tell = progress or (lambda done, total, what: None)
    [library] = read_libraries([liberty])
    model = read_power(library.text, str(liberty))
    if nm is not None:
        logic_factor(nm, model.voltage)  # refuses what it cannot bring there before the long part
    tell(0, 4, "mapping to cells")
    gates = map_gates(family, config, [library])
    made = _drawn(family, config, settings, gates, cases, seed, stalls)
    tell(1, 4, "compiling the gates")
    bench = GateBench(gates)
    tell(2, 4, f"{cases} cases on the gates")
    report = _compared(family, config, bench, made, seed)
    activity = bench.activity([case.stimulus for case in made])
    tell(3, 4, "pricing")
    netlist = elaborate(gates.netlist, family, model.cells, activity)
    found = estimate(netlist, model, slew)
    accounts = [case.actions for case in made]
    actions = [action for account in accounts if account is not None for action in account()]
    compared = beside(config, found, actions, nm, model.voltage) if nm is not None and None not in accounts else []
    return Power(report=report, cells=model, resets=RESET_CYCLES * cases, found=found, beside=compared,
                 memory_bits=netlist.memory_bits, slew=slew)


def _drawn(family: str, config: Configuration, settings: Mapping[str, Any], gates: Gates, cases: int, seed: int,
           stalls: bool) -> list[Case]:
    """Cases of the family."""
    chosen = find_family(family)
    still = {} if stalls else {"stalls": {port.name: 0.0 for port in gates.ports if port.name != "error"}}
    return [chosen.case(config, {**still, **settings}, np.random.default_rng([seed, 0, number]))
            for number in range(cases)]


def _compared(family: str, config: Configuration, bench: GateBench, cases: list[Case], seed: int) -> Report:
    """The cases on the gates, against model and reference."""
    report = Report(family=family, engine="verilator", seed=seed, configurations=1, verified=[config.to_mapping()])
    for number, (case, comparison) in enumerate(zip(cases, run_cases(bench, cases), strict=True)):
        report.add(comparison, {"family": family, "configuration": config.to_mapping(), "seed": seed,
                                "number": number, "case": dict(case.described)})
    return report
