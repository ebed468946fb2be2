"""What a Liberty file says of the energy of its cells, in SI units: capacitances, internal energies, leakage, wires."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from hwsim.errors import InputError
from rtl.power.logic import ALWAYS, Condition, Floats, condition
from rtl.power.syntax import Group, parse

_LOAD = {"total_output_net_capacitance"}
_SLEW = {"input_transition_time", "input_net_transition"}
_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_UNIT = re.compile(r"\s*([\d.eE+-]*)\s*([munpf]?)([a-zA-Z]+)\s*$")


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


def read_power(text: str, place: str) -> PowerLibrary:
    """The power model of a Liberty file.

    Raises:
        InputError: no Liberty file, or one without capacitances or internal energies.
    """
    library = parse(text, place)
    reader = _Reader(library, place)
    cells = {group.names[0]: reader.cell(group) for group in library.all("cell")}
    if not any(pin.energies for cell in cells.values() for pin in cell.pins.values()):
        raise InputError(place, "a library with internal_power of its cells", "none")
    wires, slope = reader.wires()
    return PowerLibrary(name=library.names[0] if library.names else place, voltage=reader.voltage, cells=cells,
                        wires=wires, slope=slope)


class _Reader:
    """Turns groups into numbers of SI units."""

    def __init__(self, library: Group, place: str):
        self.library, self.place = library, place
        self.voltage = self.number(library, "nom_voltage")
        self.time = self.unit("time_unit", "s")
        volt, self.watt = self.unit("voltage_unit", "V"), self.unit("leakage_power_unit", "W")
        given = library.values.get("capacitive_load_unit", ("1", "pf"))
        self.farad = float(given[0]) * _PREFIXES.get(given[1].lower()[:-1], 1e-12)
        self.joule = self.farad * volt**2
        self.voltage *= volt
        self.templates = {group.names[0]: group for group in library.groups if group.kind.endswith("_template")}

    def number(self, group: Group, name: str, default: float | None = None) -> float:
        """An attribute as a number."""
        text = group.value(name)
        try:
            if text is None and default is not None:
                return default
            return float(text or "")
        except ValueError:
            where = " ".join((group.kind, *group.names))
            raise InputError(f"{self.place}: {where}: {name}", "a number", text) from None

    def unit(self, name: str, of: str) -> float:
        """A unit such as ``1ns``."""
        text = self.library.value(name) or f"1{'n' if of in 'sW' else ''}{of}"
        match = _UNIT.match(text)
        if not match or match[3] != of:
            raise InputError(f"{self.place}: {name}", f"a multiple of {of}", text)
        return float(match[1] or 1) * _PREFIXES[match[2]]

    def cell(self, group: Group) -> Cell:
        """A cell with its pins."""
        name = group.names[0]
        same = _same(group)
        pins = {each.names[0]: self.pin(name, each, same) for each in group.all("pin")}
        leakage = self.number(group, "cell_leakage_power", 0.0) * self.watt
        return Cell(name=name, pins=pins, leakage=leakage, same=same)

    def pin(self, cell: str, group: Group, same: Mapping[str, tuple[str, bool]]) -> Pin:
        """A pin with its tables."""
        energies = [arc for each in group.all("internal_power")
                    for arc in self.arcs(each, ("rise_power", "fall_power"), self.joule, same, cell)]
        transitions = [arc for each in group.all("timing")
                       for arc in self.arcs(each, ("rise_transition", "fall_transition"), self.time, same, cell)]
        most = self.number(group, "max_capacitance", np.inf)
        return Pin(name=group.names[0], output=group.value("direction") == "output",
                   clock=group.value("clock") == "true",
                   capacitance=self.number(group, "capacitance", 0.0) * self.farad, most_load=most * self.farad,
                   energies=tuple(energies), transitions=tuple(transitions))

    def arcs(self, group: Group, kinds: tuple[str, str], unit: float, same: Mapping[str, tuple[str, bool]],
             cell: str) -> list[Arc]:
        """One for each related pin; none where the group has neither table."""
        tables = {table.kind: table for table in group.groups}
        both = tables.get("power")
        rise, fall = (tables.get(kind, both) for kind in kinds)
        if rise is None and fall is None:
            return []
        place = f"{self.place}: cell {cell}: {group.kind}"
        looked = [self.lookup(table, unit, place) if table else _nothing() for table in (rise, fall)]
        text = group.value("when")
        when = condition(text, same, place) if text else ALWAYS
        related = (group.value("related_pin") or "").split() or [""]
        return [Arc(related=pin, when=when, rise=looked[0], fall=looked[1]) for pin in related]

    def lookup(self, table: Group, unit: float, place: str) -> Lookup:
        """A table of up to two axes, as load by slew."""
        values = _numbers(",".join(table.values.get("values", ())), place)
        template = self.templates.get(table.names[0]) if table.names else None
        axes: dict[str, Floats] = {}
        for number in (1, 2):
            variable = template.value(f"variable_{number}") if template else None
            points = table.value(f"index_{number}") or (template.value(f"index_{number}") if template else None)
            if variable and points:
                axes[variable] = _numbers(points, place)
        if not set(axes) <= _LOAD | _SLEW or values.size != np.prod([len(points) for points in axes.values()]):
            raise InputError(place, "a table over load, slew or both, with a value for each point", table.names)
        loads = next((points for name, points in axes.items() if name in _LOAD), np.zeros(1)) * self.farad
        slews = next((points for name, points in axes.items() if name in _SLEW), np.zeros(1)) * self.time
        grid = values.reshape([len(points) for points in axes.values()] or [1])
        if grid.ndim == 2 and next(iter(axes)) in _SLEW:
            grid = grid.T
        grid = grid.reshape(len(loads), len(slews)) * unit
        return Lookup(*_widened(loads, slews, grid))

    def wires(self) -> tuple[tuple[tuple[float, float], ...], float]:
        """Points of the library's own wire load, and what each further sink adds."""
        chosen = self.library.value("default_wire_load")
        models = {group.names[0]: group for group in self.library.all("wire_load")}
        if chosen not in models:
            return (), 0.0
        model = models[chosen]
        farads = self.number(model, "capacitance") * self.farad
        points = [(float(at), float(length) * farads) for name, (at, length, *_) in model.lists
                  if name == "fanout_length"]
        return tuple(sorted(points)), self.number(model, "slope", 0.0) * farads


def _numbers(text: str, place: str) -> Floats:
    try:
        return np.array(text.split(","), float)
    except ValueError:
        raise InputError(place, "numbers with commas between them", repr(text)) from None


def _nothing() -> Lookup:
    return Lookup(*_widened(np.zeros(1), np.zeros(1), np.zeros((1, 1))))


def _widened(loads: Floats, slews: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """The same with at least two points on each axis."""
    if len(loads) == 1:
        loads, values = np.array([loads[0], loads[0] + 1.0]), np.repeat(values, 2, axis=0)
    if len(slews) == 1:
        slews, values = np.array([slews[0], slews[0] + 1.0]), np.repeat(values, 2, axis=1)
    return loads, slews, values


def _same(group: Group) -> dict[str, tuple[str, bool]]:
    """Outputs of a flip-flop that show one and the same state: each but the first as the first, or its inverse."""
    shown: list[tuple[str, str]] = []
    for state in (*group.all("ff"), *group.all("latch")):
        for pin in group.all("pin"):
            function = (pin.value("function") or "").strip()
            if function in state.names:
                shown.append((pin.names[0], function))
    if not shown:
        return {}
    first, function = shown[0]
    return {pin: (first, other == function) for pin, other in shown[1:]}
