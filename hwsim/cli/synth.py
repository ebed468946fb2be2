"""``hwsim synth``: FPGA resources of an accelerator, component by component."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hwsim.cli.arguments import add_json, add_set, settings_of
from hwsim.cli.families import FAMILIES, configuration, missing_package
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.config import Configuration
from hwsim.fields import one_of
from hwsim.provenance import provenance

if TYPE_CHECKING:
    from rtl.synth import Synthesis

TARGETS = ("ultrascale+", "xc7", "ecp5")
_EXAMPLES = """\
examples:
  hwsim synth nm_array --set rows=4 --set cols=4
  hwsim synth dsp_chain --set length=16 --json
  hwsim synth sore --set preset=small-8 --target ecp5
  hwsim synth wuve --set lanes=1 --liberty cells.lib.gz
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Synthesise an accelerator with Yosys and count what each of its components takes."
    parser.epilog = _EXAMPLES
    parser.add_argument("family", metavar="FAMILY", help=f"one of {', '.join(FAMILIES)}")
    add_set(parser, "key of the family's configuration, or preset=NAME")
    parser.add_argument("--target", default=TARGETS[0], help=f"one of {', '.join(TARGETS)} (default: {TARGETS[0]})")
    parser.add_argument("--liberty", action="append", default=[], metavar="FILE.lib",
                        help="count cells and areas of a library in place of a target (again: several files)")
    parser.add_argument("--flat", action="store_true", help="dissolve all components first: slower, optimised wholly")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Synthesise and report."""
    config = configuration(arguments.family, settings_of(arguments.settings))
    one_of("--target", arguments.target, TARGETS)
    with ProgressBar() as bar:
        bar(0, 1, f"{arguments.family}: Yosys")
        found = _synthesise(arguments, config)
    if arguments.json:
        inputs = {"family": arguments.family, "configuration": config.to_mapping(), "target": found.target.name,
                  "flat": arguments.flat}
        print_json({**found.to_dict(), "provenance": provenance(inputs, seed=0)})
    else:
        from rtl.synth.table import table

        print_text(table(found))
    return 0


def _synthesise(arguments: argparse.Namespace, config: Configuration) -> Synthesis:
    try:
        from rtl.synth import synthesise
    except ImportError as error:
        raise missing_package(f"synth {arguments.family}", error) from error
    return synthesise(arguments.family, config, arguments.target, flat=arguments.flat,
                      liberty=[Path(name) for name in arguments.liberty])
