"""Which points of a sweep no other point of the same workload dominates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.sweep.pareto import front


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

