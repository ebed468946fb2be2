"""What was proven of the points of a sweep: outcomes of conformance runs of their RTL, beside the rows.

    proofs/*.json    one file a proof, written beside its place and renamed: whole, or not there

A proof names the point, the parts of its hardware that were built, what was compared, and the sources that did it. Its
status is ``proven``, ``disproven`` (RTL and model differ) or ``outdated`` (this program does not give the row any more,
so nothing was built). The newest proof counts; one that failed is not undone by another seed of the same sources.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from hwsim.errors import InputError
from hwsim.sweep.store import replace_file

PROOFS = "proofs"
_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = ("hwsim", "mappers", "rtl")
Proof = dict[str, Any]
COLUMNS: Mapping[str, tuple[pa.DataType, str]] = {
    "proven": (pa.bool_(), "whether row, model and RTL agreed; null: never tried"),
    "proof.status": (pa.string(), "proven, disproven or outdated"),
    "proof.stale": (pa.bool_(), "made with another revision than the row, or other sources than the program that asks"),
    "proof.transfers": (pa.int64(), "transfers compared"),
    "proof.mismatches": (pa.int64(), "values and cycles that differ"),
    "proof.cycles": (pa.int64(), "cycles of the RTL"),
    "proof.cases": (pa.int64(), "runs compared"),
    "proof.seed": (pa.int64(), "of cases and stalls"),
    "proof.engine": (pa.string(), "simulator of the RTL"),
    "proof.revision": (pa.string(), "of the program that proved"),
    "proof.date": (pa.string(), "UTC"),
    "proof.parts": (pa.string(), "what was built and run"),
    "proof.failure": (pa.string(), "what differs first"),
}
"""Columns beside the rows: type and meaning."""


@cache
def sources() -> str:
    """SHA-256 (hex) of the program's own files: tells apart what a revision with changes does not."""
    digest = hashlib.sha256()
    for file in sorted(file for part in _SOURCES for kind in ("*.py", "*.toml") for file in (_ROOT / part).rglob(kind)):
        digest.update(str(file.relative_to(_ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def add_proof(folder: str | Path, proof: Mapping[str, Any]) -> Path:
    """Keep a proof with the date of now; it is there whole or not at all.

    Raises:
        OSError: nothing can be written.
    """
    place = Path(folder) / PROOFS
    place.mkdir(exist_ok=True)
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    file = place / f"{time.time_ns():020}-{proof['point']}.json"
    replace_file(file, (json.dumps({**proof, "date": date}, allow_nan=False, indent=1) + "\n").encode())
    return file


def read_proofs(folder: str | Path) -> dict[str, Proof]:
    """The proof that counts of each point.

    Raises:
        InputError: a file is no proof.
    """
    found: dict[str, Proof] = {}
    for file in sorted((Path(folder) / PROOFS).glob("*.json")):
        try:
            proof = json.loads(file.read_bytes())
            point, sources, passed = proof["point"], proof["sources"], proof["status"] == "proven"
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(str(file), "a proof of 'hwsim verify --from'", "something else") from None
        before = found.get(point)
        if before is None or not passed or before["status"] == "proven" or before["sources"] != sources:
            found[point] = proof
    return found


def with_proofs(table: pa.Table, folder: str | Path) -> pa.Table:
    """The rows with the columns of `COLUMNS` behind them.

    Raises:
        InputError: as `read_proofs`.
    """
    proofs = read_proofs(folder)
    rows = [_columns(proofs.get(point), row) for point, row in
            zip(table["point"].to_pylist(), table["revision"].to_pylist(), strict=True)]  # fmt: skip
    for name, (kind, _) in COLUMNS.items():
        table = table.append_column(name, pa.array([row.get(name) for row in rows], kind))
    return table


def _columns(proof: Proof | None, revision: str) -> dict[str, Any]:
    if proof is None:
        return {}
    named = {f"proof.{key}": proof[key] for key in ("transfers", "mismatches", "cycles", "cases", "seed", "engine",
                                                     "revision", "date", "failure", "status")}  # fmt: skip
    stale = (proof["revision"], proof["sources"]) != (revision, sources())
    return {**named, "proven": proof["status"] == "proven", "proof.stale": stale, "proof.parts": _said(proof["parts"])}


def _said(parts: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{part['name']}: {part['what']}" for part in parts)
