"""What a row of a sweep's table holds: its columns, their units, and how a point's outcome becomes a row."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hwsim.provenance import revision, versions
from hwsim.sweep.keys import dotted, flattened

Row = dict[str, Any]

METRICS: dict[str, str] = {
    "cycles": "cycles of the accelerator's clock",
    "seconds": "s",
    "energy_joules": "J",
    "edp_joule_seconds": "J s",
    "utilization": "useful MACs / (multipliers x cycles)",
    "speedup_dense": "cycles of the dense baseline / cycles",
    "energy_gain_dense": "energy of the dense baseline / energy",
    "speedup_systolic": "cycles of the systolic baseline / cycles",
    "energy_gain_systolic": "energy of the systolic baseline / energy",
    "speedup_gpu": "time on the first GPU of the experiment, by the model of hwsim gpu / seconds",
    "energy_gain_gpu": "J of that GPU's board / energy",
    "multipliers": "multipliers (DSP slices where each takes one)",
    "sram_bytes": "bytes of on-chip buffers",
    "dram_bytes": "bytes over the DRAM channel",
    "macs": "MACs of the dense workload",
    "useful_macs": "MACs with kept weights",
    "peak_macs_per_second": "MAC/s",
    "dram_bytes_per_second": "sustained bytes/s",
    "tokens_per_second": "tokens/s of all sequences",
}
"""Metric and its unit. A family leaves out (null) what it does not know."""

TEXT = ("point", "space", "status", "error", "family", "workload", "revision", "versions", "inputs", "detail")
"""Columns of text; ``versions``, ``inputs`` (the whole experiment) and ``detail`` hold JSON."""

NOT_COMPARED = ("seconds", "revision", "versions")
"""Columns that may differ between two runs of the same point: wall seconds, and where it ran."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One configuration of a sweep.

    Args:
        name: content hash of its inputs, hex.
        space: of the sweep file, by name.
        family: of the accelerator.
        inputs: the whole experiment as plain data; of a refused one what the file says.
        folder: that its relative paths start from.
        group: points of equal group share most of their work.
        refused: why no experiment could be made of it; empty otherwise.
    """

    name: str
    space: str
    family: str
    inputs: Mapping[str, Any]
    folder: str = ""
    group: str = ""
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an evaluation found.

    Args:
        workload: its name.
        seed: of what was drawn.
        metrics: by name of `METRICS`; None or missing where not known.
        detail: energy by component (J), stalls by kind (cycles), columns of the layers.
    """

    workload: str
    seed: int
    metrics: Mapping[str, float | None]
    detail: Mapping[str, Any] = field(default_factory=dict)


def good_row(point: Point, outcome: Outcome, seconds: float) -> Row:
    """Row of a point that was evaluated in so many wall seconds."""
    unknown = set(outcome.metrics) - set(METRICS)
    if unknown:
        raise ValueError(f"wanted metrics of {', '.join(METRICS)}; got {', '.join(sorted(unknown))}")
    row = _common(point, seconds)
    row.update(status="ok", workload=outcome.workload, seed=outcome.seed, detail=compact(outcome.detail))
    row.update({f"metric.{name}": _finite(outcome.metrics.get(name)) for name in METRICS})
    return row


def bad_row(point: Point, error: str, seconds: float = 0.0) -> Row:
    """Row of a point that failed; ``error`` is put on one line."""
    return {**_common(point, seconds), "status": "error", "error": " ".join(error.split()) or "no reason given",
            "detail": compact({}), **{f"metric.{name}": None for name in METRICS}}


def _common(point: Point, seconds: float) -> Row:
    return {"point": point.name, "space": point.space, "status": "", "error": None, "family": point.family,
            "workload": None, "seconds": seconds, "seed": None, "revision": revision(),
            "versions": _versions(), "feasible": None, "inputs": compact(point.inputs), "detail": "",
            **input_columns(point.inputs)}  # fmt: skip


@cache
def _versions() -> str:
    return compact(versions())


def input_columns(inputs: Mapping[str, Any]) -> Row:
    """``input.<key>`` for every value of an experiment; lists as JSON."""
    return {f"input.{dotted(path)}": compact(value) if isinstance(value, list) else value
            for path, value in flattened(inputs)}


def input_types(all_inputs: Iterable[Mapping[str, Any]]) -> dict[str, type]:
    """Type of each input column over all points: bool, int, float (also of int and float), str (of all else)."""
    types: dict[str, type] = {}
    for inputs in all_inputs:
        for column, value in input_columns(inputs).items():
            kind = type(value) if type(value) in (bool, int, float) else str
            types[column] = common_type(types.get(column, kind), kind)
    return types


def common_type(one: type, other: type) -> type:
    """The type that holds values of both."""
    if one is other:
        return one
    return float if {one, other} == {int, float} else str


def compact(data: Any) -> str:
    """Canonical JSON: equal data, equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
