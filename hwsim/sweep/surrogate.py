"""Which of many points may extend a front, by an additive model of the costs: a term for each value of each axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.sweep.pareto import Floats, front

RIDGE = 0.3
"""Weight of a term's square against that of an error: values that were seen once or twice count less."""

Params = Mapping[str, Any]


def most_promising(seen: Sequence[Params], costs: Floats, candidates: Sequence[Params]) -> int:
    """Index of the candidate that is predicted to lie farthest beyond the front.

    Costs that are all above 0 are taken as logarithms: on many axes a step multiplies them. Each is scaled by its
    spread. A candidate lies beyond a point of the front by the largest of its gains over that point, and beyond the
    front by the smallest of these.

    Args:
        seen: parameters of the points that are known.
        costs: theirs, (points, objectives); infinite where a point failed.
        candidates: parameters of the others.
    """
    known = np.flatnonzero(np.isfinite(costs).all(axis=1))
    if not len(known):
        return 0
    values = costs[known]
    values = np.where((values > 0).all(axis=0), np.log(np.maximum(values, 1e-300)), values)
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    terms = {item: column for column, item in enumerate(
        dict.fromkeys(item for params in (*seen, *candidates) for item in params.items()))}  # fmt: skip
    x, others = _one_hot([seen[int(index)] for index in known], terms), _one_hot(candidates, terms)
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(len(terms)), x.T @ values)
    gains = values[front(values)][None] - (others @ weights)[:, None]
    return int(gains.max(axis=2).min(axis=1).argmax())


def _one_hot(rows: Sequence[Params], terms: Mapping[tuple[str, Any], int]) -> Floats:
    found = np.zeros((len(rows), len(terms)))
    for number, params in enumerate(rows):
        found[number, [terms[item] for item in params.items()]] = 1.0
    return found
