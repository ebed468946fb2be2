"""``hwsim verify --from``: points of a sweep proven one after the other, each outcome kept in the sweep's folder."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import at_least
from hwsim.cli.output import ProgressBar, print_json, print_text
from hwsim.cli.packages import missing_package, needed
from hwsim.errors import InputError

if TYPE_CHECKING:
    from hwsim.sweep.rows import Row

LARGEST = 1024
"""Most multipliers of a sweep's array that is built unless more are asked for: minutes with Verilator."""
_REFUSED = ("family", "settings", "configurations", "experiment", "layer")


def prove_points(arguments: argparse.Namespace) -> int:
    """Prove the points that are asked for; 1 where one differs.

    All are looked at before the first is built, so that one that cannot be proven costs nothing. With ``--front`` those
    that cannot be built are named and left out, and the exit status is 2 unless another differs.
    """
    needed("pyarrow")
    from hwsim.sweep.proofs import add_proof
    from hwsim.sweep.store import read_description, read_table

    _check(arguments)
    rows = read_table(arguments.source).to_pylist()
    about = read_description(arguments.source)
    chosen, left_out = _chosen(arguments, about, rows)
    proofs = []
    for row in chosen:
        folder = str(about.get("folders", {}).get(row["space"], "."))
        proof = _proven(arguments, row, folder)
        add_proof(arguments.source, proof)
        proofs.append(proof)
        if not arguments.json:
            print_text(_said(proof))
    if arguments.json:
        print_json({"proofs": proofs, "left_out": left_out})
    if any(proof["status"] != "proven" for proof in proofs):
        return 1
    if left_out:
        wanted = f"points with RTL of at most {_largest(arguments):,} multipliers (--largest raises it)"
        raise InputError("--front", wanted, f"{len(proofs):,} such and {len(left_out):,} others: "
                         + ", ".join(name[:10] for name in left_out))  # fmt: skip
    return 0


def _check(arguments: argparse.Namespace) -> None:
    for option in _REFUSED:
        if getattr(arguments, option):
            raise InputError("--from", f"no {'FAMILY' if option == 'family' else '--' + option} beside it: the point "
                             "says all", getattr(arguments, option))  # fmt: skip
    if bool(arguments.point) == arguments.front:
        raise InputError("--from", "--point ID or --front", "both" if arguments.front else "neither")
    if arguments.largest is not None:
        at_least("--largest", arguments.largest, 1)


def _chosen(arguments: argparse.Namespace, about: Mapping[str, Any], rows: list[Row]) -> tuple[list[Row], list[str]]:
    """The rows to prove, and names of those on the front that cannot be built."""
    from hwsim.cli.prove import pick, provable
    from hwsim.sweep.fronts import on_fronts

    objectives = {str(each["name"]): str(each["direction"]) for each in about.get("objectives", [])}
    asked = pick(rows, arguments.point) if arguments.point else on_fronts(rows, objectives)
    if not asked:
        raise InputError("--front", "a sweep with a point on its front", "none")
    chosen, left_out = [], []
    for row in asked:
        try:
            provable(row, _largest(arguments))
            chosen.append(row)
        except InputError:
            if not arguments.front:
                raise
            left_out.append(row["point"])
    return chosen, left_out


def _largest(arguments: argparse.Namespace) -> int:
    return LARGEST if arguments.largest is None else int(arguments.largest)


def _proven(arguments: argparse.Namespace, row: Row, folder: str) -> dict[str, Any]:
    from hwsim.cli.prove import prove

    try:
        with ProgressBar() as bar:
            return prove(row, folder, seed=arguments.seed, cases=arguments.cases, engine=arguments.engine,
                         progress=bar)  # fmt: skip
    except ImportError as error:
        raise missing_package("verify --from", error) from error


def _said(proof: Mapping[str, Any]) -> str:
    """A point's verdict, and a line for each part."""
    verdict = {"proven": "proven", "disproven": f"DISPROVEN: {proof['failure']}",
               "outdated": f"OUTDATED, nothing was built: {proof['failure']}; evaluate it in a new folder"}
    lines = [f"{proof['point']}: {verdict[proof['status']]}"]
    lines += [f"  {part['name']}, {part['what']}: {part['transfers']:,} transfers, "
              f"{part['value_mismatches']:,} values and {part['cycle_mismatches']:,} cycles differ; "
              f"{part['rtl_cycles']:,} cycles on RTL, {part['model_cycles']:,} by the model" for part in proof["parts"]]
    return "\n".join(lines)
