"""What ``hwsim llm`` and the ``[llm]`` table of an experiment's file ask for: model, engine, sparsity, compiler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hwsim.config import Configuration, in_range
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
    """

    model: str = "llama2-7b"
    engine: EngineConfig = EngineConfig.preset("u280")
    assignment: str = "flightllm-3.5"
    compiler: CompilerOptions = CompilerOptions()
    prompt: int = 128
    tokens: int = 512

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "u280": {"engine": {"preset": "u280"}},
        "vhk158-artifact": {
            "engine": {"preset": "vhk158-artifact", "on_chip_decode": False}, "assignment": "artifact",
            "compiler": {"preset": "artifact"}},
    }

    def check(self) -> None:
        """Refuse generations of nothing."""
        in_range("prompt", self.prompt, 1)
        in_range("tokens", self.tokens, 1)

    def loaded(self) -> tuple[DecoderConfig, Assignment]:
        """The model and the assignment.

        Raises:
            InputError: one of them cannot be found or read.
        """
        return load_model(self.model), load_assignment(self.assignment)
