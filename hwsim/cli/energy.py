"""``hwsim energy``: where the joules of a result come from, and whether conclusions stand over the range of costs."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import add_json
from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError
from hwsim.fields import nearest

if TYPE_CHECKING:
    from hwsim.energy.compare import Comparison
    from hwsim.energy.written import WrittenTree

_EXAMPLES = """\
RESULT.json is what 'hwsim run -o DIR' and 'hwsim reproduce -o DIR' write. Every tree in it is read back and checked:
count x unit cost of each action, components and total add up to 1e-9, each action names its source.

examples:
  hwsim energy results/demo/result.json                     # all trees, the first one action by action
  hwsim energy results/demo/result.json --tree runs[1].energy --sources
  hwsim energy results/demo/result.json --compare           # sparse against dense, over the range of every cost
  hwsim energy results/kv/result.json --compare runs[0].engines.skip.token_energy runs[0].engines.dense.token_energy
"""
_PAIRS = (
    (re.compile(r"(?P<run>(?:runs\[\d+\]\.)?)energy"), r"{run}baseline_energy\.[^.]+"),
    (re.compile(r"(?P<run>runs\[\d+\]\.engines\.)(?:skip|decoded)\.token_energy"), r"{run}dense\.token_energy"),
    (re.compile(r"sparse\.[^.]+\.(?P<run>.+)\.energy"), r"dense\.{run}\.energy"),
    (re.compile(r"(?P<run>)decode\.energy"), r"ablation\.dense chain.*\.decode_energy"),
    (re.compile(r"(?P<run>)prefill\.energy"), r"ablation\.dense chain.*\.prefill_energy"),
)
"""Trees that are compared unless others are named: ours, and beside it the others of the same run."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Where the joules of a result come from: component, action, count x unit cost, source."
    parser.epilog = _EXAMPLES
    parser.add_argument("result", metavar="RESULT.json", help="a result")
    parser.add_argument("--tree", metavar="PLACE", help="one tree by its place in the file")
    parser.add_argument("--sources", action="store_true", help="where each unit cost comes from")
    parser.add_argument("--compare", nargs="*", metavar="PLACE",
                        help="gains over the range of the costs: of sparse trees over their dense ones, or OURS OTHER")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Read, check, print."""
    from hwsim.energy.written import trees_of

    trees = list(trees_of(_read(Path(arguments.result))))
    if not trees:
        raise InputError(arguments.result, "a result with an energy tree", "none")
    if arguments.compare is not None:
        _compare(trees, arguments)
        return 0
    shown = _main(trees) if arguments.tree is None else [_named(trees, arguments.tree, "--tree")]
    if arguments.json:
        print_json([_plain(tree) for tree in shown])
    else:
        print_text(_text(shown, sources=arguments.sources, full=1))
    return 0


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), "a result in JSON", str(error)) from None


def _main(trees: Sequence[WrittenTree]) -> list[WrittenTree]:
    """The trees of whole results, without those of single layers."""
    return [tree for tree in trees if "layers[" not in tree.place]


def _named(trees: Sequence[WrittenTree], place: str, option: str) -> WrittenTree:
    for tree in trees:
        if tree.place == place:
            return tree
    places = [tree.place for tree in trees]
    listed = ", ".join(repr(tree.place) for tree in _main(trees))  # quoted, as names may have commas
    raise InputError(option, f"one of {listed}{nearest(place, places)}", place)


def _text(shown: Sequence[WrittenTree], *, sources: bool, full: int) -> str:
    from hwsim.energy.show import list_text, tree_text

    parts = [tree_text(tree, sources=sources) for tree in shown[:full]]
    return "\n\n".join([*([list_text(shown)] if len(shown) > 1 else []), *parts])


def _plain(tree: WrittenTree) -> dict[str, Any]:
    return {"tree": tree.place, "energy": tree.energy, "low": tree.low, "high": tree.high,
            "leaves": [leaf.to_mapping() for leaf in tree.leaves]}


def _compare(trees: Sequence[WrittenTree], arguments: argparse.Namespace) -> None:
    from hwsim.energy.compare import range_text

    named = arguments.compare
    if named and len(named) != 2:
        raise InputError("--compare", "no place, or two: OURS OTHER", f"{len(named)} places")
    pairs = [(_named(trees, named[0], "--compare"), _named(trees, named[1], "--compare"))] if named else _pairs(trees)
    if not pairs:
        raise InputError("--compare", "a result with sparse and dense trees, or two places", "no pair that is known")
    found = {f"{ours.place} : {other.place}": _gain(ours, other) for ours, other in pairs}
    if arguments.json:
        print_json({name: each.to_dict() for name, each in found.items()})
    else:
        print_text("\n".join(range_text(found)))


def _gain(ours: WrittenTree, other: WrittenTree) -> Comparison:
    from hwsim.energy.compare import Comparison

    found = Comparison.of(ours.leaves, other.leaves)
    if found is None:
        raise InputError("--compare", "trees with energy", f"{ours.place} and {other.place}")
    return found


def _pairs(trees: Sequence[WrittenTree]) -> list[tuple[WrittenTree, WrittenTree]]:
    """Each sparse tree with the dense ones of its run."""
    found = []
    for ours in trees:
        for pattern, beside in _PAIRS:
            match = pattern.fullmatch(ours.place)
            if match:
                other = re.compile(beside.format(run=re.escape(match["run"])))
                found += [(ours, tree) for tree in trees if other.fullmatch(tree.place)]
    return found
