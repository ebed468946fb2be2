"""What a scheduled training step amounts to: choices, cycles, traffic and energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from hwsim.energy import EnergyTree
from hwsim.nm_array.config import Dataflow
from hwsim.sparsity.ratio import Ratio
from hwsim.training.stages import PARTS, Part, Stage


class PortBytes(NamedTuple):
    """Bytes of each port of the array through DRAM: A, B, parameters, results."""

    a: int
    w: int
    q: int
    o: int


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How one GEMM runs.

    ``array``: cycles that the array alone needs for the passes. ``channel``: cycles that the DRAM channel is busy.
    """

    dataflow: Dataflow
    beats: int
    order: Literal["mn", "nm"]
    cycles: int
    array: int
    channel: int
    moved: PortBytes

    @property
    def dram_bytes(self) -> int:
        """Bytes through DRAM."""
        return sum(self.moved)

    @property
    def limit(self) -> str:
        """What keeps it from being faster: ``"array"`` or ``"memory"``, whichever is busy longer."""
        return "memory" if self.channel > self.array else "array"


@dataclass(frozen=True, kw_only=True)
class StageRun:
    """One stage with the choices for its GEMMs; ``moved_cycles`` are those of its element-wise work."""

    stage: Stage
    choices: tuple[Choice, ...]
    moved_cycles: int
    switch_cycles: int

    @property
    def cycles(self) -> int:
        """Cycles of the stage."""
        return self.switch_cycles + self.moved_cycles + sum(choice.cycles for choice in self.choices)

    @property
    def channel(self) -> int:
        """Cycles that the DRAM channel is busy."""
        return self.moved_cycles + sum(choice.channel for choice in self.choices)


@dataclass(frozen=True, kw_only=True, eq=False)
class StepResult:
    """One training step.

    Args:
        network: its name.
        batch: images.
        ratio: of the sparse layers' weights.
        stages: in running order.
        cycles: of the whole step, from its timed network.
        split: cycles by FF, BP, WU, SORE and update; they add up to ``cycles``.
        pregenerated: layers whose sparse weights are generated with the update; the other sparse ones are on line.
        update_bytes: DRAM bytes of update and generation, by what they are.
        engines: cycles that WUVE and SORE are busy, hidden or not.
        energy: of the step.
        macs_per_cycle: multipliers of the array.
    """

    network: str
    batch: int
    ratio: Ratio
    stages: tuple[StageRun, ...]
    cycles: int
    split: Mapping[str, int]
    pregenerated: tuple[str, ...]
    update_bytes: Mapping[str, int]
    engines: Mapping[str, int]
    energy: EnergyTree
    macs_per_cycle: int

    def __post_init__(self) -> None:
        if sum(self.split.values()) != self.cycles:
            raise RuntimeError(f"{self.network}: {dict(self.split)} does not add up to {self.cycles} cycles")

    @cached_property
    def kept_macs(self) -> int:
        """Multiply-accumulates with a kept weight."""
        return sum(run.stage.kept_macs for run in self.stages)

    @cached_property
    def account(self) -> dict[str, int]:
        """Where the cycles went; the entries add up to ``cycles``.

        ``ideal``: the kept MACs on all multipliers. ``array``: what GEMMs need beyond that where the array is busy
        longer than the channel (tiles that do not fill it, loading, drains), ``memory``: where the channel is.
        ``element-wise``: norms, pooling, sums, activations. Then ``switch`` of dataflow, ``SORE`` and ``update``.
        """
        beyond = {"array": 0.0, "memory": 0.0}
        for run in self.stages:
            for gemm, choice in zip(run.stage.gemms, run.choices, strict=True):
                beyond[choice.limit] += choice.cycles - gemm.kept_macs / self.macs_per_cycle
        parts = {limit: round(cycles) for limit, cycles in beyond.items()}
        parts["element-wise"] = sum(run.moved_cycles for run in self.stages)
        parts["switch"] = sum(run.switch_cycles for run in self.stages)
        parts |= {"SORE": self.split["SORE"], "update": self.split["update"]}
        return {"ideal": self.cycles - sum(parts.values()), **parts}

    @property
    def memory_limited(self) -> int:
        """Cycles of the GEMMs that keep the channel busy longer than the array, and of element-wise work."""
        return sum(run.moved_cycles + sum(choice.cycles for choice in run.choices if choice.limit == "memory")
                   for run in self.stages)

    @property
    def dram_bytes(self) -> int:
        """Bytes that the step moves through DRAM."""
        return sum(self.traffic.values())

    @cached_property
    def traffic(self) -> dict[str, int]:
        """DRAM bytes by what they are. Activations that FF writes are kept for WU, and are not written twice."""
        found = dict.fromkeys(("activations", "weights", "gradients", "weight gradients", "element-wise"), 0)
        for run in self.stages:
            found["element-wise"] += run.stage.moved
            for number, choice in enumerate(run.choices):
                a, w, o = _KINDS[run.stage.part]
                if not run.stage.weights:  # a product of two activations; in BP its second GEMM is A^T times gradients
                    a, w = ("activations", a) if number else (a, "activations")
                found[a] += choice.moved.a
                found[w] += choice.moved.w + choice.moved.q
                found[o] += choice.moved.o
        for what, nbytes in self.update_bytes.items():
            found[what] = found.get(what, 0) + nbytes
        return found

    def dataflows(self) -> dict[str, dict[str, int]]:
        """GEMMs by part and dataflow."""
        counts: dict[str, dict[str, int]] = {part: {"ws": 0, "os": 0} for part in PARTS}
        for run in self.stages:
            for choice in run.choices:
                counts[run.stage.part][choice.dataflow] += 1
        return counts

    def to_dict(self, *, stages: bool = True) -> dict[str, Any]:
        """Plain data, with or without every stage; cycles, bytes, joules."""
        energy = self.energy
        return {
            "network": self.network, "batch": self.batch, "ratio": str(self.ratio), "cycles": self.cycles,
            "split": dict(self.split), "account": self.account, "dram_bytes": self.dram_bytes, "traffic": self.traffic,
            "engines": dict(self.engines),
            "energy_joules": float(energy.total), "energy_bounds_joules": [float(each) for each in energy.bounds],
            "energy_by_component_joules": {name: float(each) for name, each in energy.components.items()},
            "energy": energy.to_dict(),
            "dataflows": self.dataflows(), "pregenerated": list(self.pregenerated),
            **({"stages": [_stage_row(run) for run in self.stages]} if stages else {}),
        }


_KINDS: Mapping[Part, tuple[str, str, str]] = {
    "FF": ("activations", "weights", "activations"), "BP": ("gradients", "weights", "gradients"),
    "WU": ("activations", "gradients", "weight gradients")}
"""What A, B and the result of a part are; without weights, B is activations."""


def _stage_row(run: StageRun) -> dict[str, Any]:
    gemms = [{"m": gemm.m, "k": gemm.k, "n": gemm.n, "groups": gemm.groups, "ratio": str(gemm.ratio),
              "dataflow": choice.dataflow, "beats": choice.beats, "order": choice.order, "cycles": choice.cycles,
              "limit": choice.limit, "dram_bytes": choice.dram_bytes}
             for gemm, choice in zip(run.stage.gemms, run.choices, strict=True)]
    return {"layer": run.stage.layer, "part": run.stage.part, "cycles": run.cycles,
            "element_wise_cycles": run.moved_cycles, "gemms": gemms}
