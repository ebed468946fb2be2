"""One option for each layer within a budget, at little error in all (a multiple-choice knapsack).

Greedy by the error saved for each unit of cost, along the lower convex hull of each layer's options; what is left goes
to the best single changes that still fit. Where the budget ends on the hull's steps the result is optimal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError

Floats = NDArray[np.float64]
_SLACK = 1e-9


def hull(costs: Floats, errors: Floats) -> list[int]:
    """Options on the lower convex hull, from the cheapest (of those the best) to the least error."""
    points: list[int] = []
    for index in (int(i) for i in np.lexsort((errors, costs))):
        if points and errors[index] >= errors[points[-1]]:
            continue
        while len(points) > 1 and not _bends(costs, errors, points[-2], points[-1], index):
            points.pop()
        points.append(index)
    return points


def _bends(costs: Floats, errors: Floats, a: int, b: int, c: int) -> bool:
    """Whether b lies below the line from a to c."""
    before = (errors[a] - errors[b]) * (costs[c] - costs[b])
    return bool(before > (errors[b] - errors[c]) * (costs[b] - costs[a]))


def allocate(costs: Sequence[Floats], errors: Sequence[Floats], budget: float) -> list[int]:
    """Option of each layer, with costs that add up to the budget at most.

    Args:
        costs: of each layer's options, in any unit.
        errors: of the same options, comparable between layers.
        budget: in the unit of the costs.

    Raises:
        InputError: the cheapest options cost more.
    """
    paths = [hull(c, e) for c, e in zip(costs, errors, strict=True)]
    chosen = [path[0] for path in paths]
    left = budget - sum(float(c[option]) for c, option in zip(costs, chosen, strict=True))
    if left < -_SLACK * abs(budget):
        raise InputError("budget", f"at least {budget - left:.6g}, what the cheapest options cost", f"{budget:.6g}")
    blocked: set[int] = set()
    for layer, before, after in _steps(paths, costs, errors):
        price = float(costs[layer][after] - costs[layer][before])
        if price > left + _SLACK * budget:
            blocked.add(layer)
        if layer not in blocked:
            chosen[layer], left = after, left - price
    return _filled(chosen, costs, errors, left)


def _steps(paths: Sequence[Sequence[int]], costs: Sequence[Floats],
           errors: Sequence[Floats]) -> list[tuple[int, int, int]]:  # fmt: skip
    """Steps (layer, option, next option) by falling error saved for each unit of cost; each layer's in their order."""
    steps = [(layer, a, b) for layer, path in enumerate(paths) for a, b in zip(path, path[1:], strict=False)]

    def rate(step: tuple[int, int, int]) -> float:
        layer, a, b = step
        return float((errors[layer][a] - errors[layer][b]) / (costs[layer][b] - costs[layer][a]))

    return sorted(steps, key=rate, reverse=True)


def _filled(chosen: list[int], costs: Sequence[Floats], errors: Sequence[Floats], left: float) -> list[int]:
    """Change single layers for what is left, the largest saving first."""
    while True:
        best, gain = None, 0.0
        for layer, option in enumerate(chosen):
            saved = errors[layer][option] - errors[layer]
            saved = np.where(costs[layer] - costs[layer][option] <= left, saved, 0.0)
            candidate = int(np.argmax(saved))
            if saved[candidate] > gain:
                best, gain = (layer, candidate), float(saved[candidate])
        if best is None:
            return chosen
        layer, candidate = best
        left -= float(costs[layer][candidate] - costs[layer][chosen[layer]])
        chosen[layer] = candidate
