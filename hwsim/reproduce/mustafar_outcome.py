"""What ``hwsim reproduce mustafar`` runs, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.config import Configuration, in_range, positive
from hwsim.errors import InputError
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.machine import Engine, KvMachine
from hwsim.kv_workload.models import KvModel
from hwsim.kv_workload.pruning import KvPruning, Patterns
from hwsim.kv_workload.step import Step
from hwsim.kv_workload.storage import Measured
from hwsim.memory import Dram

SHARED = 0.5, 0.7
"""Sparsities of the published figures."""


@dataclass(frozen=True, kw_only=True)
class MustafarExperiment(Configuration):
    """The published cases on our machine; all of the machine is our assumption, its DRAM about as fast as the GPU's."""

    clock_hz: float = 1e9
    memory: Dram = Dram.preset("hbm2", channels=64)
    accelerator: KvMachine = KvMachine()
    gqa_accelerator: KvMachine = KvMachine.preset("kv-256x8")  # for Llama-3-8B, whose heads have four queries
    context: int = 2048
    batches: tuple[int, ...] = (1, 2, 4, 8)
    units: tuple[int, ...] = (32, 64, 128, 256)  # of `accelerator`, at the largest batch
    window: int = 32
    group: int = 256
    seed: int = 0

    def check(self) -> None:
        """Refuse numbers out of range and lists that do not rise."""
        positive("clock_hz", self.clock_hz)
        in_range("context", self.context, self.window + self.group, 1 << 16)
        for name in ("batches", "units"):
            listed = getattr(self, name)
            if not listed or list(listed) != sorted(set(listed)):
                raise InputError(name, "rising numbers, at least one", list(listed))
        in_range("batches[0]", self.batches[0], 1)
        in_range("batches", self.batches[-1], 1, 64)
        self.pruning()

    def pruning(self, patterns: Patterns = "synthetic", sparsities: tuple[float, ...] = SHARED) -> KvPruning:
        """Window, group and seed."""
        return KvPruning(sparsities=sparsities, window=self.window, group=self.group, patterns=patterns, seed=self.seed)

    def cached(self, model: str, batch: int, context: int, machine: KvMachine) -> KvExperiment:
        """One model's cache on a machine."""
        workload = {"kv": KvModel.preset(model), "batch": batch, "contexts": (context,), "prompt": context,
                    "generate": 1}
        return KvExperiment.from_mapping({
            "clock_hz": self.clock_hz, "workload": workload, "pruning": self.pruning(), "accelerator": machine,
            "memory": self.memory})


@dataclass(frozen=True, kw_only=True)
class MustafarOutcome:
    """Storage and steps.

    Attributes:
        expected: by sparsity, the format's arithmetic.
        measured: by patterns (synthetic; minilm where its packages are there) and sparsity.
        by_batch: by sparsity and batch, a step of each engine: Llama-2-7B at ``experiment.context``.
        by_units: by sparsity and number of units, the same at the largest batch.
        contexts: least and most tokens at which exactly six dense sequences of Llama-3-8B fit in the GPU.
        sequences: by sparsity, how many compressed ones fit at the longer of the two.
        served: by sparsity, tokens/s on our machine of 8 compressed over 6 dense sequences at that context.
        roofline: by sparsity, the same on the GPU by bytes alone.
    """

    experiment: MustafarExperiment
    expected: Mapping[float, float]
    measured: Mapping[Patterns, Mapping[float, Measured]]
    by_batch: Mapping[float, Mapping[int, Mapping[Engine, Step]]]
    by_units: Mapping[float, Mapping[int, Mapping[Engine, Step]]]
    contexts: tuple[int, int]
    sequences: Mapping[float, int]
    served: Mapping[float, float]
    roofline: Mapping[float, float]


def gain(steps: Mapping[Engine, Step], engine: Engine) -> float:
    """Cycles of attention on the dense engine over those on this one."""
    return steps["dense"].attention_cycles / steps[engine].attention_cycles
