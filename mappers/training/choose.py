"""The cheapest sequence of options, by dynamic programming: costs of options and of changes between them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

Option = TypeVar("Option", bound=Hashable)


def cheapest_sequence(steps: Sequence[Mapping[Option, int]],
                      change: Callable[[Option, Option], int]) -> tuple[int, tuple[Option, ...]]:
    """One option for each step so that the sum of costs and changes is least.

    Args:
        steps: cost (cycles) of each option of each step; at least one option a step.
        change: cost (cycles) of going from one option to the next step's.

    Returns:
        the least cost and the options; of equal ones, the first listed.
    """
    best: dict[Option, tuple[int, tuple[Option, ...]]] = {}
    for number, costs in enumerate(steps):
        reached: dict[Option, tuple[int, tuple[Option, ...]]] = {}
        for option, cost in costs.items():
            if number == 0:
                reached[option] = cost, (option,)
                continue
            before, path = min(((total + change(last, option), path) for last, (total, path) in best.items()),
                               key=lambda each: each[0])
            reached[option] = before + cost, (*path, option)
        best = reached
    return min(best.values(), key=lambda each: each[0]) if best else (0, ())
