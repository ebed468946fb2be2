"""Energy trees as results have them written: found anywhere in a ``result.json``, checked, read back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.config import Configuration, in_range
from hwsim.energy.units import Joules
from hwsim.errors import InputError

TOLERANCE = 1e-9
"""Relative: how exactly leaves, components and total must add up."""


@dataclass(frozen=True, kw_only=True)
class WrittenLeaf(Configuration):
    """One action of one component; ``energy``, ``low``, ``high`` and ``unit_cost`` in joules."""

    component: str
    action: str
    count: float
    per: str
    unit_cost: float
    energy: Joules
    low: Joules
    high: Joules
    cost: str
    mark: str
    source: str

    def check(self) -> None:
        """Refuse an energy that is not count x unit cost, one out of its range, and a leaf without a source."""
        if not math.isclose(self.energy, self.count * self.unit_cost, rel_tol=TOLERANCE):
            raise InputError("energy", f"count x unit cost = {self.count * self.unit_cost:g} J", f"{self.energy:g} J")
        in_range("energy", float(self.energy), self.low * (1 - TOLERANCE), self.high * (1 + TOLERANCE))
        if not self.source:
            raise InputError("source", "where the unit cost comes from", "empty text")

    @property
    def cost_name(self) -> str:
        """Entry of the cost table."""
        return self.cost

    @property
    def bounds(self) -> tuple[Joules, Joules]:
        """At the cost's low and high end."""
        return self.low, self.high


@dataclass(frozen=True, kw_only=True)
class WrittenTree:
    """A tree and its place in the file, as ``runs[0].energy``."""

    place: str
    energy: Joules
    low: Joules
    high: Joules
    leaves: tuple[WrittenLeaf, ...]

    @property
    def components(self) -> dict[str, Joules]:
        """Joules by component."""
        names = dict.fromkeys(leaf.component for leaf in self.leaves)
        return {name: Joules(math.fsum(leaf.energy for leaf in self.leaves if leaf.component == name))
                for name in names}


def trees_of(result: Any, place: str = "") -> Iterator[WrittenTree]:
    """All trees of a result (plain data), in the order of the file.

    Raises:
        InputError: a tree in another unit than joules, a leaf that is refused, or sums that do not add up.
    """
    if isinstance(result, Mapping):
        if {"unit", "energy", "components"} <= set(result):
            yield _tree(result, place)
            return
        for key, value in result.items():
            yield from trees_of(value, f"{place}.{key}" if place else str(key))
    elif isinstance(result, list):
        for number, value in enumerate(result):
            yield from trees_of(value, f"{place}[{number}]")


def _tree(data: Mapping[str, Any], place: str) -> WrittenTree:
    if data["unit"] != "J":
        raise InputError(f"{place}.unit", "J", data["unit"])
    leaves: list[WrittenLeaf] = []
    for name, part in data["components"].items():
        inside = [WrittenLeaf.from_mapping({**leaf, "component": name, "action": action}, f"{place}.{name}.{action}")
                  for action, leaf in part["actions"].items()]
        _adds_up(f"{place}.{name}", part["energy"], [leaf.energy for leaf in inside])
        leaves += inside
    for key, parts in (("energy", [leaf.energy for leaf in leaves]), ("low", [leaf.low for leaf in leaves]),
                       ("high", [leaf.high for leaf in leaves])):
        _adds_up(f"{place}.{key}", data[key], parts)
    return WrittenTree(place=place, energy=Joules(data["energy"]), low=Joules(data["low"]), high=Joules(data["high"]),
                       leaves=tuple(leaves))


def _adds_up(place: str, told: float, parts: list[Any]) -> None:
    found = math.fsum(parts)
    if not math.isclose(told, found, rel_tol=TOLERANCE, abs_tol=0.0):
        raise InputError(place, f"the sum of its parts, {found:.17g} J", f"{told:.17g} J")
