"""Whether one design needs less energy than another over the whole range of the costs, not at their middle alone.

A cost that both designs have is one and the same unknown in both. Between its low and its high end their difference is
linear in it, so in the worst case over all costs, each on its own, each is at the end of its range that hurts more:
where the difference is smaller. Memories of several sizes share one unknown, the place on the curve's range.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hwsim.energy.units import Joules
from hwsim.report.columns import aligned

Ends = tuple[float, float, float]
"""Joules with a cost at its low end, its value, its high end."""
NOTHING: Ends = (0.0, 0.0, 0.0)


class Priced(Protocol):
    """What a comparison needs of a leaf of an energy tree."""

    @property
    def cost_name(self) -> str:
        """Entry of the cost table."""

    @property
    def energy(self) -> Joules:
        """At the cost's value."""

    @property
    def bounds(self) -> tuple[Joules, Joules]:
        """At its low and its high end."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Gains (the other's energy over ours) and what decides them.

    Attributes:
        low, nominal, high: gain with every cost at its low end, its value, its high end.
        worst, best: gain with each cost at whichever end hurts, or helps, on its own.
        because: the costs that speak most against the conclusion at their ends, largest first, at most three.
    """

    low: float
    nominal: float
    high: float
    worst: float
    best: float
    because: tuple[str, ...]

    @classmethod
    def of(cls, ours: Iterable[Priced], other: Iterable[Priced]) -> Comparison | None:
        """The comparison; None where one side needs no energy at all."""
        mine, theirs = _by_cost(ours), _by_cost(other)
        pairs = {name: (mine.get(name, NOTHING), theirs.get(name, NOTHING)) for name in {**mine, **theirs}}
        middle = dict.fromkeys(pairs, 1)
        if not all(_sum(pairs, side, middle) > 0 for side in (0, 1)):
            return None
        saved = {name: [b - a for a, b in zip(*pair, strict=True)] for name, pair in pairs.items()}
        hurts = {name: 0 if each[0] <= each[2] else 2 for name, each in saved.items()}
        helps = {name: 2 - end for name, end in hurts.items()}
        low, nominal, high, worst, best = (_sum(pairs, 1, ends) / _sum(pairs, 0, ends) for ends in (
            dict.fromkeys(pairs, 0), middle, dict.fromkeys(pairs, 2), hurts, helps))
        against = hurts if nominal >= 1 else helps
        moved = {name: abs(each[1] - each[against[name]]) for name, each in saved.items()}
        listed = [name for name in moved if moved[name] > 0.1 * max(moved.values())]
        most = sorted(listed, key=lambda name: -moved[name])
        return cls(low=low, nominal=nominal, high=high, worst=worst, best=best, because=tuple(most[:3]))

    @property
    def holds(self) -> bool:
        """Whether no choice of costs within their ranges turns the sign of the conclusion."""
        return self.worst > 1 if self.nominal > 1 else self.best < 1

    @property
    def verdict(self) -> str:
        """What becomes of the conclusion's sign, in words."""
        return "holds" if self.holds else f"does not hold, because of {', '.join(self.because)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"low": self.low, "nominal": self.nominal, "high": self.high, "worst": self.worst, "best": self.best,
                "sign_holds": self.holds, "because": list(self.because)}


def _by_cost(leaves: Iterable[Priced]) -> dict[str, Ends]:
    found: dict[str, list[Ends]] = {}
    for leaf in leaves:
        low, high = leaf.bounds
        found.setdefault(leaf.cost_name, []).append((low, leaf.energy, high))
    return {name: (math.fsum(p[0] for p in parts), math.fsum(p[1] for p in parts), math.fsum(p[2] for p in parts))
            for name, parts in found.items()}


def _sum(pairs: Mapping[str, tuple[Ends, Ends]], side: int, ends: Mapping[str, int]) -> float:
    """Joules of one side with each cost at the end that is said."""
    return math.fsum(pair[side][ends[name]] for name, pair in pairs.items())


def range_text(gains: Mapping[str, Comparison]) -> list[str]:
    """A line for each comparison, by the other's name, under a head."""
    lines: list[tuple[str, ...]] = [("energy gain over", "nominal", "all low", "all high", "worst", "best")]
    lines += [(name, *(f"{gain:.3g}x" for gain in (each.nominal, each.low, each.high, each.worst, each.best)))
              for name, each in gains.items()]
    verdicts = ["  sign over the range", "", *(f"  {each.verdict}" for each in gains.values())]
    return [line + verdict for line, verdict in zip(aligned(lines), verdicts, strict=True)]
