"""Networks inside networks: how the model of a whole is made from the models of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hwsim.errors import InputError
from hwsim.network.build import Network
from hwsim.network.parts import Process


def embed(net: Network, part: Network, prefix: str, names: Mapping[str, str] | None = None) -> None:
    """Add all processes and arcs of a part to a network.

    Two parts meet where a process of both gets the same name: one firing is then one of each, as in a transfer from a
    port of one to a port of the other with nothing between. It waits for what either waits for.

    Args:
        net: gets them.
        part: without channels; its arrays are not copied.
        prefix: of the names of arcs, and of processes that get no name of their own.
        names: new names of processes; those left out become ``prefix.name``.

    Raises:
        InputError: a process that meets one with other firings, or with a stall pattern where it has one too; a part
            with channels.
    """
    if part.channels:
        raise InputError(f"network {part.name!r}", "a part without channels", list(part.channels))
    renamed = {name: (names or {}).get(name, f"{prefix}.{name}") for name in part.processes}
    for name, process in part.processes.items():
        new = renamed[name]
        there = net.processes.get(new)
        net.processes[new] = replace(process, name=new) if there is None else _met(net, there, process)
    for name, arc in part.arcs.items():
        new = f"{prefix}.{name}"
        if new in net.arcs:
            raise InputError(f"network {net.name!r}", "a new name", f"two arcs {new!r}")
        net.arcs[new] = replace(arc, name=new, source=renamed[arc.source], target=renamed[arc.target])


def _met(net: Network, there: Process, process: Process) -> Process:
    """One process for two that fire together, a cycle apart at least."""
    place = f"network {net.name!r}, process {there.name!r}"
    if process.firings != there.firings:
        raise InputError(place, f"{there.firings} firings in both parts", process.firings)
    gates = {}
    for gate in ("offer", "accept"):
        mine, other = getattr(there, gate), getattr(process, gate)
        if mine is not None and other is not None:
            raise InputError(f"{place}: {gate}", "a stall pattern in one part", "in both")
        gates[gate] = other if mine is None else mine
    if not (isinstance(there.interval, int) and there.interval == process.interval):
        raise InputError(f"{place}: interval", "the same number in both parts", (there.interval, process.interval))
    return replace(there, **gates)
