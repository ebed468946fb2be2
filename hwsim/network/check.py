"""What can be said of a network before it runs: its graph, and findings that look like mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hwsim.errors import InputError
from hwsim.network.parts import Arc, Channel, Process

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that looks wrong.

    Attributes:
        severity: "error" (no hardware can do this) or "warning" (perhaps meant so).
        kind: "combinational loop", "unconnected process" or "tokens never taken".
        names: the processes or the channel that it is about.
        message: one readable line.
    """

    severity: Literal["error", "warning"]
    kind: str
    names: tuple[str, ...]
    message: str


def in_range(place: str, arc: Arc, processes: Mapping[str, Process]) -> None:
    """Raise InputError where an arc waits for a firing that never comes, or for one of its own future."""
    firings, limit = processes[arc.target].firings, processes[arc.source].firings
    if arc.index is None and firings and firings - 1 - arc.shift >= limit:
        k = max(0, limit + arc.shift)
        wanted = f"a firing of {arc.source!r} below {limit}"
        raise InputError(f"{place}: firing {k} of {arc.target!r}", wanted, k - arc.shift)
    if arc.source != arc.target:
        return
    if arc.index is None:
        if arc.shift < 1 and firings > max(0, arc.shift):
            raise InputError(f"{place}: shift of {arc.target!r} on itself", "at least 1", arc.shift)
        return
    late = np.flatnonzero(arc.index >= np.arange(firings))
    if len(late):
        k = int(late[0])
        raise InputError(f"{place}: index[{k}] of {arc.target!r} on itself", "an earlier firing", int(arc.index[k]))


def graph(name: str, processes: Mapping[str, Process], arcs: Mapping[str, Arc]) -> networkx.MultiDiGraph:
    """Return the network as a MultiDiGraph; an edge runs from the process waited for to the one that waits.

    Nodes carry ``firings``; edges ``stall``, ``shift`` (None where an index array rules) and the least ``delay``.
    """
    import networkx as nx

    drawn = nx.MultiDiGraph(name=name)
    for process in processes.values():
        drawn.add_node(process.name, firings=process.firings)
    for arc in arcs.values():
        shift = arc.shift if arc.index is None else None
        drawn.add_edge(arc.source, arc.target, key=arc.name, stall=arc.stall, shift=shift, delay=arc.shortest())
    return drawn


def findings(
    processes: Mapping[str, Process], arcs: Mapping[str, Arc], channels: Mapping[str, Channel]
) -> list[Finding]:
    """Return all findings, errors first."""
    return [*_loops(processes, arcs), *_unconnected(processes, arcs), *_never_taken(processes, channels)]


def _loops(processes: Mapping[str, Process], arcs: Mapping[str, Arc]) -> list[Finding]:
    """One error per group of processes that wait for each other within one cycle.

    By processes, not by firings: such a loop may still have start times, but its handshake is a loop of wires.
    """
    import networkx as nx

    drawn = graph("", processes, arcs)
    quick = nx.DiGraph((u, v) for u, v, delay in drawn.edges(data="delay") if delay == 0 and u != v)
    found = []
    for group in nx.strongly_connected_components(quick):
        if len(group) > 1:
            names = tuple(name for name in processes if name in group)
            message = f"processes {', '.join(names)} wait for each other without a cycle of delay"
            found.append(Finding("error", "combinational loop", names, message))
    return found


def _unconnected(processes: Mapping[str, Process], arcs: Mapping[str, Arc]) -> list[Finding]:
    joined = {name for arc in arcs.values() for name in (arc.source, arc.target)}
    return [
        Finding("warning", "unconnected process", (name,), f"process {name!r} waits for nobody and nobody for it")
        for name in processes
        if name not in joined
    ]


def _never_taken(processes: Mapping[str, Process], channels: Mapping[str, Channel]) -> list[Finding]:
    found = []
    for channel in channels.values():
        if channel.released is None:
            left = max(0, channel.tokens - processes[channel.target].firings)
        else:
            left = int(np.count_nonzero(channel.released < 0))
        if left:
            message = f"channel {channel.name!r}: {left} of {channel.tokens} tokens are never taken"
            found.append(Finding("warning", "tokens never taken", (channel.name,), message))
    return found
