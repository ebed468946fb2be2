"""``hwsim run``: one workload on one accelerator and its baselines."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import add_json, add_set, settings_of
from hwsim.cli.output import ProgressBar, print_text
from hwsim.errors import InputError
from hwsim.settings import load_toml, merged

if TYPE_CHECKING:
    from hwsim.experiment import Experiment
    from hwsim.report.outcome import Outcome

_EXAMPLES = """\
A workload comes from an experiment file, or from one of the options. In --set, keys are those of the file
(accelerator.rows=16, pruning.ratio=2:8, memory.preset=hbm2); a key without a section is one of the accelerator's.
Without a file, n and m stand for an accelerator that is built for N:M, and for weights pruned to it.

examples:
  hwsim run examples/demo.toml -o results/demo
  hwsim run --gemm 1024x1024x1024 --set rows=32 --set cols=32 --set dataflow=ws --set n=2 --set m=4 --json
  hwsim run --weights model.safetensors --name layer.0.weight --m-rows 256 --set pruning.ratio=2:4
  hwsim run --workload resnet50 --set workload.batch=4 --set pruning.ratio=2:8
  hwsim run examples/kv.toml -o results/kv --set workload.batch=8
  hwsim run examples/llm.toml -o results/llm --set llm.model=opt-6.7b
  hwsim run examples/attention.asm --set preset=u280
"""
_SECTIONS = ("workload", "pruning", "accelerator", "memory", "mapper", "gpu", "baselines", "energy", "clock_hz", "name")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Run one workload on one accelerator and its baselines: table, JSON and figure."
    parser.epilog = _EXAMPLES
    parser.add_argument("experiment", nargs="?", metavar="EXPERIMENT.toml",
                        help="what to run; or a program of the LLM accelerator, FILE.prog or FILE.asm")
    parser.add_argument("--gemm", metavar="MxKxN", help="a matrix product by its shape")
    parser.add_argument("--workload", metavar="NAME", help="a network of the zoo (see 'hwsim zoo')")
    parser.add_argument("--onnx", metavar="FILE", help="an ONNX model")
    parser.add_argument("--weights", metavar="FILE", help="weight matrices: .npy, .npz or .safetensors")
    parser.add_argument("--name", metavar="NAME", help="array of the weights file (default: all)")
    parser.add_argument("--m-rows", type=int, metavar="M", help="rows of activations for each weight matrix")
    add_set(parser, "change a key of the experiment; may be given many times")
    parser.add_argument("-o", "--output", metavar="DIR", help="write result.json, table.txt and overview*.png there")
    parser.add_argument("--force", action="store_true", help="replace existing results")
    parser.add_argument("--all-layers", action="store_true", help="do not abbreviate the table of a long network")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run, print and write."""
    from hwsim.cli import kv, llm_experiment, program

    if program.is_program(arguments):
        return program.execute(arguments)
    if kv.is_kv(arguments):
        return kv.execute(arguments)
    if llm_experiment.is_llm(arguments):
        return llm_experiment.execute(arguments)
    experiment, folder = experiment_of(arguments)
    if arguments.output is None:
        _show(_run(experiment, folder), arguments)
        return 0
    from hwsim.report.files import Staging

    pictures = _picture_names(experiment)
    with Staging(arguments.output, [*pictures, "table.txt", "result.json"], force=arguments.force) as staging:
        outcome = _run(experiment, folder)
        _write(staging.write, outcome, pictures)
    _show(outcome, arguments)
    return 0


def experiment_of(arguments: argparse.Namespace) -> tuple[Experiment, Path]:
    """The experiment that the arguments ask for, and the folder that its paths start from."""
    from hwsim.experiment import Experiment

    words = settings_of(arguments.settings)
    workload = _workload(arguments)
    if arguments.experiment is not None:
        if workload:
            raise InputError("run", "an experiment file or one of the workload's options", "both")
        path = Path(arguments.experiment)
        mapping = merged(load_toml(path), sectioned(words, quick=False))
        return Experiment.from_mapping(mapping, str(path)), path.parent
    if not workload and "workload" not in words:
        raise InputError("run", "EXPERIMENT.toml, --gemm, --workload, --onnx or --weights", "none")
    mapping = merged({"workload": workload}, sectioned(words, quick=True))
    return Experiment.from_mapping(mapping, ""), Path()


