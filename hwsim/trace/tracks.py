"""What a viewer shows, as arrays: slices that fill each track without gaps, counters, ports; parts of it in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Literal

import numpy as np

from hwsim.errors import InputError
from hwsim.network.parts import Bools, Ints

PS_PER_NS = 1000


class Kind(IntEnum):
    """What a process does in a slice; also the value of its ``state`` in a VCD."""

    IDLE = 0
    BUSY = 1
    NO_OFFER = 2
    STARVED = 3
    BLOCKED = 4
    NOT_READY = 5


LABELS: Mapping[Kind, str] = {
    Kind.IDLE: "idle", Kind.BUSY: "busy", Kind.NO_OFFER: "no offer", Kind.STARVED: "waiting for input",
    Kind.BLOCKED: "no room", Kind.NOT_READY: "sink not ready",
}
"""Name of the slices of each kind; busy ones may have names of their own."""


@dataclass(frozen=True, eq=False)
class Slices:
    """Slices of one track in order, each from where the one before ended: arrays (slices,), int64.

    Attributes:
        begin, end: ticks; equal where a firing takes no time.
        kind: of `Kind`.
        label: index into the track's ``labels``: name of a busy slice, what a stalled one waits for; -1 = none.
        firing: first firing of a busy slice, the firing that a stalled one waits with; -1 in idle ones.
        firings: how many follow each other in a busy slice, a tick apart where there are several; else 0.
        awaited: the firing of the other process that a stalled slice waits for; -1 = none.
    """

    begin: Ints
    end: Ints
    kind: Ints
    label: Ints
    firing: Ints
    firings: Ints
    awaited: Ints

    def __len__(self) -> int:
        return len(self.begin)

    def take(self, index: Ints | Bools) -> Slices:
        """Some of them."""
        return Slices(self.begin[index], self.end[index], self.kind[index], self.label[index], self.firing[index],
                      self.firings[index], self.awaited[index])

    def ticks(self, kind: Kind) -> int:
        """Ticks of one kind."""
        return int((self.end - self.begin)[self.kind == kind].sum())


@dataclass(frozen=True, eq=False)
class Port:
    """Handshake of a stream port: ticks between which it is offered and accepted, arrays of equal length.

    A value holds from ``*_at[i]`` to ``*_at[i + 1]``; -1 = the model does not say.
    """

    direction: Literal["in", "out"]
    valid_at: Ints
    valid: Ints
    ready_at: Ints
    ready: Ints


@dataclass(frozen=True, eq=False)
class Track:
    """One process or queue.

    Attributes:
        name: of the process.
        group: of tracks that are shown together.
        slices: from tick 0 to the end of the run.
        labels: see `Slices.label`: (what is said, whom it waits for; "" for nobody).
        start: shape (firings,): start of each firing, ticks.
        port: where it is a stream port.
    """

    name: str
    group: str
    slices: Slices
    labels: tuple[tuple[str, str], ...]
    start: Ints
    port: Port | None = None


@dataclass(frozen=True, eq=False)
class Counter:
    """Entries of a channel: ``value[i]`` from ``at[i]`` until ``at[i + 1]``; ``depth`` where it is bounded."""

    name: str
    at: Ints
    value: Ints
    depth: int | None = None


@dataclass(frozen=True, eq=False)
class Trace:
    """One run.

    Attributes:
        name: of what ran.
        begin, end: ticks that are shown: from ``begin`` up to ``end``, not included.
        tick_ps: picoseconds of one tick on the viewer's time axis.
        cycles: whether a tick is a cycle; else it is real time.
        tracks, counters: what is shown.
        meta: plain data that goes into the files.
    """

    name: str
    begin: int
    end: int
    tick_ps: int
    cycles: bool
    tracks: tuple[Track, ...]
    counters: tuple[Counter, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """Slices and steps of counters."""
        return sum(len(track.slices) for track in self.tracks) + sum(len(counter.at) for counter in self.counters)

    def nanoseconds(self, ticks: Ints) -> Ints:
        """Ticks on the viewer's axis, rounded down where a tick is less than 1 ns."""
        return ticks * self.tick_ps // PS_PER_NS

    def part(self, begin: int | None, end: int | None) -> Trace:
        """What happens from ``begin`` up to ``end`` (ticks); slices over an edge are cut there.

        Raises:
            InputError: an empty part, or one that begins behind the end of the run.
        """
        first, last = self.begin if begin is None else begin, self.end if end is None else min(end, self.end)
        if not self.begin <= first < max(last, first + (self.end == 0)):
            unit = "cycle" if self.cycles else "picosecond"
            raise InputError("trace: --from and --to", f"a part of {unit}s {self.begin} to {self.end}",
                             f"{first} to {self.end if end is None else end}")
        tracks = tuple(replace(track, slices=_cut(track.slices, first, last)) for track in self.tracks)
        counters = tuple(_steps(counter, first, last) for counter in self.counters)
        return replace(self, begin=first, end=last, tracks=tracks, counters=counters)


def _cut(slices: Slices, first: int, last: int) -> Slices:
    """Slices within some ticks; of back-to-back firings, those that start within."""
    kept = slices.take((slices.end > first) & (slices.begin < last)
                       | (slices.begin == slices.end) & (slices.begin >= first) & (slices.begin < last))
    begin, end = np.maximum(kept.begin, first), np.minimum(kept.end, last)
    several = kept.firings > 1
    return replace(kept, begin=begin, end=end, firing=kept.firing + np.where(several, begin - kept.begin, 0),
                   firings=np.where(several, end - begin, kept.firings))


def _steps(counter: Counter, first: int, last: int) -> Counter:
    """Steps within some ticks, the first one moved to their beginning."""
    low, high = max(int(np.searchsorted(counter.at, first, side="right")) - 1, 0), np.searchsorted(counter.at, last)
    return replace(counter, at=np.maximum(counter.at[low:high], first), value=counter.value[low:high])


def levels(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Changes of a wire that is high from each ``begin`` up to its ``end``, not included; both in order.

    Returns:
        ticks from 0 on, and the value from each of them on.
    """
    apart = begin[1:] > end[:-1]
    one = np.ones(min(len(begin), 1), bool)
    at = np.column_stack([begin[np.append(one, apart)], end[np.append(apart, one)]]).ravel()
    value = np.tile(np.array([1, 0], np.int64), len(at) // 2)
    return (at, value) if len(at) and at[0] == 0 else (np.append(0, at), np.append(0, value))


def refuse_more(events: int, limit: int) -> None:
    """Refuse a file of more events than the limit.

    Raises:
        InputError: says how many there are.
    """
    if events > limit:
        raise InputError("trace", f"at most {limit:,} events in a file (--from and --to for a part, --events for more)",
                         f"{events:,}")
