"""Slices one by one, with the name and the arguments that every viewer shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hwsim.trace.tracks import LABELS, Kind, Trace, Track

Arguments = dict[str, int | str]


@dataclass(frozen=True, slots=True)
class Event:
    """One slice: nanoseconds of the viewer's axis, what it is, name and arguments."""

    begin: int
    end: int
    kind: Kind
    name: str
    arguments: Arguments


def events(trace: Trace, track: Track) -> Iterator[Event]:
    """The slices of one track in order."""
    slices, item = track.slices, "firing" if trace.cycles else "instruction"
    columns = (trace.nanoseconds(slices.begin), trace.nanoseconds(slices.end), slices.begin, slices.end, slices.kind,
               slices.label, slices.firing, slices.firings, slices.awaited)
    for low, high, begin, end, number, label, firing, firings, awaited in zip(
            *(column.tolist() for column in columns), strict=True):
        kind, name, said = Kind(number), LABELS[Kind(number)], Arguments()
        if kind != Kind.IDLE:
            said[item] = firing
        if kind == Kind.BUSY:
            name = track.name if label < 0 else track.labels[label][0]
            if firings > 1:
                said[f"{item}s"] = firings
        elif label >= 0:
            said["at"], said["for"] = track.labels[label]
            said[f"its {item}"] = awaited
        if not trace.cycles:
            said["start_ps"], said["ps"] = begin, end - begin
        yield Event(low, high, kind, name, said)
