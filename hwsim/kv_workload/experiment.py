"""What a user asks for: a model's cache by context, batch and sparsity, on an accelerator with its memory.

The file's form:

    clock_hz = 1e9
    capacity_bytes = 48e9            # of the DRAM, for weights and caches

    [workload]
    kv = "llama2-7b"                 # or llama-3-8b, mistral-7b, or the fields of KvModel
    batch = 1
    contexts = [256, 1024, 4096]     # tokens of each sequence
    prompt = 4096                    # timeline: tokens of the prompt,
    generate = 512                   # and tokens that follow it

    [pruning]
    sparsities = [0.5, 0.7]          # one run for each
    patterns = "synthetic"           # or minilm: keys and values of a small trained transformer

    [accelerator]
    family = "bitmap_decoder"
    preset = "kv-64x8"

    [memory]
    preset = "hbm2"

    [gpu]                            # compared with
    preset = "rtx6000-ada"

    [energy]
    technology = "45nm"              # or 28nm, 16nm, 7nm, ultrascale+

Every key is checked; unknown ones are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from hwsim.config import Configuration, in_range, positive
from hwsim.energy import EnergyChoice
from hwsim.errors import InputError
from hwsim.gpu.board import GpuBoard
from hwsim.kv_workload.machine import KvMachine
from hwsim.kv_workload.models import KvModel
from hwsim.kv_workload.pruning import KvPruning
from hwsim.memory import Dram

LONGEST, LARGEST = 1 << 20, 1 << 24
"""Most tokens of a context; most tokens of a layer's heads together."""


@dataclass(frozen=True, kw_only=True)
class KvWorkload(Configuration):
    """A model's cache: how many sequences, how many tokens each, and the timeline of one run."""

    kv: KvModel
    batch: int = 1
    contexts: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)
    prompt: int = 4096
    generate: int = 512

    def check(self) -> None:
        """Refuse numbers out of range, contexts that do not rise, and what would take minutes."""
        in_range("batch", self.batch, 1, 1024)
        if not self.contexts or list(self.contexts) != sorted(set(self.contexts)):
            raise InputError("contexts", "rising numbers of tokens, at least one", list(self.contexts))
        for name, longest in (("contexts", self.contexts[-1]), ("prompt", self.prompt + self.generate)):
            in_range(name, longest, 1, LONGEST)
            tokens = longest * self.batch * self.kv.shape.kv_heads
            if tokens > LARGEST:
                raise InputError(name, f"at most {LARGEST} tokens of all heads and sequences of a layer", tokens)
        in_range("contexts[0]", self.contexts[0], 1)
        in_range("prompt", self.prompt, 1)
        in_range("generate", self.generate, 1)


@dataclass(frozen=True, kw_only=True)
class KvExperiment(Configuration):
    """One cache on three engines of equal multipliers, and on a GPU; see the module for the form of the file."""

    name: str | None = None
    clock_hz: float = 1e9            # our assumption
    capacity_bytes: float = 48e9     # of the DRAM
    workload: KvWorkload
    pruning: KvPruning = KvPruning()
    accelerator: KvMachine = KvMachine()
    memory: Dram = Dram.preset("hbm2", channels=64)
    gpu: GpuBoard = GpuBoard.preset("rtx6000-ada")  # for comparison
    energy: EnergyChoice = EnergyChoice()  # technology that energy is told for

    def check(self) -> None:
        """Refuse rates and sizes that are not positive, and fewer units than queries that share a head."""
        positive("clock_hz", self.clock_hz)
        positive("capacity_bytes", self.capacity_bytes)
        self.accelerator.clusters(self.workload.kv.queries)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], place: str = "") -> Self:
        """As every configuration; a memory without preset and name is the default one with changes."""
        given = dict(mapping)
        memory = given.get("memory")
        if isinstance(memory, Mapping) and not {"preset", "name"} & set(memory):
            given["memory"] = {"preset": "hbm2", "channels": 64, **memory}
        return super().from_mapping(given, place)
