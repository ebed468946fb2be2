"""SI quantities that a type checker keeps apart: joules, watts, seconds.

A number becomes a quantity only by the functions here, each named after its unit; power and time meet only in `spent`
and `mean_power`. Elsewhere mypy refuses a watt for a joule, and a bare number for either. Files name their unit, which
`energy_of` and `power_of` look up: an unknown one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NewType

from hwsim.errors import InputError

Joules = NewType("Joules", float)
Watts = NewType("Watts", float)
Seconds = NewType("Seconds", float)

ENERGY_UNITS: Mapping[str, float] = {"pJ": 1e-12, "nJ": 1e-9}
"""Joules of one."""
POWER_UNITS: Mapping[str, float] = {"pW": 1e-12, "nW": 1e-9, "uW": 1e-6, "mW": 1e-3, "W": 1.0}
"""Watts of one."""


def picojoules(value: float) -> Joules:
    """Energy of `value` pJ."""
    return Joules(value * 1e-12)


def nanojoules(value: float) -> Joules:
    """Energy of `value` nJ."""
    return Joules(value * 1e-9)


def energy_of(value: float, unit: str) -> Joules:
    """Energy of `value` of a unit's name; `InputError` for what is no unit of energy."""
    return Joules(value * _known(unit, ENERGY_UNITS, "energy"))


def power_of(value: float, unit: str) -> Watts:
    """Power of `value` of a unit's name; `InputError` for what is no unit of power."""
    return Watts(value * _known(unit, POWER_UNITS, "power"))


def _known(unit: str, units: Mapping[str, float], kind: str) -> float:
    if unit not in units:
        raise InputError("unit", f"a unit of {kind} ({', '.join(units)})", unit)
    return units[unit]


def duration(cycles: float, clock_hz: float) -> Seconds:
    """Time of so many cycles of a clock (Hz)."""
    return Seconds(cycles / clock_hz)


def spent(power: Watts, time: Seconds) -> Joules:
    """Energy of a power over a time."""
    return Joules(power * time)


def mean_power(energy: Joules, time: Seconds) -> Watts:
    """Power that spends an energy in a time."""
    return Watts(energy / time)
