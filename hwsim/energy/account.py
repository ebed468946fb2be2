"""From action counts to energy: a tree of components and actions whose leaves are count x unit cost.

A cycle model returns `ActionCount`s; `EnergyTree.of` prices them. What costs by being there (leakage, idle memory) is
`held` for a time: its count is pieces x seconds, its unit cost a power. Clock and wires have no count and are not in
the tree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from hwsim.config import Configuration, in_range
from hwsim.energy.table import Cost, CostTable, load_costs
from hwsim.energy.units import Joules, Seconds
from hwsim.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ActionCount(Configuration):
    """How often a component did something.

    `count` is in what the cost is per: operations (``mac.int8``) or bits (``register.read``, ``sram``, ``dram.hbm2``);
    see `of_bytes`. `cost` names the entry of the cost table, by default the action's own name. An SRAM needs
    ``cost="sram"`` and its `capacity_bytes`. With a power for cost, `count` pieces were there for `seconds`:
    see `held`.
    """

    component: str
    action: str
    count: int | float
    cost: str = ""
    capacity_bytes: int | None = None
    seconds: float | None = None

    def check(self) -> None:
        """Refuse negative counts and times, empty names, and a capacity where the cost has none."""
        in_range("count", self.count, 0)
        if self.seconds is not None:
            in_range("seconds", self.seconds, 0.0)
        for field in ("component", "action"):
            if not getattr(self, field):
                raise InputError(field, "a name", "empty text")
        if (self.capacity_bytes is not None) != (self.cost_name == "sram"):
            raise InputError("capacity_bytes", "a capacity for an sram, and for nothing else", self.capacity_bytes)

    @property
    def cost_name(self) -> str:
        """Name of the cost that applies."""
        return self.cost or self.action

    @property
    def counted(self) -> int | float:
        """What the unit cost is multiplied with: the count, or pieces x seconds."""
        return self.count if self.seconds is None else self.count * self.seconds

    def priced(self, table: CostTable) -> Cost:
        """The unit cost of this action.

        Raises:
            InputError: no such cost; a power without a time, or a time without a power.
        """
        place = f"{self.component}.{self.action}"
        if self.capacity_bytes is not None:
            return table.sram(self.capacity_bytes, place)
        cost = table.cost(self.cost_name, place)
        if cost.standing != (self.seconds is not None):
            given = f"{self.cost_name} in {cost.unit} " + ("without a time" if cost.standing else "with a time")
            raise InputError(place, "a power for a time, or the energy of an action", given)
        return cost


def of_bytes(
    component: str, action: str, nbytes: int | float, *, cost: str = "", capacity_bytes: int | None = None
) -> ActionCount:
    """The action count of `nbytes` bytes moved at a cost that is per bit."""
    return ActionCount(component=component, action=action, count=8 * nbytes, cost=cost, capacity_bytes=capacity_bytes)


def held(component: str, action: str, pieces: float, time: Seconds, cost: str) -> ActionCount:
    """The count of `pieces` (um2, bits, channels, boards) that draw a power for a time, used or not."""
    return ActionCount(component=component, action=action, count=pieces, seconds=time, cost=cost)


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One action of one component: its count and its unit cost."""

    component: str
    action: str
    count: int | float
    cost: Cost

    @property
    def cost_name(self) -> str:
        """Entry of the cost table."""
        return self.cost.name

    @property
    def energy(self) -> Joules:
        """Count x unit cost."""
        return Joules(self.count * self.cost.energy)

    @property
    def bounds(self) -> tuple[Joules, Joules]:
        """Count x lowest and highest plausible unit cost."""
        low, high = self.cost.bounds
        return Joules(self.count * low), Joules(self.count * high)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; energies in joules."""
        low, high = self.bounds
        return {
            "count": self.count,
            "per": self.cost.per,
            "unit_cost": self.cost.energy,
            "energy": self.energy,
            "low": low,
            "high": high,
            "cost": self.cost.name,
            "mark": self.cost.mark,
            "source": self.cost.source,
        }


@dataclass(frozen=True, kw_only=True)
class EnergyTree:
    """Energy by component and action. Sums are `math.fsum` over the leaves: no rounding but the last."""

    leaves: tuple[Leaf, ...]

    @classmethod
    def of(cls, counts: Iterable[ActionCount], table: CostTable | None = None) -> EnergyTree:
        """Price `counts` (default: with the package's own table). Counts of the same action are added up.

        Raises:
            InputError: the table has no such cost, or one action of a component comes with two different costs.
        """
        prices = table or load_costs()
        return cls.summed(
            Leaf(component=item.component, action=item.action, count=item.counted, cost=item.priced(prices))
            for item in counts
        )

    @classmethod
    def summed(cls, leaves: Iterable[Leaf]) -> EnergyTree:
        """One tree of many leaves; counts of the same action of the same component are added up.

        Raises:
            InputError: one action of a component comes with two different costs.
        """
        first: dict[tuple[str, str], Leaf] = {}
        counts: dict[tuple[str, str], int | float] = {}
        for leaf in leaves:
            key = (leaf.component, leaf.action)
            known = first.setdefault(key, leaf)
            if known.cost is not leaf.cost and known.cost != leaf.cost:
                raise InputError(".".join(key), f"one cost ({known.cost.name})", f"also {leaf.cost.name}")
            counts[key] = leaf.count + counts.get(key, 0)
        return cls(leaves=tuple(replace(leaf, count=counts[key]) for key, leaf in first.items()))

    @classmethod
    def merged(cls, trees: Iterable[EnergyTree]) -> EnergyTree:
        """The sum of several trees, as of the layers of a network."""
        return cls.summed(leaf for tree in trees for leaf in tree.leaves)

    def repriced(self, table: CostTable) -> EnergyTree:
        """The same counts at another table's costs.

        Raises:
            InputError: the table lacks one of them.
        """
        def cost_of(leaf: Leaf) -> Cost:
            size, place = leaf.cost.capacity_bytes, f"{leaf.component}.{leaf.action}"
            return table.cost(leaf.cost.name, place) if size is None else table.sram(size, place)

        return EnergyTree(leaves=tuple(replace(leaf, cost=cost_of(leaf)) for leaf in self.leaves))

    @property
    def total(self) -> Joules:
        """Energy of everything, joules."""
        return Joules(math.fsum(leaf.energy for leaf in self.leaves))

    @property
    def bounds(self) -> tuple[Joules, Joules]:
        """Energy with every unit cost at its lowest, and at its highest, plausible value; joules."""
        lows, highs = ([leaf.bounds[side] for leaf in self.leaves] for side in (0, 1))
        return Joules(math.fsum(lows)), Joules(math.fsum(highs))

    @property
    def components(self) -> dict[str, Joules]:
        """Energy by component, joules, in the order of the counts."""
        names = dict.fromkeys(leaf.component for leaf in self.leaves)
        return {name: Joules(math.fsum(leaf.energy for leaf in self._leaves_of(name))) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; energies in joules, each leaf with its source."""
        low, high = self.bounds
        parts = {
            name: {"energy": energy, "actions": {leaf.action: leaf.to_dict() for leaf in self._leaves_of(name)}}
            for name, energy in self.components.items()
        }
        return {"unit": "J", "energy": self.total, "low": low, "high": high, "components": parts}

    def rows(self) -> list[dict[str, Any]]:
        """The tree line by line, as a table prints it: depth 0 the total, 1 a component, 2 an action."""
        total = self.total

        def row(depth: int, name: str, energy: float, leaf: Leaf | None = None) -> dict[str, Any]:
            detail = {"count": leaf.count, "per": leaf.cost.per, "mark": leaf.cost.mark} if leaf else {}
            return {"depth": depth, "name": name, "energy": energy, "share": energy / total if total else 0.0, **detail}

        lines = [row(0, "total", total)]
        for name, energy in self.components.items():
            lines.append(row(1, name, energy))
            lines += [row(2, leaf.action, leaf.energy, leaf) for leaf in self._leaves_of(name)]
        return lines

    def _leaves_of(self, component: str) -> list[Leaf]:
        return [leaf for leaf in self.leaves if leaf.component == component]
