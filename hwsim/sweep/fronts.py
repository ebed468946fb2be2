"""Which points of a sweep no other point of the same workload dominates: those of other workloads are no rivals."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.sweep.families import workload_of
from hwsim.sweep.pareto import front
from hwsim.sweep.rows import Row, compact


def fronts_of(metrics: Mapping[str, Sequence[float | None]], objectives: Sequence[Mapping[str, Any]],
              groups: Sequence[int], feasible: Sequence[bool]) -> list[bool]:
    """Whether each point is on the front of its group; points that are not feasible, or lack an objective, never are.

    Args:
        metrics: values by name, None where not known.
        objectives: ``name`` and ``direction`` (``min`` or ``max``) of each.
        groups: number of each point's workload.
        feasible: whether it holds all constraints.
    """
    known = [(str(each["name"]), 1.0 if each.get("direction") == "min" else -1.0) for each in objectives
             if each.get("name") in metrics]
    found = np.zeros(len(groups), bool)
    if not known:
        return found.tolist()
    costs = np.array([[math.inf if value is None else sign * value for value in metrics[name]]
                      for name, sign in known]).T
    costs[~np.asarray(feasible, bool)] = math.inf
    numbers = np.asarray(groups)
    for group in np.unique(numbers):
        own = np.flatnonzero(numbers == group)
        found[own[front(costs[own])]] = True
    return found.tolist()


def on_fronts(rows: Sequence[Row], objectives: Mapping[str, str]) -> list[Row]:
    """The rows of a sweep's table that are on the front of their workload, workload by workload in the table's order.

    Args:
        rows: with ``status``, ``feasible``, ``workload``, ``inputs`` (JSON) and metrics.
        objectives: ``min`` or ``max`` by name of a metric.
    """
    good = [row for row in rows if row["status"] == "ok"]
    metrics = {name: [row.get(f"metric.{name}") for row in good] for name in objectives}
    groups: dict[tuple[str, str], int] = {}
    codes = [groups.setdefault((row["workload"], compact(workload_of(json.loads(row["inputs"])))), len(groups))
             for row in good]
    marked = fronts_of(metrics, [{"name": name, "direction": way} for name, way in objectives.items()], codes,
                       [row["feasible"] is not False for row in good])
    kept = [(code, row) for code, row, own in zip(codes, good, marked, strict=True) if own]
    return [row for _, row in sorted(kept, key=lambda each: each[0])]
