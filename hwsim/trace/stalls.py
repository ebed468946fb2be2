"""Where each cycle of a process went, firing by firing: what held it up, and for which firing of whom it waited."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

import numpy as np

from hwsim.network import Arc, Process, Timeline
from hwsim.network.parts import Bools, Ints
from hwsim.trace.tracks import Kind, Slices

_PARTS = (Kind.NO_OFFER, Kind.STARVED, Kind.BLOCKED, Kind.NOT_READY)
"""In this order a firing gets past what it waits for; `Timeline.stalls` counts by the same order."""


@dataclass(frozen=True, eq=False)
class Waits:
    """What the firings of a process waited for: arrays (firings,), cycles.

    Attributes:
        own: the first cycle that the process's own interval allows.
        taken: the first cycle in which it could start, if its source had offered at once.
        offered: from then on its source offers.
        there: all inputs are there.
        room: there is room as well.
        start: the sink accepts: the firing starts.
        starved_at, blocked_at: number of the arc that came last, into ``arcs``; -1 where none came late.
        starved_for, blocked_for: the firing of that arc's source.
        arcs: those into the process.
    """

    own: Ints
    taken: Ints
    offered: Ints
    there: Ints
    room: Ints
    start: Ints
    starved_at: Ints
    starved_for: Ints
    blocked_at: Ints
    blocked_for: Ints
    arcs: tuple[Arc, ...]


def waits_of(timeline: Timeline, name: str, outputs: Container[str] = ()) -> Waits:
    """What the firings of a process waited for.

    Args:
        timeline: the solved network.
        name: of the process.
        outputs: output ports; an input that is made of what leaves there comes from outside, and ``taken`` is without
            it.
    """
    process, start = timeline.processes[name], timeline.start[name]
    arcs = tuple(arc for arc in timeline.arcs if arc.target == name)
    own = np.zeros_like(start)
    np.add(start[:-1], _intervals(process)[:-1], out=own[1:])
    offered, taken = first_open(process.offer, own), own.copy()
    for arc in (each for each in arcs if each.stall == "blocked" or each.source not in outputs):
        arc.raise_to_ready(taken, timeline.start[arc.source])
    there, starved_at, starved_for = _latest(timeline, arcs, "starved", offered)
    room, blocked_at, blocked_for = _latest(timeline, arcs, "blocked", there)
    return Waits(own, taken, offered, there, room, start, starved_at, starved_for, blocked_at, blocked_for, arcs)


def first_open(gate: Bools | None, cycle: Ints) -> Ints:
    """The first cycle from each given one on at which a gate is true, as it is beyond its end."""
    if gate is None:
        return cycle
    openings = np.append(np.flatnonzero(gate), len(gate))
    at = np.minimum(np.searchsorted(openings, cycle), len(openings) - 1)
    return np.maximum(openings[at], cycle)


def slices_of(timeline: Timeline, name: str, waits: Waits) -> Slices:
    """All cycles of the network as slices of one process; stalls are labelled by the number of the arc."""
    process, start = timeline.processes[name], waits.start
    interval = _intervals(process)
    edges = (waits.own, waits.offered, waits.there, waits.room, start)
    none = np.full(len(start), -1, np.int64)
    at = {Kind.STARVED: (waits.starved_at, waits.starved_for), Kind.BLOCKED: (waits.blocked_at, waits.blocked_for)}
    parts, order = [], []
    for place, kind in enumerate(_PARTS):
        held = np.flatnonzero(edges[place + 1] > edges[place])
        label, awaited = at.get(kind, (none, none))
        parts.append(_slices(edges[place][held], edges[place + 1][held], kind, label[held], held, awaited[held]))
        order.append(held * (len(_PARTS) + 1) + place)
    first = _runs(start, interval)
    last = np.append(first[1:], len(start))[: len(first)] - 1
    busy = _slices(start[first], start[last] + interval[last], Kind.BUSY, none[first], first, none[first])
    parts.append(Slices(busy.begin, busy.end, busy.kind, busy.label, first, last - first + 1, busy.awaited))
    order.append(first * (len(_PARTS) + 1) + len(_PARTS))
    done = int(start[-1] + interval[-1]) if len(start) else 0
    tail = np.full(int(timeline.cycles > done), done, np.int64)
    parts.append(_slices(tail, tail - done + timeline.cycles, Kind.IDLE, tail * 0 - 1, tail * 0 - 1, tail * 0 - 1))
    order.append(tail * 0 + len(start) * (len(_PARTS) + 1))
    return joined(parts).take(np.argsort(np.concatenate(order), kind="stable"))


def joined(parts: Iterable[Slices]) -> Slices:
    """Slices end to end."""
    columns = zip(*((part.begin, part.end, part.kind, part.label, part.firing, part.firings, part.awaited)
                    for part in parts), strict=True)
    return Slices(*(np.concatenate(column) for column in columns))


def _slices(begin: Ints, end: Ints, kind: Kind, label: Ints, firing: Ints, awaited: Ints) -> Slices:
    same = np.zeros_like(begin)
    return Slices(begin, end, same + kind, label, firing, same, awaited)


def _runs(start: Ints, interval: Ints) -> Ints:
    """First firings of runs in which each firing takes a cycle and the next one follows at once."""
    follows = (interval[:-1] == 1) & (interval[1:] == 1) & (start[1:] == start[:-1] + 1)
    return np.flatnonzero(np.append(True, ~follows)[: len(start)])


def _intervals(process: Process) -> Ints:
    return np.broadcast_to(np.asarray(process.interval, np.int64), (process.firings,))


def _latest(timeline: Timeline, arcs: tuple[Arc, ...], stall: str, from_: Ints) -> tuple[Ints, Ints, Ints]:
    """When the arcs of one kind are all satisfied, which one was last, and the firing that it waited for."""
    ready = from_.copy()
    at, awaited = np.full(len(ready), -1, np.int64), np.full(len(ready), -1, np.int64)
    for number, arc in enumerate(arcs):
        if arc.stall != stall:
            continue
        satisfied = np.zeros_like(ready)
        arc.raise_to_ready(satisfied, timeline.start[arc.source])
        late = np.flatnonzero(satisfied > ready)
        ready[late], at[late] = satisfied[late], number
        awaited[late] = late - arc.shift if arc.index is None else arc.index[late]
    return ready, at, awaited
