"""The cycle model's account of the same cases beside the gates: what the cost table says of what the gates did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwsim.config import Configuration
from hwsim.energy import ActionCount, load_costs, logic_factor
from rtl.power.estimate import Estimate
from rtl.power.groups import GROUPS, REST, group_of_component, group_of_module


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One group of hardware, over a whole run.

    Attributes:
        group: its name.
        clock: energy of its clock pins (J).
        moved: the rest of what its gates spent (J).
        account: by the cost table: nominal, low and high (J), brought to the gates' node and supply.
    """

    group: str
    clock: float
    moved: float
    account: tuple[float, float, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, in pJ."""
        nominal, low, high = (1e12 * value for value in self.account)
        return {"group": self.group, "clock_pj": 1e12 * self.clock, "moved_pj": 1e12 * self.moved,
                "account_pj": nominal, "account_low_pj": low, "account_high_pj": high}


def beside(config: Configuration, found: Estimate, actions: Sequence[ActionCount], nm: int,
           voltage: float) -> list[Beside]:
    """Gates and account, group by group.

    Memories are not mapped to gates, so what the account charges for SRAM is left out.

    Args:
        config: of the device.
        found: of its gates.
        actions: of the same cases.
        nm: node of the gates.
        voltage: their supply (V).

    Raises:
        InputError: a node that costs cannot be brought to.
    """
    factor, table = logic_factor(nm, voltage), load_costs()
    groups = GROUPS.get(type(config).__name__, ())
    account: dict[str, list[float]] = {}
    for action in actions:
        if action.capacity_bytes is None:
            cost = action.priced(table)
            sums = account.setdefault(group_of_component(groups, action.component), [0.0, 0.0, 0.0])
            for place, energy in enumerate((cost.energy, *cost.bounds)):
                sums[place] += action.counted * energy * factor
    gates: dict[str, list[float]] = {}
    for module, spent in found.components.items():
        sums = gates.setdefault(group_of_module(groups, module), [0.0, 0.0])
        sums[0] += spent.clock
        sums[1] += spent.internal + spent.switching + spent.inputs
    names = [group.name for group in groups] + [REST]
    return [Beside(group=name, clock=clock, moved=moved, account=_three(account.get(name)))
            for name in names for clock, moved in [gates.get(name, [0.0, 0.0])]]


def _three(values: Sequence[float] | None) -> tuple[float, float, float]:
    return (values[0], values[1], values[2]) if values else (0.0, 0.0, 0.0)


def rows(found: Estimate) -> list[Mapping[str, Any]]:
    """Components as plain data, energies in pJ, leakage in uW."""
    return [{"component": name, "cells": spent.cells, "clock_pj": 1e12 * spent.clock,
             "internal_pj": 1e12 * spent.internal, "switching_pj": 1e12 * spent.switching,
             "inputs_pj": 1e12 * spent.inputs, "leakage_uw": 1e6 * spent.leakage}
            for name, spent in found.components.items()]
