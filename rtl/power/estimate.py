"""Energy of a run: each net's capacitance and each cell's internal energy times what toggled, and leakage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from rtl.power.cells import Arc, Cell, Pin, PowerLibrary
from rtl.power.logic import Floats
from rtl.power.netlist import Netlist, Placed

_ROUNDS = 4
"""Slews depend on each other along a path; so often they are worked out anew from those before."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Energies (J) and leakage (W) of a component, all its instances together.

    Attributes:
        clock: clock pins, inside of cells and of their wires.
        internal: of cells, but for clock pins.
        switching: of the nets that its cells drive.
        inputs: of the nets that no cell drives (ports, memories), at the pins that read them.
        leakage: in W.
        cells: how many.
    """

    clock: float = 0.0
    internal: float = 0.0
    switching: float = 0.0
    inputs: float = 0.0
    leakage: float = 0.0
    cells: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    @property
    def dynamic(self) -> float:
        """All but leakage (J)."""
        return self.clock + self.internal + self.switching + self.inputs


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """By component (name of the module), what it spent; ``overloaded``: nets beyond the most load of their driver."""

    components: Mapping[str, Spent]
    overloaded: int

    @property
    def total(self) -> Spent:
        """Of the device."""
        return sum(self.components.values(), Spent())


def estimate(netlist: Netlist, library: PowerLibrary, slew: float) -> Estimate:
    """Price what toggled.

    A net costs C V^2 / 2 for each toggle; half of the toggles rise. Internal energies are looked up at the driver's
    load and the slew of the pin behind them; where a pin's energy depends on which input made it toggle, inputs count
    by their toggles; where it depends on the state, states count by how likely the levels of the pins make them.

    Args:
        netlist: with what was seen of its nets.
        library: of its cells.
        slew: of the clock and of inputs (s).
    """
    return _Pricing(netlist, library, slew).estimate()


class _Pricing:
    """Arrays over nets: capacitance, slew, component of the driver; over components: what was spent."""

    def __init__(self, netlist: Netlist, library: PowerLibrary, slew: float):
        self.netlist, self.cells = netlist, library
        count = len(netlist.toggles)
        sinks, self.load = np.zeros(count), np.zeros(count)
        self.driver, self.most = np.full(count, -1), np.full(count, np.inf)
        for placed, pin, nets in _pins(netlist):
            on = nets >= 0
            np.add.at(self.load, nets[on], pin.capacitance)
            if pin.output:
                self.driver[nets[on]], self.most[nets[on]] = placed.component[on], pin.most_load
            else:
                np.add.at(sinks, nets[on], 1)
        wire = library.wire(sinks)
        self.load += wire
        self.wire = np.divide(wire, sinks, out=np.zeros(count), where=sinks > 0)  # of one sink
        self.slew, self.outside = np.full(count, slew), slew
        self.clock = np.zeros(count, bool)
        self.clock[netlist.clocks] = True
        self.spent = {name: np.zeros(len(netlist.components)) for name in
                      ("clock", "internal", "switching", "inputs", "leakage", "cells")}

    def estimate(self) -> Estimate:
        """All of it."""
        for _ in range(_ROUNDS):
            for placed, pin, nets in _pins(self.netlist):
                if pin.output and pin.transitions:
                    self.settle(placed, pin, nets)
        for placed in self.netlist.placed:
            np.add.at(self.spent["leakage"], placed.component, placed.cell.leakage)
            np.add.at(self.spent["cells"], placed.component, 1)
            for name, pin in placed.cell.pins.items():
                kind = "clock" if pin.clock else "internal"
                np.add.at(self.spent[kind], placed.component, self.internal(placed, pin, placed.nets[name]))
        self.nets()
        columns = {name: values.tolist() for name, values in self.spent.items()}
        components = {component: Spent(**{name: values[number] for name, values in columns.items() if name != "cells"},
                                       cells=int(columns["cells"][number]))
                      for number, component in enumerate(self.netlist.components)}
        driven = (self.driver >= 0) & (self.load > self.most)
        return Estimate(components={name: each for name, each in components.items() if each.cells or each.dynamic},
                        overloaded=int(driven.sum()))

    def settle(self, placed: Placed, pin: Pin, nets: np.ndarray) -> None:
        """Slews of the nets that a pin drives: the mean over its arcs and edges."""
        on = nets >= 0
        load = self.load[nets[on]]
        slews = []
        for arc in pin.transitions:
            source = placed.nets.get(arc.related, nets)[on]
            behind = np.where(source >= 0, self.slew[source], self.outside)
            slews += [arc.rise(load, behind), arc.fall(load, behind)]
        self.slew[nets[on]] = np.mean(slews, axis=0)

    def internal(self, placed: Placed, pin: Pin, nets: np.ndarray) -> Floats:
        """Energy (J) inside each cell for what a pin did."""
        toggles, load = self.toggles(placed, pin, nets)
        energy = np.zeros(len(nets))
        for arc, share in zip(pin.energies, self.shares(placed, pin.energies), strict=True):
            behind = placed.nets.get(arc.related, nets)
            slew = np.where(behind >= 0, self.slew[behind], self.outside)
            energy += share * (arc.rise(load, slew) + arc.fall(load, slew)) / 2 * toggles
        return energy

    def toggles(self, placed: Placed, pin: Pin, nets: np.ndarray) -> tuple[Floats, Floats]:
        """Toggles of a pin and its load; an open output that shows another's state toggles as that one does."""
        toggles = np.where(nets >= 0, self.netlist.toggles[nets], 0.0)
        load = np.where(nets >= 0, self.load[nets], 0.0)
        for other, nets_of_other in placed.nets.items():
            if pin.output and other != pin.name and _shown(placed.cell, other) == _shown(placed.cell, pin.name):
                toggles = np.where((nets < 0) & (nets_of_other >= 0), self.netlist.toggles[nets_of_other], toggles)
        return toggles, load

    def shares(self, placed: Placed, arcs: Sequence[Arc]) -> list[Floats]:
        """How much each arc counts, cell by cell: how likely its condition is.

        Of arcs from other pins one is behind each toggle: they share it by the toggles of these pins times how likely
        the conditions are, or alike where all that is 0.
        """
        count = len(placed.component)
        high = {pin: np.where(nets >= 0, self.netlist.high[nets], 0.5) for pin, nets in placed.nets.items()}
        for pin, (first, equal) in placed.cell.same.items():
            shown = high[pin] if equal else 1 - high[pin]
            high[first] = np.where(placed.nets[first] >= 0, high[first], shown)
        likely = [np.broadcast_to(arc.when.probability(high), count) for arc in arcs]
        behind = [number for number, arc in enumerate(arcs) if arc.related in placed.nets]
        if behind:
            moved = np.stack([likely[number] * np.where((nets := placed.nets[arcs[number].related]) >= 0,
                                                        self.netlist.toggles[nets], 0.0) for number in behind])
            total = moved.sum(axis=0)
            for row, number in enumerate(behind):
                likely[number] = np.where(total > 0, moved[row] / np.where(total > 0, total, 1), 1 / len(behind))
        return likely

    def nets(self) -> None:
        """Energy of the nets: each at the component that drives it; of those from outside, at those that read it."""
        volts, toggles = self.cells.voltage**2 / 2, self.netlist.toggles
        inner = self.driver >= 0
        np.add.at(self.spent["switching"], self.driver[inner], (self.load * volts * toggles)[inner])
        for placed, pin, nets in _pins(self.netlist):
            read = (nets >= 0) & (self.driver[nets] < 0)
            if not pin.output and read.any():
                energy = (pin.capacitance + self.wire[nets[read]]) * volts * toggles[nets[read]]
                for kind, chosen in (("clock", self.clock[nets[read]]), ("inputs", ~self.clock[nets[read]])):
                    np.add.at(self.spent[kind], placed.component[read][chosen], energy[chosen])


def _pins(netlist: Netlist) -> list[tuple[Placed, Pin, np.ndarray]]:
    return [(placed, pin, placed.nets[name]) for placed in netlist.placed for name, pin in placed.cell.pins.items()]


def _shown(cell: Cell, pin: str) -> str:
    """The pin whose state a pin shows: itself, but for outputs of flip-flops that show one state."""
    return cell.same.get(pin, (pin, True))[0]
