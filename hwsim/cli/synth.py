"""``hwsim synth``: FPGA resources of an accelerator, component by component."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hwsim.cli.arguments import add_json, add_set, settings_of
from hwsim.cli.families import FAMILIES, configuration
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.cli.packages import missing_package
from hwsim.config import Configuration
from hwsim.errors import InputError
from hwsim.fields import one_of
from hwsim.provenance import provenance

if TYPE_CHECKING:
    from rtl.synth import Placement, Synthesis

TARGETS = ("ultrascale+", "xc7", "ecp5")
PLACED = "ecp5"
_EXAMPLES = """\
examples:
  hwsim synth nm_array --rows 32 --cols 32
  hwsim synth dsp_chain --set length=16 --json
  hwsim synth sore --set preset=small-8 --target ecp5
  hwsim synth dsp_chain --set preset=small-8 --target ecp5 --place
  hwsim synth sore --set preset=small-8 --library sky130
  hwsim synth wuve --set lanes=1 --liberty cells.lib.gz
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Synthesise an accelerator with Yosys and count what each of its components takes."
    parser.epilog = _EXAMPLES
    parser.add_argument("family", metavar="FAMILY", help=f"one of {', '.join(FAMILIES)}")
    add_set(parser, "key of the family's configuration, or preset=NAME")
    for key in ("rows", "cols"):
        parser.add_argument(f"--{key}", metavar="N", help=f"the same as --set {key}=N")
    parser.add_argument("--target", default=TARGETS[0], help=f"one of {', '.join(TARGETS)} (default: {TARGETS[0]})")
    parser.add_argument("--liberty", action="append", default=[], metavar="FILE.lib",
                        help="count cells and areas of a library in place of a target (again: several files)")
    parser.add_argument("--library", dest="packaged_cells", metavar="NAME",
                        help="the same with the library of a package: nangate45, sky130 or osu018")
    parser.add_argument("--flat", action="store_true", help="dissolve all components first: slower, optimised wholly")
    parser.add_argument("--place", action="store_true",
                        help=f"place and route too, for a clock; --target {PLACED} only, minutes")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Synthesise and report."""
    sizes = [f"{key}={value}" for key in ("rows", "cols") if (value := getattr(arguments, key)) is not None]
    config = configuration(arguments.family, settings_of([*arguments.settings, *sizes]))
    one_of("--target", arguments.target, TARGETS)
    cells = "--liberty" if arguments.liberty else "--library" if arguments.packaged_cells else None
    if arguments.place and (arguments.target != PLACED or cells):
        raise InputError("--place", f"--target {PLACED}", cells or arguments.target)
    with ProgressBar() as bar:
        bar(0, 1, f"{arguments.family}: Yosys")
        found, placed = _synthesise(arguments, config)
    if arguments.json:
        inputs = {"family": arguments.family, "configuration": config.to_mapping(), "target": found.target.name,
                  "flat": arguments.flat}
        placement = {"placement": placed.to_dict()} if placed else {}
        print_json({**found.to_dict(), **placement, "provenance": provenance(inputs, seed=0)})
    else:
        from rtl.synth.table import placement_lines, table

        print_text("\n".join([table(found), *(placement_lines(placed) if placed else [])]))
    return 0


def _synthesise(arguments: argparse.Namespace, config: Configuration) -> tuple[Synthesis, Placement | None]:
    try:
        from rtl.synth import packaged, place, synthesise
    except ImportError as error:
        raise missing_package(f"synth {arguments.family}", error) from error
    liberty = [Path(name) for name in arguments.liberty]
    if arguments.packaged_cells:
        liberty.append(packaged(arguments.packaged_cells))
    found = synthesise(arguments.family, config, arguments.target, flat=arguments.flat, liberty=liberty)
    return found, place(arguments.family, config, flat=arguments.flat) if arguments.place else None
