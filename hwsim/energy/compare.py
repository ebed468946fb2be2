"""Whether one design needs less energy than another over the whole range of the costs, not at their middle alone.

A cost that both designs have is one and the same unknown in both. Memories of several sizes share one: the place on the
curve's range. The gain is a quotient of two sums that are linear in each unknown, so its smallest and its largest value
have each cost at an end of its range; which end is found by Dinkelbach's iteration (On Nonlinear Fractional
Programming, Management Science 13, 1967).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hwsim.energy.units import Joules
from hwsim.report.columns import aligned, times

Ends = tuple[float, float, float]
"""Joules with a cost at its low end, its value, its high end."""
NOTHING: Ends = (0.0, 0.0, 0.0)
Pairs = Mapping[str, tuple[Ends, Ends]]
"""By cost: ours, the other's."""


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
        low, nominal, high = (_gain(pairs, dict.fromkeys(pairs, end)) for end in (0, 1, 2))
        least, most = _extreme(pairs, nominal, 1), _extreme(pairs, nominal, -1)
        return cls(low=low, nominal=nominal, high=high, worst=_gain(pairs, least), best=_gain(pairs, most),
                   because=_moved(pairs, least if nominal >= 1 else most))

    @property
    def holds(self) -> bool:
        """Whether no choice of costs within their ranges turns the sign of the conclusion."""
        return self.worst > 1 if self.nominal > 1 else self.best < 1

    @property
    def verdict(self) -> str:
        """What becomes of the conclusion's sign, in words."""
        if self.worst == self.best == 1:
            return "no difference"
        if not self.holds:
            return f"does not hold, because of {', '.join(self.because)}"
        return "holds" if self.nominal > 1 else "holds: costs more"

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


def _sum(pairs: Pairs, side: int, ends: Mapping[str, int]) -> float:
    """Joules of one side with each cost at the end that is said."""
    return math.fsum(pair[side][ends[name]] for name, pair in pairs.items())


def _gain(pairs: Pairs, ends: Mapping[str, int]) -> float:
    return _sum(pairs, 1, ends) / _sum(pairs, 0, ends)


def _extreme(pairs: Pairs, start: float, sign: int) -> dict[str, int]:
    """Ends at which the gain is smallest (sign 1) or largest (-1): Dinkelbach's iteration, until nothing is won."""
    before, gain = start, start
    while True:
        ends = {name: _worse(mine, theirs, gain, sign) for name, (mine, theirs) in pairs.items()}
        before, gain = gain, _gain(pairs, ends)
        if sign * gain >= sign * before:
            return ends


def _worse(mine: Ends, theirs: Ends, gain: float, sign: int) -> int:
    """The end of one cost at which theirs - gain x mine is smaller (sign 1) or larger (-1)."""
    low, high = (sign * (theirs[end] - gain * mine[end]) for end in (0, 2))
    return 0 if low <= high else 2


def _moved(pairs: Pairs, ends: Mapping[str, int]) -> tuple[str, ...]:
    """The costs that change the difference of the two most on their way to those ends."""
    by = {name: abs((theirs[1] - mine[1]) - (theirs[ends[name]] - mine[ends[name]]))
          for name, (mine, theirs) in pairs.items()}
    listed = [name for name in by if by[name] > 0.1 * max(by.values())]
    return tuple(sorted(listed, key=lambda name: -by[name])[:3])


def range_text(gains: Mapping[str, Comparison]) -> list[str]:
    """A line for each comparison, by the other's name, under a head."""
    lines: list[tuple[str, ...]] = [("energy gain over", "nominal", "all low", "all high", "worst", "best")]
    lines += [(name, *_gains(each)) for name, each in gains.items()]
    verdicts = ["  sign over the range", "", *(f"  {each.verdict}" for each in gains.values())]
    head, _, *text = (line + verdict for line, verdict in zip(aligned(lines), verdicts, strict=True))
    return [head, "-" * max(map(len, (head, *text))), *text]


def _gains(each: Comparison) -> list[str]:
    """Two decimals; three on a line where two would hide on which side of 1 a gain is."""
    found = (each.nominal, each.low, each.high, each.worst, each.best)
    near = any(gain != 1 and times(gain) == times(1.0) for gain in found)
    return [times(gain, 3 if near else 2) for gain in found]
