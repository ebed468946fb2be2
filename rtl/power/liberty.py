"""Liberty files turned into the energies of cells: units, tables, conditions, wire loads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hwsim.errors import InputError
from rtl.power.cells import Arc, Cell, Lookup, Pin, PowerLibrary
from rtl.power.logic import ALWAYS, Floats, condition, otherwise
from rtl.power.syntax import Group, parse

_LOAD = {"total_output_net_capacitance"}
_SLEW = {"input_transition_time", "input_net_transition"}
_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_UNIT = re.compile(r"\s*([\d.eE+-]*)\s*([munpf]?)([a-zA-Z]+)\s*$")


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
        self.given, self.place = library, place
        self.voltage = self.number(library, "nom_voltage")
        self.time = self.unit("time_unit", "s")
        volt, self.watt = self.unit("voltage_unit", "V"), self.unit("leakage_power_unit", "W")
        given = library.values.get("capacitive_load_unit", ("1", "pf"))
        if len(given) != 2 or given[1].lower() not in ("ff", "pf"):
            raise InputError(f"{place}: capacitive_load_unit", "a number and ff or pf", ", ".join(given))
        self.farad = float(given[0]) * _PREFIXES[given[1].lower()[0]]
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
        text = self.given.value(name) or f"1{'n' if of in 'sW' else ''}{of}"
        match = _UNIT.match(text)
        if not match or match[3] != of:
            raise InputError(f"{self.place}: {name}", f"a multiple of {of}", text)
        return float(match[1] or 1) * _PREFIXES[match[2]]

    def cell(self, group: Group) -> Cell:
        """A cell with its pins."""
        name = group.names[0]
        same = _same(group)
        pins = {pin: self.pin(name, pin, each, same) for each in group.all("pin") for pin in each.names}
        for pin in pins.values():
            for arc in pin.energies:
                if unknown := {*arc.when.pins, arc.related} - {*pins, ""}:
                    raise InputError(f"{self.place}: cell {name}: pin {pin.name}", "pins of the cell", sorted(unknown))
        return Cell(name=name, pins=pins, leakage=self.leakage(group) * self.watt, same=same)

    def leakage(self, group: Group) -> float:
        """Of a cell: its one figure, else the mean of those of its states, else the library's default."""
        states = [self.number(each, "value") for each in group.all("leakage_power")]
        otherwise = np.mean(states) if states else self.number(self.given, "default_cell_leakage_power", 0.0)
        return self.number(group, "cell_leakage_power", float(otherwise))

    def pin(self, cell: str, name: str, group: Group, same: Mapping[str, tuple[str, bool]]) -> Pin:
        """A pin with its tables."""
        energies = [arc for each in group.all("internal_power")
                    for arc in self.arcs(each, ("rise_power", "fall_power"), self.joule, same, cell)]
        transitions = [arc for each in group.all("timing")
                       for arc in self.arcs(each, ("rise_transition", "fall_transition"), self.time, same, cell)]
        most = self.number(group, "max_capacitance", np.inf)
        return Pin(name=name, output=group.value("direction") == "output",
                   clock=group.value("clock") == "true",
                   capacitance=self.number(group, "capacitance", self.default_load(group)) * self.farad,
                   most_load=most * self.farad,
                   energies=_exclusive(energies), transitions=tuple(transitions))

    def default_load(self, group: Group) -> float:
        """Capacitance of a pin that has none of its own, in the library's unit."""
        kind = group.value("direction") or "input"
        return self.number(self.given, f"default_{kind}_pin_cap", 0.0)

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
        chosen = self.given.value("default_wire_load")
        models = {group.names[0]: group for group in self.given.all("wire_load")}
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


def _exclusive(arcs: Sequence[Arc]) -> tuple[Arc, ...]:
    """Arcs of a pin; one without a condition beside others from the same pin is for where none of theirs holds."""
    found = []
    for arc in arcs:
        beside = [other.when for other in arcs if other.related == arc.related and other.when != ALWAYS]
        found.append(replace(arc, when=otherwise(beside)) if arc.when == ALWAYS and beside else arc)
    return tuple(found)


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
