"""A solved process network as a trace: a track a process, a counter a channel, ports with their handshakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hwsim.network import Arc, Channel, Timeline
from hwsim.network.parts import Bools
from hwsim.trace.stalls import Waits, first_open, slices_of, waits_of
from hwsim.trace.tracks import PS_PER_NS, Counter, Port, Trace, Track, levels

Gates = Mapping[str, Bools | None]
PORTS = "ports"
"""Group of the stream ports."""


def network_trace(timeline: Timeline, name: str, inputs: Gates | None = None, outputs: Gates | None = None,
                  meta: Mapping[str, Any] | None = None) -> Trace:
    """Trace of a network; a cycle is shown as 1 ns.

    Args:
        timeline: the solved network.
        name: of what ran.
        inputs: by input port: when its source may begin to offer, as a bench has it; None = always.
        outputs: by output port: when its sink is ready; None = always.
        meta: plain data that goes into the files.
    """
    offers, sinks = inputs or {}, outputs or {}
    tracks = []
    for process in timeline.processes:
        waits, port = waits_of(timeline, process, sinks), None
        if process in offers:
            port = _input(waits, offers[process])
        elif process in sinks:
            port = _output(waits, sinks[process], timeline.cycles)
        labels = tuple((arc.name, arc.source) for arc in waits.arcs)
        tracks.append(Track(process, _group(process, port), slices_of(timeline, process, waits), labels,
                            timeline.start[process], port))
    tracks.sort(key=lambda track: track.port is None)
    return Trace(name=name, begin=0, end=timeline.cycles, tick_ps=PS_PER_NS, cycles=True, tracks=tuple(tracks),
                 counters=tuple(_counters(timeline)), meta=dict(meta or {}))


def _group(process: str, port: Port | None) -> str:
    """Ports together; the processes of a part of a larger whole by its name (`hwsim.network.embed`)."""
    if port is not None:
        return PORTS
    part, dot, _ = process.partition(".")
    return part if dot else "engines"


def _input(waits: Waits, gate: Bools | None) -> Port:
    """Valid from the cycle in which the source offers, ready from the one in which the model would take a token."""
    end = waits.start + 1
    valid_at, valid = levels(first_open(gate, waits.own), end)
    ready_at, ready = levels(waits.taken, end)
    if len(end):  # nothing more comes after the last transfer: the model does not say
        ready = np.where(ready_at >= end[-1], -1, ready)
    return Port("in", valid_at, valid, ready_at, ready)


def _output(waits: Waits, gate: Bools | None, cycles: int) -> Port:
    """Valid from the cycle in which the token is there, ready as the sink is."""
    valid_at, valid = levels(waits.room, waits.start + 1)
    level = np.append(np.ones(0, bool) if gate is None else gate[:cycles], True).astype(np.int64)
    change = np.append(0, np.flatnonzero(np.diff(level)) + 1)
    return Port("out", valid_at, valid, change, level[change])


def _counters(timeline: Timeline) -> list[Counter]:
    """Entries of every channel: those that the network declares, then those that its arcs stand for."""
    declared = dict(timeline.channels)
    own = {f"{name}{suffix}" for name in declared for suffix in ("", ".room")}
    loose = [arc for arc in timeline.arcs if arc.name not in own and arc.source != arc.target]
    channels = {**declared, **{f"{arc.name}: waiting": _waiting(arc, timeline) for arc in loose
                               if arc.stall == "starved"}}
    channels |= {f"{arc.name}: in use": _in_use(arc, timeline) for arc in loose
                 if arc.stall == "blocked" and arc.index is None and arc.per_target is None and arc.shift > 0}
    whole = replace(timeline, channels=channels)
    counters = []
    for name, channel in channels.items():
        if channel.tokens:
            held = whole.occupancy(name)
            shown = held.cycles <= timeline.cycles
            counters.append(Counter(name, held.cycles[shown], held.entries[shown], channel.depth))
    return counters


def _waiting(arc: Arc, timeline: Timeline) -> Channel:
    """Firings of the source from their start until the target has started with all that needs them."""
    tokens, firings = timeline.processes[arc.source].firings, timeline.processes[arc.target].firings
    firing = np.arange(firings)
    need = firing - arc.shift if arc.index is None else arc.index
    taking = np.flatnonzero((need >= 0) & (need < tokens))
    last = np.full(tokens + 1, -1, np.int64)
    np.maximum.at(last, need[taking], firing[taking])
    wanted = np.where(last >= 0, np.arange(tokens + 1), tokens)  # what nobody asks for goes with the next that is
    released = last[np.minimum.accumulate(wanted[::-1])[::-1]][:tokens]
    return Channel(f"{arc.name}: waiting", arc.source, arc.target, None, 0, tokens, None, released, 0)


def _in_use(arc: Arc, timeline: Timeline) -> Channel:
    """Room that firings of the waiting process hold until the other one gives it back: ``shift`` entries deep."""
    release = arc.delay if arc.per_source is None else arc.per_source + arc.delay
    tokens = timeline.processes[arc.target].firings
    return Channel(f"{arc.name}: in use", arc.target, arc.source, arc.shift, 0, tokens, None, None, release)
