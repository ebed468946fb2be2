"""``hwsim run`` of an experiment with a language model: the table ``[llm]`` in its file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from hwsim.cli.arguments import settings_of
from hwsim.cli.output import ProgressBar, print_text
from hwsim.errors import InputError
from hwsim.settings import load_toml, merged

FILES = ("overview.png", "table.txt", "result.json")


def is_llm(arguments: argparse.Namespace) -> bool:
    """Whether the experiment's file is one with a language model."""
    return arguments.experiment is not None and "llm" in load_toml(Path(arguments.experiment))


def execute(arguments: argparse.Namespace) -> int:
    """Run, print and write."""
    from hwsim.llm_workload.experiment import LlmExperiment
    from hwsim.report.files import Staging

    given: list[Any] = [arguments.gemm, arguments.workload, arguments.onnx, arguments.weights, arguments.name,
                        arguments.m_rows]
    if any(option is not None for option in given):
        raise InputError("run", "an experiment file or one of the workload's options", "both")
    mapping = merged(load_toml(Path(arguments.experiment)), settings_of(arguments.settings))
    if set(mapping) != {"llm"}:
        raise InputError(str(arguments.experiment), "the table llm alone", ", ".join(sorted(set(mapping) - {"llm"})))
    experiment = LlmExperiment.from_mapping(mapping["llm"], f"{arguments.experiment}: llm")
    if arguments.output is None:
        text, result, _ = _run(experiment)
    else:
        with Staging(arguments.output, FILES, force=arguments.force) as staging:
            text, result, picture = _run(experiment)
            for name, data in zip(FILES, (picture(), text.encode(), result.encode()), strict=True):
                staging.write(name, data)
    print_text(result if arguments.json else text)
    return 0


def _run(experiment: Any) -> tuple[str, str, Any]:
    """Text, JSON text, and what draws the figure."""
    from hwsim.llm_workload.figure import overview_png
    from hwsim.llm_workload.table import ablation_text, generation_text, gpu_text, sizes_text
    from hwsim.provenance import provenance
    from mappers.llm.generate import FULL, ablation

    model, assignment = experiment.loaded()
    with ProgressBar() as bar:
        found, sizes = ablation(model, experiment.engine, assignment, experiment.compiler, experiment.prompt,
                                experiment.tokens, bar)
    full = found.cases[FULL]
    name = f"{model.name}, prompt of {experiment.prompt}, {experiment.tokens} tokens"
    gpus = experiment.on_gpus()
    text = "\n".join([generation_text(model.name, full), ablation_text(found), "", sizes_text(sizes), "",
                      gpu_text(full, gpus, experiment.engine.dollars), ""])
    result = {"model": model.name, "assignment": assignment.name, "source": assignment.source, **full.to_dict(),
              "ablation": found.to_dict(), "gpus": [gpu.to_dict() for gpu in gpus],
              "instruction_bytes_all_lengths": sizes.to_dict(),
              "provenance": provenance(experiment.to_mapping(), seed=assignment.seed)}
    return text, json.dumps(result, indent=2, allow_nan=False) + "\n", lambda: overview_png(name, found)
