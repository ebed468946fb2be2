"""``hwsim power``: what an accelerator's gates spend on its cases, and what the cost table's entries take on gates."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import add_json, add_set, at_least, settings_of
from hwsim.cli.families import FAMILIES, configuration
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.cli.packages import missing_package
from hwsim.errors import InputError
from hwsim.fields import one_of, positive
from hwsim.provenance import provenance

if TYPE_CHECKING:
    from rtl.power import Power

DEFAULT_LIBRARY = "nangate45"
COSTS = "costs"
CASES, CLOCK = 8, 500.0
_EXAMPLES = """\
examples:
  hwsim power sore --set preset=small-8
  hwsim power nm_array --rows 4 --cols 4 --case n=2 --case m=8 --case programs=1
  hwsim power dsp_chain --set preset=small-8 --cases 4 --clock 500 --json
  hwsim power wuve --set lanes=1 --liberty cells.lib --nm 32
  hwsim power costs
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = ("Map an accelerator to a library of cells, run random cases on its gates, hold them to model "
                          "and reference, and price what toggled: by component, beside the model's own account.")
    parser.epilog = _EXAMPLES
    parser.add_argument("family", metavar="FAMILY",
                        help=f"one of {', '.join(FAMILIES)}; or {COSTS}: entries of the cost table on gates")
    add_set(parser, "key of the family's configuration, or preset=NAME")
    for key in ("rows", "cols"):
        parser.add_argument(f"--{key}", metavar="N", help=f"the same as --set {key}=N")
    parser.add_argument("--case", action="append", default=[], metavar="KEY=VALUE",
                        help="key of the family's cases, as verify takes it (again: several)")
    parser.add_argument("--cases", type=int, metavar="N", help=f"how many cases (default: {CASES})")
    parser.add_argument("--stalls", action="store_true", help="draw stalls at the ports; by default nothing stalls")
    cells = parser.add_mutually_exclusive_group()
    cells.add_argument("--library", dest="packaged_cells", default=DEFAULT_LIBRARY, metavar="NAME",
                       help=f"a package's library: nangate45 or osu018 (default: {DEFAULT_LIBRARY})")
    cells.add_argument("--liberty", metavar="FILE.lib", help="your own library, with internal energies")
    parser.add_argument("--nm", type=int, metavar="NM", help="node of --liberty, for the account beside its gates")
    parser.add_argument("--clock", type=float, metavar="MHZ", help=f"clock of powers (default: {CLOCK:g})")
    parser.add_argument("--slew", type=float, default=50.0, metavar="PS",
                        help="slew of the clock and of inputs (default: 50)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the cases (default: 0)")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Measure and report; 1 if the gates do not do what the model says."""
    at_least("--seed", arguments.seed, 0)
    positive("--slew", arguments.slew)
    if arguments.nm is not None and arguments.liberty is None:
        raise InputError("--nm", "--liberty FILE.lib beside it", "none")
    return _costs(arguments) if arguments.family == COSTS else _family(arguments)


def _family(arguments: argparse.Namespace) -> int:
    sizes = [f"{key}={value}" for key in ("rows", "cols") if (value := getattr(arguments, key)) is not None]
    config = configuration(arguments.family, settings_of([*arguments.settings, *sizes]))
    cases = CASES if arguments.cases is None else at_least("--cases", arguments.cases, 1)
    clock = 1e6 * (CLOCK if arguments.clock is None else positive("--clock", arguments.clock))
    found = _measured(arguments, config, cases)
    if arguments.json:
        inputs = {"family": arguments.family, "configuration": config.to_mapping(), "case": arguments.case,
                  "cases": cases, "stalls": arguments.stalls, "slew_ps": arguments.slew,
                  "library": arguments.liberty or arguments.packaged_cells}
        dynamic, leakage = found.power(clock)
        print_json({**found.to_dict(), "clock_hz": clock, "dynamic_w": dynamic, "leakage_w": leakage,
                    "provenance": provenance(inputs, seed=arguments.seed)})
    else:
        from rtl.power.table import tables

        print_text(tables(found, clock))
    return 0 if found.report.passed else 1


def _costs(arguments: argparse.Namespace) -> int:
    """Entries of the cost table on gates."""
    for option, given in (("--set", arguments.settings), ("--case", arguments.case), ("--rows", arguments.rows),
                          ("--cols", arguments.cols), ("--stalls", arguments.stalls), ("--cases", arguments.cases),
                          ("--clock", arguments.clock)):
        if given is not None and given is not False and given != []:
            raise InputError(option, f"nothing of a family with {COSTS}", given)
    try:
        from rtl.power.costs import COUNT, measure_costs
    except ImportError as error:
        raise missing_package(f"power {COSTS}", error) from error
    liberty, nm = _library(arguments)
    if nm is None:
        raise InputError("--nm", "the node of --liberty, to bring its energies to the cost table's", "none")
    with ProgressBar() as bar:
        bar(0, 1, "mapping, compiling, running")
        found = measure_costs(liberty, nm, seed=arguments.seed, slew=1e-12 * arguments.slew)
    if arguments.json:
        inputs = {"operands": COUNT, "slew_ps": arguments.slew,
                  "library": arguments.liberty or arguments.packaged_cells}
        print_json({"costs": [each.to_dict() for each in found], "provenance": provenance(inputs, seed=arguments.seed)})
    else:
        from rtl.power.table import cost_table

        print_text(cost_table(found))
    return 0


def _library(arguments: argparse.Namespace) -> tuple[Path, int | None]:
    """The Liberty file and its node."""
    from rtl.synth.liberty import LIBRARIES, packaged

    if arguments.liberty:
        return Path(arguments.liberty), arguments.nm
    with_energies = [name for name, each in LIBRARIES.items() if each.energies]
    one_of("--library", arguments.packaged_cells, with_energies)
    return packaged(arguments.packaged_cells), LIBRARIES[arguments.packaged_cells].nm


def _measured(arguments: argparse.Namespace, config: Any, cases: int) -> Power:
    try:
        from rtl.power import measure
    except ImportError as error:
        raise missing_package(f"power {arguments.family}", error) from error
    liberty, nm = _library(arguments)
    with ProgressBar() as bar:
        return measure(arguments.family, config, settings_of(arguments.case), liberty, cases=cases,
                       seed=arguments.seed, stalls=arguments.stalls, nm=nm, slew=1e-12 * arguments.slew,
                       progress=lambda done, total, what: bar(done, total, f"{arguments.family}: {what}"))
