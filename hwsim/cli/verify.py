"""``hwsim verify``: the RTL against reference and cycle model, value by value and cycle by cycle."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from hwsim.cli.arguments import add_json, add_set, at_least, settings_of
from hwsim.cli.families import FAMILIES, missing_package
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.fields import one_of
from hwsim.provenance import provenance

if TYPE_CHECKING:
    from rtl.verify import Report

ENGINES = ("verilator", "cxxrtl", "amaranth", "icarus")
_EXAMPLES = """\
Exit status 0 when every transfer agrees, 1 when one does not.

examples:
  hwsim verify nm_array --set rows=4 --set cols=4 --cases 20 --engine amaranth
  hwsim verify nm_array --configurations 10 --seed 7 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Check that the RTL gives the reference's values in exactly the model's cycles."
    parser.epilog = _EXAMPLES
    parser.add_argument("family", metavar="FAMILY", help=f"one of {', '.join(FAMILIES)}")
    add_set(parser, "fix a key of the configuration or of the cases; all others are drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of configurations, cases and stalls (default: 0)")
    parser.add_argument("--cases", type=int, default=20, metavar="N", help="per configuration (default: 20)")
    parser.add_argument("--configurations", type=int, default=1, metavar="N", help="to try (default: 1)")
    parser.add_argument("--engine", default="verilator", help=f"one of {', '.join(ENGINES)} (default: verilator)")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Verify and report."""
    settings = settings_of(arguments.settings)
    one_of("FAMILY", arguments.family, FAMILIES)
    at_least("--seed", arguments.seed, 0)
    at_least("--cases", arguments.cases, 1)
    at_least("--configurations", arguments.configurations, 1)
    one_of("--engine", arguments.engine, ENGINES)
    try:
        from rtl.verify import verify
    except ImportError as error:
        raise missing_package(f"verify {arguments.family}", error) from error
    with ProgressBar() as bar:
        report = verify(
            arguments.family,
            settings,
            seed=arguments.seed,
            cases=arguments.cases,
            configurations=arguments.configurations,
            engine=arguments.engine,
            progress=bar,
        )
    if arguments.json:
        inputs = {
            name: getattr(arguments, name) for name in ("family", "settings", "cases", "configurations", "engine")
        }
        print_json({**report.to_dict(), "provenance": provenance(inputs, seed=arguments.seed)})
    else:
        print_text(_text(report))
    return 0 if report.passed else 1


def _text(report: Report) -> str:
    """The verdict, and each failure with what repeats it."""
    lines = [report.summary()]
    lines += [f"  differs: {json.dumps(failure, sort_keys=True, default=str)}" for failure in report.failures]
    return "\n".join(lines)