def _workload(arguments: argparse.Namespace) -> dict[str, Any]:
    """Section ``workload`` of the options."""
    keys = {"gemm": "gemm", "workload": "zoo", "onnx": "onnx", "weights": "weights", "name": "layer",
            "m_rows": "m_rows"}  # fmt: skip
    given = {key: getattr(arguments, option) for option, key in keys.items()}
    return {key: value for key, value in given.items() if value is not None}


def sectioned(words: Mapping[str, Any], *, quick: bool) -> dict[str, Any]:
    """The ``--set`` words by section: bare keys of the accelerator go there, ``n`` and ``m`` make the ratio.

    Raises:
        InputError: a bare key that is neither a section nor one of the accelerator's, or n without m.
    """
    from hwsim.nm_array.config import NmArrayConfig

    own = ("family", "preset", *(field.name for field in fields(NmArrayConfig)))
    given, bare, ratio = {}, {}, {}
    for key, value in words.items():
        if key in ("n", "m"):
            ratio[key] = value
        elif key in _SECTIONS:
            given[key] = value
        elif key in own:
            bare[key] = value
        else:
            listed = ", ".join((*_SECTIONS, *own, "n", "m"))
            raise InputError(f"--set {key}", f"a section's key, or one of {listed}", key)
    if bare:
        given = merged(given, {"accelerator": _over(given.get("accelerator", {}), bare)})
    return merged(given, _ratio(ratio, given, quick)) if ratio else given


def _over(section: Any, bare: Mapping[str, Any]) -> dict[str, Any]:
    base = {"preset": section} if isinstance(section, str) else section
    for key in bare:
        if key in base:
            raise InputError(f"--set {key}", "each key once", f"{key} and accelerator.{key}")
    return merged(base, bare)


def _ratio(ratio: Mapping[str, Any], given: Mapping[str, Any], quick: bool) -> dict[str, Any]:
    """Pruning to n:m; in the quick form the accelerator is built for that ratio unless its own are given."""
    for key in ("n", "m"):
        if key not in ratio:
            raise InputError(f"--set {key}", "n and m together", f"only {', '.join(ratio)}")
        if isinstance(ratio[key], bool) or not isinstance(ratio[key], int):
            raise InputError(f"--set {key}", "an integer", ratio[key])
    from hwsim.sparsity.ratio import Ratio

    try:
        parsed = Ratio(ratio["n"], ratio["m"])
    except InputError as error:
        raise InputError("--set n, m", error.wanted, f"{ratio['n']}:{ratio['m']}") from None
    pruning = {"pruning": {"ratio": str(parsed), "ratios": []}}
    accelerator = given.get("accelerator", {})
    named = isinstance(accelerator, str) or {"ratios", "preset"} & set(accelerator)
    return pruning if named or not quick else {**pruning, "accelerator": {"ratios": [str(parsed)]}}


def _run(experiment: Experiment, folder: Path) -> Outcome:
    from hwsim.cli.simulate import run_experiment

    with ProgressBar() as bar:
        return run_experiment(experiment, folder, bar.stage)


def _picture_names(experiment: Experiment) -> list[str]:
    """One figure per run."""
    runs = experiment.pruning.runs
    return ["overview.png"] if len(runs) == 1 else [f"overview-{ratio.n}-{ratio.m}.png" for ratio in runs]


def _write(write: Any, outcome: Outcome, pictures: list[str]) -> None:
    from hwsim.report.figure import overview_png

    for name, run in zip(pictures, outcome.runs, strict=True):
        write(name, overview_png(outcome, run))
    write("table.txt", outcome.table(all_layers=True).encode())
    write("result.json", outcome.to_json().encode())


def _show(outcome: Outcome, arguments: argparse.Namespace) -> None:
    print_text(outcome.to_json() if arguments.json else outcome.table(all_layers=arguments.all_layers))
