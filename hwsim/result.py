"""Results of a simulation: one layer, one network on one accelerator. They hold what made them and add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from hwsim.energy import CostTable, EnergyTree
from hwsim.memory import Dram


class Accelerator(Protocol):
    """What a result needs of an accelerator's configuration, whatever its family."""

    @property
    def macs_per_cycle(self) -> int:
        """Multipliers of the whole accelerator."""

    def to_mapping(self) -> dict[str, Any]:
        """Plain data that gives the configuration back."""


Stalls = dict[str, dict[str, int]]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerResult:
    """One operator on the array.

    ``cycles``: from the first descriptor to the last byte in DRAM; ``array_cycles``: to the last result at the array's
    port, which is what the RTL is held to (0 for operators that do not use the array).

    ``stalls``: by process, cycles busy, starved, blocked and idle; they add up to ``cycles`` for each process.
    ``bound_cycles``: no schedule of this tiling can be faster. ``best_bound_cycles``: nor any tiling
    that was looked at.
    """

    name: str
    kind: str
    m: int
    k: int
    n: int
    groups: int
    ratio: str
    tiling: dict[str, Any]
    cycles: int
    array_cycles: int
    bound_cycles: int
    best_bound_cycles: int
    macs: int         # of the dense operator
    useful_macs: int  # with kept weights
    peak_macs: int    # multipliers of the array, per cycle
    stalls: Stalls
    dram_bytes: dict[str, int]
    energy: EnergyTree

    def __post_init__(self) -> None:
        for process, split in self.stalls.items():
            if sum(split.values()) != self.cycles:
                raise RuntimeError(f"{self.name}: {process}: {split} does not add up to {self.cycles} cycles")
        if self.cycles < self.bound_cycles:
            raise RuntimeError(f"{self.name}: {self.cycles} cycles are below the bound of {self.bound_cycles}")

    @property
    def utilization(self) -> float:
        """Kept-weight multiplications per multiplier and cycle, 0 … 1."""
        return self.useful_macs / (self.peak_macs * self.cycles) if self.cycles else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data: cycles, bytes, joules."""
        return {
            "name": self.name, "kind": self.kind, "m": self.m, "k": self.k, "n": self.n, "groups": self.groups,
            "ratio": self.ratio, "tiling": self.tiling, "cycles": self.cycles,
            "array_cycles": self.array_cycles, "bound_cycles": self.bound_cycles,
            "best_bound_cycles": self.best_bound_cycles, "utilization": self.utilization, "macs": self.macs,
            "useful_macs": self.useful_macs, "stalls": self.stalls, "dram_bytes": self.dram_bytes,
            "energy_joules": self.energy.total, "energy": self.energy.to_dict()}


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkResult:
    """A workload on one accelerator: its layers run one after the other, each drained before the next."""

    workload: str
    accelerator: str
    config: Accelerator
    clock_hz: float
    dram: Dram
    layers: tuple[LayerResult, ...]

    @property
    def cycles(self) -> int:
        """Sum over the layers."""
        return sum(layer.cycles for layer in self.layers)

    @property
    def seconds(self) -> float:
        """Time at the array's clock."""
        return self.cycles / self.clock_hz

    def repriced(self, table: CostTable) -> NetworkResult:
        """The same run at another table's costs."""
        return replace(self, layers=tuple(replace(layer, energy=layer.energy.repriced(table)) for layer in self.layers))

    @cached_property
    def energy(self) -> EnergyTree:
        """All layers' actions together."""
        return EnergyTree.merged([layer.energy for layer in self.layers])

    @property
    def dram_bytes(self) -> int:
        """Bytes over the channel."""
        return sum(sum(layer.dram_bytes.values()) for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: cycles, seconds, joules, bytes."""
        return {
            "workload": self.workload, "accelerator": self.accelerator, "config": self.config.to_mapping(),
            "clock_hz": self.clock_hz, "memory": self.dram.to_mapping(), "cycles": self.cycles,
            "seconds": self.seconds, "energy_joules": self.energy.total, "energy": self.energy.to_dict(),
            "dram_bytes": self.dram_bytes, "layers": [layer.to_dict() for layer in self.layers]}
