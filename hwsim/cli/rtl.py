"""``hwsim rtl``: Verilog of an accelerator."""

from __future__ import annotations

import argparse
import hashlib

from hwsim.cli.arguments import add_json, add_set, settings_of
from hwsim.cli.families import FAMILIES, configuration
from hwsim.cli.output import print_json, print_text
from hwsim.cli.packages import missing_package
from hwsim.config import Configuration

_EXAMPLES = """\
examples:
  hwsim rtl nm_array --set rows=8 --set cols=8 -o array.v
  hwsim rtl nm_array --set preset=small-4x4 > small.v
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Write the Verilog of an accelerator: the same text for the same configuration."
    parser.epilog = _EXAMPLES
    parser.add_argument("family", metavar="FAMILY", help=f"one of {', '.join(FAMILIES)}")
    add_set(parser, "key of the family's configuration, or preset=NAME")
    parser.add_argument("-o", "--output", metavar="FILE.v", help="where to write (default: standard output)")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Emit and write."""
    from pathlib import Path

    from hwsim.provenance import provenance
    from hwsim.report.files import Staging

    config = configuration(arguments.family, settings_of(arguments.settings))
    if arguments.output is None:
        text = verilog(arguments.family, config)
    else:
        path = Path(arguments.output)
        with Staging(path.parent, [path.name], force=arguments.force) as staging:
            text = verilog(arguments.family, config)
            staging.write(path.name, text.encode())
    if not arguments.json:
        if arguments.output is None:
            print_text(text)
        return 0
    inputs = {"family": arguments.family, "configuration": config.to_mapping()}
    where = {"verilog": text} if arguments.output is None else {"file": arguments.output}
    digest = hashlib.sha256(text.encode()).hexdigest()
    print_json({**inputs, **where, "lines": text.count("\n"), "sha256": digest,
                "provenance": provenance(inputs, seed=0)})  # fmt: skip
    return 0


def verilog(family: str, config: Configuration) -> str:
    """Verilog text of one configuration."""
    try:
        from rtl.verify.registry import find_family
    except ImportError as error:
        raise missing_package(f"rtl {family}", error) from error
    chosen = find_family(family)
    return chosen.verilog(chosen.component(config))
