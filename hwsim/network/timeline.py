"""The solved network: start cycles, stalls of each process, occupancy of each channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from hwsim.errors import InputError
from hwsim.network.parts import Arc, Bools, Channel, Duration, Ints, Process

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Stalls:
    """Where a process's cycles went; the four add up to the cycles of the whole network.

    Attributes:
        busy: within the interval of a firing.
        starved: waiting for an input (an offer, or an arc marked "starved").
        blocked: all inputs there, waiting for room or for the sink to accept.
        idle: after its last firing's interval.
    """

    busy: int
    starved: int
    blocked: int
    idle: int


@dataclass(frozen=True, slots=True, eq=False)
class Occupancy:
    """Entries held in a channel over time: ``entries[i]`` from ``cycles[i]`` until ``cycles[i + 1]``.

    Attributes:
        cycles: shape (steps,), rising, first is 0.
        entries: shape (steps,).
        total: cycles of the whole network, the time over which the mean is taken.
    """

    cycles: Ints
    entries: Ints
    total: int

    @property
    def maximum(self) -> int:
        """Most entries held at once."""
        return int(self.entries.max())

    @property
    def mean(self) -> float:
        """Entries held on average over all cycles (0 when there are none)."""
        ends = np.append(self.cycles[1:], self.total)
        spans = np.clip(ends, 0, self.total) - np.clip(self.cycles, 0, self.total)
        return float((spans * self.entries).sum() / self.total) if self.total else 0.0


@dataclass(frozen=True, eq=False)
class Timeline:
    """Start cycles of all firings of a network, and what follows from them.

    Attributes:
        name: name of the network.
        processes, arcs, channels: the network's parts.
        start: by process, int64 of shape (firings,), read-only.
    """

    name: str
    processes: Mapping[str, Process]
    arcs: tuple[Arc, ...]
    channels: Mapping[str, Channel]
    start: Mapping[str, Ints]

    @cached_property
    def cycles(self) -> int:
        """Total cycles: the latest end of a process's last firing (interval or latency); 0 when none fires."""
        ends = [0]
        for process in self.processes.values():
            if process.firings:
                tail = max(_last(process.interval), _last(process.latency))
                ends.append(int(self.start[process.name][-1]) + tail)
        return max(ends)

    @cached_property
    def _inputs(self) -> dict[str, list[Arc]]:
        """The arcs at which each process can be starved."""
        inputs: dict[str, list[Arc]] = {}
        for arc in self.arcs:
            if arc.stall == "starved":
                inputs.setdefault(arc.target, []).append(arc)
        return inputs

    def stalls(self, name: str) -> Stalls:
        """Return where the cycles of process ``name`` went; they add up to :attr:`cycles`."""
        process = _known("process", name, self.processes)
        if not process.firings:
            return Stalls(0, 0, 0, self.cycles)
        start, interval = self.start[name], process.interval
        own = np.zeros_like(start)
        np.add(start[:-1], interval if isinstance(interval, int) else interval[:-1], out=own[1:])
        ready = own.copy() if process.offer is None else _opened(process.offer, own)
        for arc in self._inputs.get(name, ()):
            arc.raise_to_ready(ready, self.start[arc.source])
        starved = int((ready - own).sum())
        blocked = int((start - own).sum()) - starved
        busy = interval * process.firings if isinstance(interval, int) else int(interval.sum())
        return Stalls(busy, starved, blocked, self.cycles - busy - starved - blocked)

    def occupancy(self, name: str) -> Occupancy:
        """Return the entries held in channel ``name`` over time.

        An entry is held from the start of the source's firing that puts it (cycle 0 for initial tokens) until the
        target's release; a token that is never taken is held to the end.
        """
        channel = _known("channel", name, self.channels)
        total = self.cycles
        put = self.start[channel.source]
        enter = np.zeros(channel.tokens, np.int64)
        enter[channel.initial :] = put if channel.put is None else put[channel.put]
        start = self.start[channel.target]
        free = start + channel.release
        leave = np.full(channel.tokens, total, np.int64)
        if channel.released is None:
            taken = min(channel.tokens, len(free))
            leave[:taken] = free[:taken]
        else:
            gone = channel.released >= 0
            leave[gone] = free[channel.released[gone]]
        leave = np.sort(np.maximum(leave, enter), kind="stable")  # enter is in order; stable merges sorted runs fast
        times = np.sort(np.concatenate([[0], enter, leave]), kind="stable")
        times = times[np.append(True, times[1:] > times[:-1])]
        held = np.searchsorted(enter, times, side="right") - np.searchsorted(leave, times, side="right")
        return Occupancy(times, held, total)

    def table(self) -> list[dict[str, Any]]:
        """Return one row per process: name, firings, first and last start, busy, starved, blocked, idle."""
        rows = []
        for name, process in self.processes.items():
            start = self.start[name]
            first, last = (int(start[0]), int(start[-1])) if process.firings else (None, None)
            row = {"process": name, "firings": process.firings, "first": first, "last": last}
            rows.append(row | asdict(self.stalls(name)))
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return name, cycles, processes (see :meth:`table`) and channels as plain data for JSON."""
        channels = []
        for name, channel in self.channels.items():
            held = self.occupancy(name)
            row = {"channel": name, "source": channel.source, "target": channel.target, "depth": channel.depth}
            channels.append(row | {"tokens": channel.tokens, "maximum": held.maximum, "mean": held.mean})
        return {"name": self.name, "cycles": self.cycles, "processes": self.table(), "channels": channels}


def _last(duration: Duration) -> int:
    return duration if isinstance(duration, int) else int(duration[-1])


def _opened(gate: Bools, cycle: Ints) -> Ints:
    """Return, for each cycle, the first one from it on at which ``gate`` is true (true beyond its end)."""
    following = np.append(np.where(gate, np.arange(len(gate)), len(gate)), len(gate))
    following = np.minimum.accumulate(following[::-1])[::-1]
    return np.where(cycle < len(gate), following[np.minimum(cycle, len(gate))], cycle)


def _known(kind: str, name: str, parts: Mapping[str, _Part]) -> _Part:
    if name not in parts:
        raise InputError(f"timeline: {kind}", f"one of {list(parts)}", repr(name))
    return parts[name]
