"""What ``hwsim llm`` and the ``[llm]`` table of an experiment's file ask for: model, engine, sparsity, compiler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hwsim.config import Configuration, in_range, one_of
from hwsim.gpu.board import GpuBoard
from hwsim.gpu.decoder import GpuGeneration, generation
from hwsim.llm.engine import EngineConfig
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import DecoderConfig, load_model
from hwsim.workload.decoder.assignment import Assignment, load_assignment


@dataclass(frozen=True, kw_only=True)
class LlmExperiment(Configuration):
    """A model on an engine.

    Args:
        model: a name of the zoo, or the path of a Hugging Face ``config.json``.
        engine: the board.
        assignment: N:M and bits of the weights: a preset, or the path of a file.
        compiler: its choices.
        prompt, tokens: of a generation.
        gpus: presets of `hwsim.gpu.GpuBoard` that a generation is compared with, dense FP16.
    """

    model: str = "llama2-7b"
    engine: EngineConfig = EngineConfig.preset("u280")
    assignment: str = "flightllm-3.5"
    compiler: CompilerOptions = CompilerOptions()
    prompt: int = 128
    tokens: int = 512
    gpus: tuple[str, ...] = ("v100s-32g", "a100-80g", "h100-sxm", "rtx6000-ada")

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "u280": {"engine": {"preset": "u280"}},
        "vhk158-artifact": {
            "engine": {"preset": "vhk158-artifact", "on_chip_decode": False}, "assignment": "artifact",
            "compiler": {"preset": "artifact"}},
    }

    def check(self) -> None:
        """Refuse generations of nothing, and GPUs that are not known."""
        in_range("prompt", self.prompt, 1)
        in_range("tokens", self.tokens, 1)
        for number, name in enumerate(self.gpus):
            one_of(f"gpus[{number}]", name, GpuBoard.presets)

    def on_gpus(self) -> tuple[GpuGeneration, ...]:
        """The same generation on each GPU, by the model of ``hwsim gpu``."""
        model = load_model(self.model)
        return tuple(generation(model, GpuBoard.preset(name), self.prompt, self.tokens) for name in self.gpus)

    def loaded(self) -> tuple[DecoderConfig, Assignment]:
        """The model and the assignment.

        Raises:
            InputError: one of them cannot be found or read.
        """
        return load_model(self.model), load_assignment(self.assignment)
