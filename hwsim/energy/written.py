"""Energy trees as results have them written: found anywhere in a ``result.json``, checked, read back."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.config import Configuration, in_range
from hwsim.energy.table import Mark
from hwsim.energy.units import Joules
from hwsim.errors import InputError
from hwsim.fields import convert, joined

TOLERANCE = 1e-9
"""Relative: how exactly leaves, components and total must add up."""
_TELLING = {"unit", "energy", "components"}
"""A table with two of them is meant to be a tree, wherever it stands."""
_TREE = ("unit", "energy", "low", "high", "components")


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
    mark: Mark
    source: str

    def check(self) -> None:
        """Refuse negative figures, an energy that is not count x unit cost or out of its range, and no source."""
        for field in ("count", "unit_cost"):
            in_range(field, getattr(self, field), 0.0)
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
    """All trees of a result (plain data), in the order of the file; what it holds of its inputs is passed over.

    Raises:
        InputError: what is a tree by its name or its keys is not a whole one, has another unit than joules or a leaf
            that is refused, or its sums do not add up.
    """
    if isinstance(result, Mapping):
        if len(_TELLING & set(result)) > 1:
            yield _tree(result, place)
            return
        for key, value in result.items():
            below = joined(place, str(key))
            if key == "energy" or str(key).endswith("_energy"):
                yield from _named(str(key), value, below)
            elif key != "provenance":
                yield from trees_of(value, below)
    elif isinstance(result, list):
        for number, value in enumerate(result):
            yield from trees_of(value, f"{place}[{number}]")


def _named(key: str, value: Any, place: str) -> Iterator[WrittenTree]:
    """The tree under a key that stands for one, or those of the baselines."""
    if key != "baseline_energy":
        yield _tree(value, place)
        return
    for name, tree in _table(value, place, "a table of energy trees").items():
        yield _tree(tree, f"{place}.{name}")


def _tree(value: Any, place: str) -> WrittenTree:
    data = _table(value, place, "an energy tree", _TREE)
    if data["unit"] != "J":
        raise InputError(f"{place}.unit", "J", data["unit"])
    leaves: list[WrittenLeaf] = []
    for name, part in _table(data["components"], f"{place}.components", "a table of components").items():
        leaves += _component(part, name, f"{place}.{name}")
    sums = {key: _adds_up(f"{place}.{key}", data[key], parts)
            for key, parts in (("energy", [leaf.energy for leaf in leaves]), ("low", [leaf.low for leaf in leaves]),
                               ("high", [leaf.high for leaf in leaves]))}
    return WrittenTree(place=place, **sums, leaves=tuple(leaves))


def _component(value: Any, name: str, place: str) -> list[WrittenLeaf]:
    part = _table(value, place, "a component", ("energy", "actions"))
    leaves = []
    for action, leaf in _table(part["actions"], f"{place}.actions", "a table of actions").items():
        fields = _table(leaf, f"{place}.{action}", "an action")
        leaves.append(WrittenLeaf.from_mapping({**fields, "component": name, "action": action}, f"{place}.{action}"))
    _adds_up(place, part["energy"], [leaf.energy for leaf in leaves])
    return leaves


def _table(value: Any, place: str, what: str, keys: Collection[str] = ()) -> Mapping[str, Any]:
    """The value where it is a table that has the keys."""
    if not isinstance(value, Mapping):
        wanted = f"{what}, with {', '.join(keys)}" if keys else what
        raise InputError(place or "result", wanted, value)
    for key in keys:
        if key not in value:
            raise InputError(place or "result", f"{what}, with {', '.join(keys)}", f"no {key}")
    return value


def _adds_up(place: str, value: Any, parts: list[Joules]) -> Joules:
    told = convert(float, value, place)
    try:
        found = math.fsum(parts)
    except OverflowError:
        found = math.inf
    if not math.isclose(told, found, rel_tol=TOLERANCE, abs_tol=0.0):
        raise InputError(place, f"the sum of its parts, {found:.17g} J", f"{told:.17g} J")
    return Joules(told)
