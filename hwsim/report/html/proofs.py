"""What the report says of the proofs of points: a state of each, and a line that tells what was proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

STATES = ("", "proven", "stale", "disproven", "outdated")
"""Of a point: never tried; row, model and RTL agree; so they did, by another revision; they do not; the program does
not give the row any more."""


def proofs_of(columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Numbers of `STATES` by point, and what was proven by the point's number, from the columns of `with_proofs`."""
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    states = [_state(row) for row in rows]
    return {"states": list(STATES), "codes": [STATES.index(state) for state in states],
            "notes": {str(number): _note(row) for number, row in enumerate(rows) if row.get("proof.status")},
            "revisions": sorted({row["proof.revision"] for row in rows if row.get("proof.status")})}  # fmt: skip


def _state(row: Mapping[str, Any]) -> str:
    status = row.get("proof.status") or ""
    return "stale" if status == "proven" and row["proof.stale"] else status


def _note(row: Mapping[str, Any]) -> str:
    """One line."""
    date = str(row["proof.date"])[:16].replace("T", " ")
    made = f"{date} UTC, {row['proof.engine']}, seed {row['proof.seed']}, revision {_short(row)}"
    if row["proof.failure"]:
        return f"{row['proof.failure']} ({made})"
    return (f"{row['proof.transfers']:,} transfers and {row['proof.cycles']:,} cycles equal ({row['proof.parts']}; "
            f"{made})")  # fmt: skip


def _short(row: Mapping[str, Any]) -> str:
    revision = str(row["proof.revision"])
    return revision[:12] + (" with changes" if "+" in revision else "")
