"""``hwsim run`` of an experiment with a key/value cache: ``[workload] kv = "…"`` in its file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hwsim.cli.arguments import settings_of
from hwsim.cli.output import ProgressBar, print_text
from hwsim.errors import InputError
from hwsim.settings import load_toml, merged


def is_kv(arguments: argparse.Namespace) -> bool:
    """Whether the experiment's file is one with a cache."""
    if arguments.experiment is None:
        return False
    workload = load_toml(Path(arguments.experiment)).get("workload")
    return isinstance(workload, dict) and "kv" in workload


def execute(arguments: argparse.Namespace) -> int:
    """Run, print and write."""
    from hwsim.kv_workload.experiment import KvExperiment
    from hwsim.kv_workload.figure import overview_png
    from hwsim.kv_workload.table import outcome_text
    from hwsim.report.files import Staging
    from mappers.kv.decode import run

    _refuse_workloads(arguments)
    mapping = merged(load_toml(Path(arguments.experiment)), settings_of(arguments.settings))
    experiment = KvExperiment.from_mapping(mapping, str(arguments.experiment))
    sparsities = experiment.pruning.sparsities
    pictures = ["overview.png"] if len(sparsities) == 1 else [f"overview-{part:g}.png" for part in sparsities]
    with ProgressBar() as bar:
        if arguments.output is None:
            outcome = run(experiment, bar)
        else:
            with Staging(arguments.output, [*pictures, "table.txt", "result.json"], force=arguments.force) as staging:
                outcome = run(experiment, bar)
                for name, part in zip(pictures, outcome.runs, strict=True):
                    staging.write(name, overview_png(outcome, part))
                staging.write("table.txt", outcome_text(outcome).encode())
                staging.write("result.json", outcome.to_json().encode())
    print_text(outcome.to_json() if arguments.json else outcome_text(outcome))
    return 0


def _refuse_workloads(arguments: argparse.Namespace) -> None:
    given: list[Any] = [arguments.gemm, arguments.workload, arguments.onnx, arguments.weights, arguments.name,
                        arguments.m_rows]
    if any(option is not None for option in given):
        raise InputError("run", "an experiment file or one of the workload's options", "both")
