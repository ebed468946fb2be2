"""A mapped design as arrays: each cell's pins and the nets they are on, flat, with the instance that each is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rtl.power.activity import Activity, Instance
from rtl.power.cells import Cell
from rtl.power.logic import Floats

Ints = npt.NDArray[np.int64]
_LOW, _HIGH = 0, 1  # nets of the constants


@dataclass(frozen=True, kw_only=True)
class Placed:
    """All cells of one kind.

    Attributes:
        cell: what they are.
        component: (n,) index of the component that each is in.
        nets: by pin: (n,) the net on it; -1 where nothing is connected.
    """

    cell: Cell
    component: Ints
    nets: Mapping[str, Ints]


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """A flat design.

    Attributes:
        components: names of the modules.
        placed: the cells, by kind.
        toggles: (nets,) changes in the run.
        high: (nets,) share of the time at 1.
        clocks: nets that clock pins are on.
        memory_bits: of memories, which are not mapped, nor are the registers of their ports.
    """

    components: tuple[str, ...]
    placed: tuple[Placed, ...]
    toggles: Floats
    high: Floats
    clocks: Ints
    memory_bits: int


def elaborate(design: Mapping[str, Any], top: str, cells: Mapping[str, Cell], activity: Activity) -> Netlist:
    """Flatten a mapped design and put on each net what was seen of it.

    Args:
        design: what Yosys' ``write_json`` writes.
        top: name of the top module.
        cells: of the library.
        activity: of a run of this very netlist.

    Raises:
        RuntimeError: a cell that the library lacks, a net that was not seen, or pieces of one net that differ.
    """
    return _Elaboration(design["modules"], cells).run(top, activity)


class _Elaboration:
    """Instances one by one; nets of each from an offset on, joined across ports at the end."""

    def __init__(self, modules: Mapping[str, Any], cells: Mapping[str, Cell]):
        self.modules, self.cells = modules, cells
        self.components: dict[str, int] = {}
        self.joined: list[tuple[int, int]] = []
        self.rows: dict[str, tuple[list[int], list[list[int]]]] = {}
        self.seen: list[tuple[int, int, float]] = []  # net, toggles, share at 1
        self.nets, self.bits = 2, 0

    def run(self, top: str, activity: Activity) -> Netlist:
        """See `elaborate`."""
        order = sorted(self.modules, key=lambda name: name != top)
        self.components = {name: number for number, name in enumerate(order)}
        self.take(top, self.module_nets(top), activity.top)
        pairs = np.array(self.joined, np.int64).reshape(-1, 2)
        graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(self.nets, self.nets))
        count, label = connected_components(graph, directed=False)
        toggles, high = self.observed(np.asarray(label, np.int64), count)
        placed = []
        for kind, (component, nets) in sorted(self.rows.items()):
            cell, columns = self.cells[kind], np.array(nets, np.int64)
            pins = {pin: np.where(column < 0, -1, label[column]) for pin, column
                    in zip(cell.pins, columns.T, strict=True)}
            placed.append(Placed(cell=cell, component=np.array(component, np.int64), nets=pins))
        clocks = [nets for each in placed for pin, nets in each.nets.items() if each.cell.pins[pin].clock]
        return Netlist(components=tuple(self.components), placed=tuple(placed), toggles=toggles, high=high,
                       clocks=np.unique(np.concatenate(clocks)) if clocks else np.zeros(0, np.int64),
                       memory_bits=self.bits)

    def module_nets(self, name: str) -> dict[int, int]:
        """Fresh nets for an instance of a module: by bit of the module."""
        bits = {bit for net in self.modules[name]["netnames"].values() for bit in net["bits"] if isinstance(bit, int)}
        for cell in self.modules[name]["cells"].values():
            bits.update(bit for pin in cell["connections"].values() for bit in pin if isinstance(bit, int))
        fresh = {bit: self.nets + number for number, bit in enumerate(sorted(bits))}
        self.nets += len(fresh)
        return fresh

    def take(self, name: str, nets: Mapping[int, int], seen: Instance) -> None:
        """Take the cells of an instance, then those of the instances in it."""
        module, component = self.modules[name], self.components[name]
        self.bits += sum(each["width"] * each["size"] for each in module.get("memories", {}).values())
        self.watch(name, module, nets, seen)
        for place, cell in module["cells"].items():
            kind = cell["type"]
            ends = {pin: [_net(bit, nets) for bit in bits] for pin, bits in cell["connections"].items()}
            if kind in self.cells:
                known = self.cells[kind].pins
                if odd := sorted(set(ends) - set(known)):
                    raise RuntimeError(f"{name}: {kind} has pins that the library does not describe: {', '.join(odd)}")
                row = self.rows.setdefault(kind, ([], []))
                row[0].append(component)
                row[1].append([ends.get(pin, [-1])[0] if ends.get(pin) else -1 for pin in known])
            elif kind in self.modules:
                inner = self.module_nets(kind)
                for port, declared in self.modules[kind]["ports"].items():
                    self.joined += zip(ends.get(port, []), [_net(bit, inner) for bit in declared["bits"]], strict=False)
                self.take(kind, inner, seen.inside(place))
            elif not (kind.startswith("$") and "memories" in module):  # memories with the registers of their ports
                raise RuntimeError(f"{name}: a cell {kind} that the library does not have")

    def watch(self, name: str, module: Mapping[str, Any], nets: Mapping[int, int], seen: Instance) -> None:
        """Remember what the run showed of the nets of an instance."""
        for wire, net in module["netnames"].items():
            first = net.get("offset", 0)
            for number, bit in enumerate(net["bits"]):
                if isinstance(bit, int):
                    found = seen.net(wire, first + number, len(net["bits"]))
                    if found is not None:
                        self.seen.append((nets[bit], *found))

    def observed(self, label: Ints, count: int) -> tuple[Floats, Floats]:
        """Toggles and share at 1 of each net."""
        toggles, high = np.full(count, -1.0), np.zeros(count)
        toggles[label[_LOW]], toggles[label[_HIGH]], high[label[_HIGH]] = 0, 0, 1
        rows = np.array(self.seen, float).reshape(-1, 3)
        net = label[rows[:, 0].astype(np.int64)]
        toggles[net], high[net] = rows[:, 1], rows[:, 2]
        if (different := toggles[net] != rows[:, 1]).any():
            raise RuntimeError(f"{int(different.sum())} pieces of nets were seen to toggle otherwise than their net")
        used = np.unique(np.concatenate([label[np.array(nets, np.int64)].ravel() for _, nets in self.rows.values()]))
        if unseen := int((toggles[used] < 0).sum()):
            raise RuntimeError(f"{unseen} nets of cells were not seen in the run")
        return toggles, high


def _net(bit: int | str, nets: Mapping[int, int]) -> int:
    """The net of a bit of a module; undriven ones are low, as the simulation has them."""
    return nets[bit] if isinstance(bit, int) else _HIGH if bit == "1" else _LOW
