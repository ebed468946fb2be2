"""Measurements of SCALE-Sim that are kept, so that the table can be made again without an hour of waiting."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.scalesim import Case, cases, closed_form, refusal, run_case

FILE = "scalesim.json"
Runner = Callable[[Case, float], dict[str, Any]]


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """Kept measurements by key; none when there is no file."""
    file = folder / FILE
    return dict(json.loads(file.read_text())["measurements"]) if file.exists() else {}


def save(folder: Path, kept: dict[str, dict[str, Any]]) -> None:
    """Write all of them; the file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{FILE}.part"
    note = "Measurements of SCALE-Sim by `python -m benchmarks`; delete an entry to have it measured again."
    part.write_text(json.dumps({"note": note, "measurements": dict(sorted(kept.items()))}, indent=1) + "\n")
    part.replace(folder / FILE)


def usable(record: dict[str, Any] | None, limit_s: float) -> bool:
    """Whether a kept record answers the question: a result, or a stop at a limit that is no lower than this one."""
    return record is not None and (record["status"] == "measured" or record["limit_s"] >= limit_s)


def table(folder: Path, sizes: list[int], limit_s: float, runner: Runner = run_case,
          say: Callable[[str], None] = lambda text: None) -> list[dict[str, Any]]:
    """One row per case: kept where it can be, measured and kept where not, refused where it would not fit.

    Args:
        folder: of the file.
        sizes: of the cubes.
        limit_s: seconds for one case; 0: take kept ones only.
        runner: measures one case.
        say: told what is under way.
    """
    rows = []
    for case in cases(sizes):
        kept = load(folder)
        record, origin = kept.get(case.key), "stored"
        if not usable(record, limit_s):
            why = refusal(case, kept, limit_s)
            if why:
                record = {"case": asdict(case), "status": why}
                origin = "not run"
            else:
                say(f"SCALE-Sim {case.m}^3 {case.dataflow} {case.ratio}")
                record, origin = runner(case, limit_s), "measured in this run"
                save(folder, {**load(folder), case.key: record})
        rows.append({**record, "origin": origin, "closed_form_cycles": closed_form(case)})
    return rows
