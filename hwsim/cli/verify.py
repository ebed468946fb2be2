"""``hwsim verify``: the RTL against reference and cycle model, value by value and cycle by cycle."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import add_json, add_set, at_least, settings_of
from hwsim.cli.families import FAMILIES
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.cli.packages import missing_package
from hwsim.cli.prove_points import LARGEST, prove_points
from hwsim.errors import InputError
from hwsim.fields import one_of
from hwsim.provenance import provenance

if TYPE_CHECKING:
    from hwsim.cli.layer import Proof
    from rtl.verify import Report

_INPUTS = ("family", "settings", "cases", "configurations", "engine", "experiment", "layer")
ENGINES = ("verilator", "cxxrtl", "amaranth", "icarus")
_EXAMPLES = """\
Exit status 0 when every transfer agrees, 1 when one does not.

examples:
  hwsim verify nm_array --set rows=4 --set cols=4 --cases 20 --engine amaranth
  hwsim verify nm_array --configurations 10 --seed 7 --json
  hwsim verify nm_array --experiment examples/demo.toml --layer block15.dw --set rows=8 --set cols=8
  hwsim verify --from out/sweep --point 2a7259915a --cases 5
  hwsim verify --from out/sweep --front --largest 256
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Check that the RTL gives the reference's values in exactly the model's cycles."
    parser.epilog = _EXAMPLES
    parser.add_argument("family", metavar="FAMILY", nargs="?", help=f"one of {', '.join(FAMILIES)}")
    add_set(parser, "fix a key of the configuration or of the cases; all others are drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of configurations, cases and stalls (default: 0)")
    parser.add_argument("--cases", type=int, default=20, metavar="N", help="per configuration (default: 20)")
    parser.add_argument("--configurations", type=int, metavar="N", help="to try (default: 1)")
    parser.add_argument("--engine", default="verilator", help=f"one of {', '.join(ENGINES)} (default: verilator)")
    parser.add_argument("--experiment", metavar="FILE", help="prove one layer of it, at the first of its ratios")
    parser.add_argument("--layer", metavar="NAME", help="which layer: its own values, schedule and memory stalls")
    parser.add_argument("--from", dest="source", metavar="DIR", help="prove points of this sweep, and keep the outcome")
    parser.add_argument("--point", action="append", metavar="ID", help="which, by name or its beginning; repeatable")
    parser.add_argument("--front", action="store_true", help="all that are on the front of their workload")
    parser.add_argument("--largest", type=int, metavar="N", help=f"most multipliers of an array (default: {LARGEST})")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Verify and report."""
    at_least("--seed", arguments.seed, 0)
    at_least("--cases", arguments.cases, 1)
    one_of("--engine", arguments.engine, ENGINES)
    if arguments.source is not None:
        return prove_points(arguments)
    for option in ("point", "front", "largest"):
        if getattr(arguments, option):
            raise InputError(f"--{option}", "--from DIR beside it", "none")
    if arguments.family is None:
        raise InputError("FAMILY", f"one of {', '.join(FAMILIES)}", "none")
    return _family(arguments)


def _family(arguments: argparse.Namespace) -> int:
    """Random configurations of a family, or one layer."""
    settings = settings_of(arguments.settings)
    one_of("FAMILY", arguments.family, FAMILIES)
    if arguments.configurations is None:
        arguments.configurations = 1
    at_least("--configurations", arguments.configurations, 1)
    if (arguments.experiment is None) != (arguments.layer is None):
        raise InputError("verify", "--experiment and --layer together", "only one of them")
    try:
        found = _drawn(arguments, settings) if arguments.layer is None else _layer(arguments, settings)
    except ImportError as error:
        raise missing_package(f"verify {arguments.family}", error) from error
    if arguments.json:
        inputs = {name: getattr(arguments, name) for name in _INPUTS if getattr(arguments, name) is not None}
        print_json({**found.to_dict(), "provenance": provenance(inputs, seed=arguments.seed)})
    else:
        print_text("\n".join([found.summary(), *found.configuration_lines(), *_differences(found)]))
    return 0 if found.passed else 1


def _drawn(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> Report:
    """Random configurations and cases."""
    from rtl.verify import verify

    with ProgressBar() as bar:
        return verify(
            arguments.family,
            settings,
            seed=arguments.seed,
            cases=arguments.cases,
            configurations=arguments.configurations,
            engine=arguments.engine,
            progress=bar,
        )


def _layer(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> Proof:
    """One layer of an experiment."""
    from hwsim.cli.layer import prove_layer
    from hwsim.cli.run import sectioned
    from hwsim.experiment import load_experiment

    path = Path(arguments.experiment)
    experiment = load_experiment(path, sectioned(settings, quick=False))
    with ProgressBar() as bar:
        bar(0, 1, f"{arguments.layer}: build and run the RTL")
        return prove_layer(experiment, path.parent, arguments.layer, arguments.engine, arguments.seed)


def _differences(found: Report | Proof) -> list[str]:
    """Each failure with what repeats it."""
    return [f"  differs: {json.dumps(failure, sort_keys=True, default=str)}" for failure in found.failures]
