"""``hwsim zoo``: the known networks, or the operators of one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import add_json, add_set, settings_of
from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError

if TYPE_CHECKING:
    from hwsim.workload import Operator, Workload

_EXAMPLES = """\
examples:
  hwsim zoo
  hwsim zoo resnet50 --set batch=4 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "List the known networks, or the operators of one with their shapes and MACs."
    parser.epilog = _EXAMPLES
    parser.add_argument("name", nargs="?", metavar="NAME", help="a network; default: list all")
    add_set(parser, "option of the network: batch, resolution, classes, sequence or context, by network")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """List."""
    from hwsim.workload import zoo

    options = settings_of(arguments.settings)
    if arguments.name is None:
        if options:
            raise InputError("zoo --set", "a network that the options are for", "no name")
        networks = [_network(zoo.build(name)) for name in zoo.names()]
        if arguments.json:
            print_json({"networks": networks})
        else:
            print_text(_list(networks))
        return 0
    for key, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(f"--set {key}", "an integer", value)
    workload = zoo.build(arguments.name, **options)
    if arguments.json:
        print_json({**_network(workload), "options": options, "layers": [_operator(op) for op in workload]})
    else:
        print_text(_operators(workload))
    return 0


def _network(workload: Workload) -> dict[str, Any]:
    return {"name": workload.name, **workload.totals()}


def _operator(op: Operator) -> dict[str, Any]:
    return {
        "name": op.name,
        "kind": op.kind,
        "m": op.m,
        "k": op.k,
        "n": op.n,
        "groups": op.groups,
        "macs": op.macs,
        "weight_elements": op.weight_elements,
        "input_elements": op.input_elements,
        "output_elements": op.output_elements,
        "activation": op.activation,
        "inputs": list(op.inputs),
    }


def _list(networks: list[dict[str, Any]]) -> str:
    lines = [f"{'network':<20} {'operators':>9} {'GEMMs':>6} {'MACs':>10} {'weights':>10}"]
    for row in networks:
        macs, weights = f"{row['macs'] / 1e9:.3f} G", f"{row['weight_elements'] / 1e6:.2f} M"
        lines.append(f"{row['name']:<20} {row['operators']:>9} {row['gemms']:>6} {macs:>10} {weights:>10}")
    return "\n".join(lines)


def _operators(workload: Workload) -> str:
    lines = [f"{'operator':<32} {'kind':<8} {'MxKxN':<24} {'groups':>6} {'MACs':>15} {'weights':>11}"]
    for op in workload:
        shape = f"{op.m}x{op.k}x{op.n}" if op.macs else "-"
        lines.append(
            f"{op.name:<32} {op.kind:<8} {shape:<24} {op.groups:>6} {op.macs:>15,} {op.weight_elements:>11,}"
        )
    total = f"{workload.macs:>15,} {workload.weight_elements:>11,}"
    lines.append(f"{'total':<32} {'':<8} {f'{len(workload)} operators':<24} {'':>6} {total}")
    return "\n".join(lines)
