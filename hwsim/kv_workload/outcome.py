"""The outcome of an experiment with caches: steps by engine and context, timelines, and where engines cross."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.gpu import GPU_PATHS, GpuPath, GpuStep
from hwsim.kv_workload.machine import ENGINES, Engine
from hwsim.kv_workload.patterns import DESCRIPTION
from hwsim.kv_workload.step import Step
from hwsim.kv_workload.storage import Measured

NOT_MODELLED = (
    "the GPU: a model of single kernels with their launches; no graph capture, no overlap of kernels; its energy is "
    "the board's power, that of the engines counted actions, leakage and idle DRAM",
    "products of weights and attention do not overlap; runs of a head are put together in no time",
)


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A prompt, then tokens one after the other; seconds. Decoding includes the compression of its own groups."""

    prefill: float
    compress: float
    decode: float

    @property
    def total(self) -> float:
        """All three."""
        return self.prefill + self.compress + self.decode

    def to_dict(self) -> dict[str, float]:
        """Plain data."""
        return {"prefill_seconds": self.prefill, "compress_seconds": self.compress, "decode_seconds": self.decode,
                "total_seconds": self.total}


@dataclass(frozen=True, kw_only=True)
class KvRun:
    """One sparsity.

    Attributes:
        sparsity: of keys and of values.
        ratio: bytes over dense bytes of compressed tokens, measured.
        expected: the same by the format's arithmetic, all masks alike.
        steps: by engine, one for each context.
        timelines: by engine.
        faster: by engine (not dense), the first context with a shorter token than the dense engine, and stays so on
            all longer ones of the experiment; None where there is none.
        cheaper: the same for energy.
        longest: by cache (dense, bitmap), tokens of each sequence that fit in the DRAM.
        paid_back: by engine, generated tokens after which the prompt's compression is paid back; None: never.
        gpu: by path on the GPU, one for each context.
        gpu_faster: as ``faster``, the bitmap cache against the dense one on the GPU.
        gpu_cheaper: the same for energy.
    """

    sparsity: float
    ratio: Measured
    expected: float
    steps: Mapping[Engine, Sequence[Step]]
    timelines: Mapping[Engine, Timeline]
    faster: Mapping[Engine, int | None]
    cheaper: Mapping[Engine, int | None]
    longest: Mapping[str, int]
    paid_back: Mapping[Engine, float | None]
    gpu: Mapping[GpuPath, Sequence[GpuStep]]
    gpu_faster: int | None
    gpu_cheaper: int | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "sparsity": self.sparsity,
            "storage_ratio": {"keys": self.ratio.keys, "values": self.ratio.values, "mean": self.ratio.mean,
                              "expected": self.expected},
            "engines": {engine: {"description": ENGINES[engine], "steps": [step.to_dict() for step in steps],
                                 "energy": steps[-1].attention_energy.to_dict(),
                                 "weight_energy": steps[-1].weight_energy.to_dict(),
                                 "token_energy": steps[-1].energy.to_dict()}
                        for engine, steps in self.steps.items()},
            "gpu": {path: {"description": GPU_PATHS[path], "steps": [step.to_dict() for step in steps]}
                    for path, steps in self.gpu.items()},
            "timelines": {engine: timeline.to_dict() for engine, timeline in self.timelines.items()},
            "crossover": {"faster_from_context": dict(self.faster), "less_energy_from_context": dict(self.cheaper),
                          "longest_context": dict(self.longest),
                          "gpu_faster_from_context": self.gpu_faster,
                          "gpu_less_energy_from_context": self.gpu_cheaper,
                          "prompt_compression_paid_back_after_tokens": dict(self.paid_back)}}


@dataclass(frozen=True, kw_only=True)
class KvOutcome:
    """All runs of an experiment."""

    experiment: KvExperiment
    runs: tuple[KvRun, ...]
    provenance: Mapping[str, Any]

    @property
    def weights_equal_cache(self) -> float:
        """Context at which the dense caches weigh as much as the weights that a token reads."""
        workload = self.experiment.workload
        return 2 * workload.kv.read_weights / (workload.batch * workload.kv.token_bytes)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; at the longest context, ``energy`` is that of attention, ``token_energy`` of all."""
        workload = self.experiment.workload
        return {
            "workload": workload.kv.name, "batch": workload.batch,
            "patterns": DESCRIPTION[self.experiment.pruning.patterns],
            "weight_bytes": workload.kv.weight_bytes, "cache_equals_weights_at_context": self.weights_equal_cache,
            "not_modelled": list(NOT_MODELLED), "runs": [run.to_dict() for run in self.runs],
            "provenance": dict(self.provenance)}

    def to_json(self) -> str:
        """The same as text that ends in a line feed: equal inputs, equal bytes."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
