"""All steps of a reproduction: networks x ratios, baselines of the schedule, and what the speedup is sensitive to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hwsim.config import Configuration, in_range, one_of
from hwsim.energy import EnergyChoice
from hwsim.errors import InputError
from hwsim.gpu.choice import GpuChoice
from hwsim.sparsity.ratio import Ratio
from hwsim.training.machine import TrainingMachine
from hwsim.training.result import StepResult
from hwsim.workload.zoo_training import NETWORKS


@dataclass(frozen=True, kw_only=True)
class TrainingExperiment(Configuration):
    """What is run. Batch and machine are our assumption: the paper's are not known to us."""

    machine: TrainingMachine = TrainingMachine.preset("sat")
    batch: int = 32
    networks: tuple[str, ...] = tuple(NETWORKS)
    ratios: tuple[Ratio, ...] = (Ratio(2, 4), Ratio(2, 8), Ratio(2, 16))
    detail: Ratio = Ratio(2, 8)  # of baselines and sensitivities
    gpu: GpuChoice = GpuChoice()  # compared with, dense FP16
    energy: EnergyChoice = EnergyChoice()  # technology that energy is told for

    def check(self) -> None:
        """Refuse unknown networks, none at all, ratios that the array lacks, and a detail that is not run."""
        in_range("batch", self.batch, 1, 4096)
        for name in self.networks:
            one_of("networks", name, NETWORKS)
        if not self.networks or len(set(self.networks)) < len(self.networks):
            raise InputError("networks", "at least one, each once", self.networks)
        for ratio in self.ratios:
            self.machine.array.mode_number(ratio)
        if self.detail not in self.ratios:
            raise InputError("detail", f"one of {', '.join(map(str, self.ratios))}", str(self.detail))


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingOutcome:
    """Results by network (its key in `NETWORKS`).

    Args:
        experiment: what was run.
        dense: the dense step.
        sparse: by ratio.
        bounds: by ratio: what the network's MACs allow.
        baselines: by name of the schedule: the step at the ratio of the detail.
        sensitivity: by what was changed: speedup at the ratio of the detail, over the dense step with the same change.
    """

    experiment: TrainingExperiment
    dense: Mapping[str, StepResult]
    sparse: Mapping[Ratio, Mapping[str, StepResult]]
    bounds: Mapping[Ratio, Mapping[str, float]]
    baselines: Mapping[str, Mapping[str, StepResult]]
    sensitivity: Mapping[str, Mapping[str, float]]

    def speedups(self, ratio: Ratio) -> dict[str, float]:
        """Cycles of the dense step / cycles of the sparse one."""
        return {name: self.dense[name].cycles / step.cycles for name, step in self.sparse[ratio].items()}

    def average(self, ratio: Ratio) -> float:
        """Arithmetic mean of the speedups over the networks."""
        return mean(self.speedups(ratio).values())


def mean(values: Iterable[float]) -> float:
    """Arithmetic mean."""
    listed = list(values)
    return sum(listed) / len(listed)
