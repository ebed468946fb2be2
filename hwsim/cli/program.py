"""``hwsim run`` of a program file or assembler text: FILE.prog or FILE.asm."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hwsim.cli.arguments import settings_of
from hwsim.cli.output import print_text
from hwsim.errors import InputError
from hwsim.settings import merged

SUFFIXES = (".prog", ".asm")


def is_program(arguments: argparse.Namespace) -> bool:
    """Whether the file to run is a program: by its name, or by how it begins."""
    if arguments.experiment is None:
        return False
    if Path(arguments.experiment).suffix in SUFFIXES:
        return True
    from hwsim.llm.program import is_program as begins_like_one

    return Path(arguments.experiment).suffix != ".toml" and begins_like_one(arguments.experiment)


def execute(arguments: argparse.Namespace) -> int:
    """Run, print and write; exit status 1 when a token never comes."""
    from hwsim.llm.deadlock import ProgramDeadlock
    from hwsim.llm.program import read_program
    from hwsim.llm.report import deadlock_data, run_data, run_text
    from hwsim.llm.simulate import simulate
    from hwsim.provenance import provenance
    from hwsim.report.files import Staging

    _refuse_workloads(arguments)
    path = Path(arguments.experiment)
    program = read_program(path)
    config = _engine(settings_of(arguments.settings), program.notes)
    try:
        run = simulate(program, config)
    except ProgramDeadlock as deadlock:
        if arguments.json:
            print_text(json.dumps(deadlock_data(deadlock), indent=2))
        sys.stderr.write(f"hwsim: {deadlock}\n")
        return 1
    inputs = {"program": path.name, "engine": config.to_mapping()}
    data = {**run_data(run), "provenance": provenance(inputs, seed=0, files=[path])}
    text, table = json.dumps(data, indent=2, allow_nan=False) + "\n", run_text(run)
    if arguments.output is not None:
        with Staging(arguments.output, ["table.txt", "result.json"], force=arguments.force) as staging:
            staging.write("table.txt", table.encode())
            staging.write("result.json", text.encode())
    print_text(text if arguments.json else table)
    return 0


def _engine(words: dict[str, Any], notes: Any) -> Any:
    """The engine that the program was compiled for, or preset ``u280``, with the ``--set`` words over it."""
    from hwsim.llm.engine import EngineConfig

    base = {} if "preset" in words else notes.get("engine", {"preset": "u280"})
    return EngineConfig.from_mapping(merged(base, words), "--set")


def _refuse_workloads(arguments: argparse.Namespace) -> None:
    given = [arguments.gemm, arguments.workload, arguments.onnx, arguments.weights, arguments.name, arguments.m_rows]
    if any(option is not None for option in given):
        raise InputError("run", "a program or one of the workload's options", "both")
