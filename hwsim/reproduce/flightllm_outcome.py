"""What ``hwsim reproduce flightllm`` runs, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hwsim.config import Configuration, load_toml
from hwsim.errors import InputError
from hwsim.llm_workload.experiment import LlmExperiment
from hwsim.llm_workload.generation import Ablation, Generation, InstructionBytes
from hwsim.llm_workload.step_time import StepTime


@dataclass(frozen=True, kw_only=True)
class BusyTimes(Configuration):
    """Milliseconds of each queue; of the matrix engine, the mode of the step."""

    LD: float
    ST: float
    MISC: float
    MM: float | None = None
    MV: float | None = None


@dataclass(frozen=True, kw_only=True)
class PublishedStep(Configuration):
    """One result of the artifact's profiler; times in ms."""

    stage: str
    length: int
    run: str
    total: float
    busy: BusyTimes
    instructions: int

    @property
    def source(self) -> str:
        """Where it stands."""
        name = f"llama2_{self.stage}_token_{self.length}"
        shipped = self.run == "shipped"
        return f"artifact, shipped with it: {name}.csv" if shipped else f"artifact, run by us: {name}.yaml"


@dataclass(frozen=True, kw_only=True)
class PublishedGeneration(Configuration):
    """One case of the artifact's README; times in ms, rate in tokens/s of decode."""

    prompt: int
    tokens: int
    prefill: float
    decode: float
    rate: float


@cache
def artifact_steps() -> tuple[PublishedStep, ...]:
    """All published steps."""
    return tuple(PublishedStep.from_mapping(entry, "flightllm.toml: step") for entry in _tables()["step"])


@cache
def artifact_generations() -> tuple[PublishedGeneration, ...]:
    """All published generations."""
    return tuple(PublishedGeneration.from_mapping(entry, "flightllm.toml: generation")
                 for entry in _tables()["generation"])


def _tables() -> dict[str, list[dict[str, object]]]:
    return load_toml(Path(__file__).with_name("flightllm.toml"))


@dataclass(frozen=True, kw_only=True)
class FlightllmExperiment(Configuration):
    """The artifact's configuration and program, and our derivation of the U280.

    Args:
        artifact: what is compared with the artifact's rows; its model is theirs.
        card: what is compared with the headlines.
        models: of the headlines.
        longest: generations of more tokens in all are left out.
    """

    artifact: LlmExperiment = LlmExperiment.preset("vhk158-artifact")
    card: LlmExperiment = LlmExperiment.preset("u280")
    models: tuple[str, ...] = ("llama2-7b", "opt-6.7b")
    longest: int = 2048

    def check(self) -> None:
        """Refuse an empty list of models."""
        if not self.models:
            raise InputError("models", "at least one model", "none")


@dataclass(frozen=True, kw_only=True)
class FlightllmOutcome:
    """Results.

    Attributes:
        steps: by stage and length, LLaMA2-7B in the artifact's configuration.
        generations: by prompt and tokens, the same.
        ablations: by model, on the U280.
        sizes: instruction bytes of LLaMA2-7B on the U280, with one LD for each channel as the artifact has it.
    """

    experiment: FlightllmExperiment
    steps: Mapping[tuple[str, int], StepTime]
    generations: Mapping[tuple[int, int], Generation]
    ablations: Mapping[str, Ablation]
    sizes: InstructionBytes
