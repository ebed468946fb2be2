"""What a Liberty file says of the energy of its cells, in SI units: capacitances, internal energies, leakage, wires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from rtl.power.logic import Condition, Floats


@dataclass(frozen=True)
class Lookup:
    """A table over load (F) and slew (s), linear between its points; outside of them it keeps the value at its edge."""

    loads: Floats
    slews: Floats
    values: Floats

    def __call__(self, load: Floats, slew: Floats) -> Floats:
        """The value of each cell."""
        at = np.stack([np.clip(load, self.loads[0], self.loads[-1]), np.clip(slew, self.slews[0], self.slews[-1])], -1)
        found: Floats = self._between(at)
        return found

    @cached_property
    def _between(self) -> RegularGridInterpolator:
        return RegularGridInterpolator((self.loads, self.slews), self.values)


@dataclass(frozen=True, kw_only=True)
class Arc:
    """Something that happens at a pin because of another one (``related``; empty: of itself) while a condition holds.

    ``rise`` and ``fall`` are energies (J) or times (s) of a rising and a falling edge of the pin.
    """

    related: str
    when: Condition
    rise: Lookup
    fall: Lookup


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A pin: its capacitance (F), most load (F; infinite if the library says nothing), and its tables."""

    name: str
    output: bool
    clock: bool
    capacitance: float
    most_load: float
    energies: tuple[Arc, ...]
    transitions: tuple[Arc, ...]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell: pins by name, leakage (W); ``same``: pins that always equal another (True) or its inverse (False)."""

    name: str
    pins: Mapping[str, Pin]
    leakage: float
    same: Mapping[str, tuple[str, bool]]


@dataclass(frozen=True, kw_only=True)
class PowerLibrary:
    """A library's cells, supply (V), and the capacitance of wires (F) by fan-out.

    ``wires`` are points (fan-out, capacitance), the last with ``slope`` for each sink more; none without a wire load.
    """

    name: str
    voltage: float
    cells: Mapping[str, Cell]
    wires: tuple[tuple[float, float], ...]
    slope: float

    def wire(self, sinks: Floats) -> Floats:
        """Capacitance (F) of the wire of nets with so many sinks."""
        if not self.wires:
            return np.zeros(len(sinks))
        at, farads = np.array(self.wires).T
        return np.where(sinks > 0, np.interp(sinks, at, farads) + self.slope * np.maximum(sinks - at[-1], 0), 0.0)
