"""A small outcome with known numbers, made without the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from hwsim.energy import ActionCount, EnergyTree, of_bytes
from hwsim.memory import Dram
from hwsim.report.outcome import Outcome, Run


@dataclass
class Layer:
    name: str
    cycles: int
    macs: int = 1000
    useful_macs: int = 500
    ratio: str = "2:4"
    kind: str = "linear"
    m: int = 10
    k: int = 10
    n: int = 10
    groups: int = 1
    stalls: dict[str, dict[str, int]] = field(default_factory=dict)
    dram_bytes: dict[str, int] = field(default_factory=lambda: {"a": 600, "o": 400})

    def __post_init__(self) -> None:
        if self.macs and not self.stalls:
            busy = self.cycles // 2
            rest = {"starved": self.cycles // 4, "blocked": 0}
            self.stalls = {"compute": {"busy": busy, **rest, "idle": self.cycles - busy - rest["starved"]}}

    @property
    def utilization(self) -> float:
        return self.useful_macs / (16 * self.cycles)

    @property
    def energy(self) -> EnergyTree:
        macs = ActionCount(component="PE", action="multiply", count=self.useful_macs, cost="mac.int8")
        return EnergyTree.of([macs, of_bytes("DRAM", "read", sum(self.dram_bytes.values()), cost="dram.ddr4")])

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "cycles": self.cycles}


@dataclass
class Machine:
    macs_per_cycle: int = 16


@dataclass
class Result:
    layers: tuple[Layer, ...]
    workload: str = "net"
    accelerator: str = "array 4x4"
    config: Machine = field(default_factory=Machine)
    clock_hz: float = 200e6
    dram: Dram = Dram.preset("ddr4-3200")

    @property
    def cycles(self) -> int:
        return sum(layer.cycles for layer in self.layers)

    @property
    def seconds(self) -> float:
        return self.cycles / self.clock_hz

    @property
    def energy(self) -> EnergyTree:
        return EnergyTree.merged([layer.energy for layer in self.layers])


Make = Callable[..., Outcome]


def _result(layers: int, cycles: int, **changes: Any) -> Result:
    made = [Layer(name=f"layer{k}", cycles=cycles, **changes) for k in range(layers)]
    made.append(Layer(name="pool", cycles=7, macs=0, useful_macs=0, kind="traffic", m=0, k=0, n=0))
    return Result(layers=tuple(made))


@pytest.fixture
def make() -> Make:
    """Function (layers, ratios, baselines) -> outcome; a baseline takes twice the cycles and the MACs."""

    def build(layers: int = 3, ratios: tuple[str, ...] = ("2:4",), baselines: tuple[str, ...] = ("dense",)) -> Outcome:
        runs = tuple(Run(ratio=ratio, result=_result(layers, 100 - 10 * k)) for k, ratio in enumerate(ratios))
        dense = {name: _result(layers, 200, useful_macs=1000, ratio="1:1") for name in baselines}
        return Outcome(runs=runs, baselines=dense, provenance={"inputs": {"a": 1}, "seed": 0})

    return build
