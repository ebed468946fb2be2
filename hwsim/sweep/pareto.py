"""Fronts: the points that no other point beats in every objective, and how much of the space they dominate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def costs_of(rows: Sequence[Mapping[str, Any]], objectives: Mapping[str, str]) -> Floats:
    """(rows, objectives) smaller is better; infinite where a row failed, is not feasible or lacks the metric."""
    costs = np.full((len(rows), len(objectives)), np.inf)
    for number, row in enumerate(rows):
        values: list[Any] = [row.get(f"metric.{name}") for name in objectives]
        if row["status"] == "ok" and row["feasible"] is not False and None not in values:
            costs[number] = [-value if way == "max" else value
                             for value, way in zip(values, objectives.values(), strict=True)]
    return costs


def front(costs: Floats) -> npt.NDArray[np.int64]:
    """Indices of the rows of ``costs`` (points, objectives) that no other row dominates, best first objective first.

    A row dominates another that is nowhere less and somewhere greater. Equal rows are all kept, infinite ones none.
    """
    finite = np.flatnonzero(np.isfinite(costs).all(axis=1))
    order = finite[np.lexsort(costs[finite].T[::-1])]
    kept: list[int] = []
    for index in order:  # whatever dominates it comes before it
        before = costs[kept]
        beaten = (before <= costs[index]).all(axis=1) & (before < costs[index]).any(axis=1)
        if not beaten.any():
            kept.append(int(index))
    return np.array(kept, np.int64)


def hypervolume(costs: Floats, reference: npt.ArrayLike) -> float:
    """Volume that the rows of ``costs`` (points, objectives) dominate below ``reference`` (objectives,), exactly.

    By slices along the last objective; meant for fronts of some hundred points and up to four objectives.
    """
    bound = np.asarray(reference, np.float64)
    inside = costs[(costs < bound).all(axis=1)]
    if not len(inside):
        return 0.0
    if inside.shape[1] == 1:
        return float(bound[0] - inside.min())
    inside = inside[np.argsort(inside[:, -1], kind="stable")]
    edges = np.append(inside[:, -1], bound[-1])
    return sum(hypervolume(inside[:count, :-1], bound[:-1]) * (edges[count] - edges[count - 1])
               for count in range(1, len(inside) + 1) if edges[count] > edges[count - 1])
