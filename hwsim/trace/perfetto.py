"""Perfetto's own format: protobuf packets of tracks, slices and counters, written without any package.

Source: perfetto.dev/docs/reference/synthetic-track-event and ``perfetto/trace/*.proto`` (field numbers below). One
packet sequence; a slice is a begin and an end packet on its track, so that packets of one track stand in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache

from hwsim.trace.chrome import counter_name
from hwsim.trace.events import Event, events
from hwsim.trace.tracks import Trace, refuse_more

_VARINT, _BYTES = 0, 2
_PACKET = 1
_TIMESTAMP, _SEQUENCE, _EVENT, _DESCRIPTOR = 8, 10, 11, 60
_UUID, _NAME, _PARENT, _COUNTER, _CHILD_ORDERING, _RANK, _DESCRIPTION = 1, 2, 5, 8, 11, 12, 14
_ANNOTATION, _TYPE, _TRACK, _CATEGORY, _EVENT_NAME, _VALUE = 4, 9, 11, 22, 23, 30
_INT, _STRING, _ANNOTATION_NAME = 4, 6, 10
_COUNTER_UNIT = 3
_BEGIN, _END, _COUNT = 1, 2, 4  # TrackEvent.Type
_EXPLICIT = 3                   # TrackDescriptor.ChildTracksOrdering: by rank
_UNIT_COUNT = 2                 # CounterDescriptor.Unit
_ROOT = 1


def perfetto_trace(trace: Trace, limit: int) -> Iterator[bytes]:
    """The file, in pieces.

    Args:
        trace: or a part of one.
        limit: of slices and steps of counters.

    Raises:
        InputError: there are more.
    """
    refuse_more(trace.events, limit)
    about = _text(_DESCRIPTION, json.dumps(dict(trace.meta), sort_keys=True))
    yield _track(_ROOT, trace.name, 0, 0, about + _number(_CHILD_ORDERING, _EXPLICIT))
    groups = {group: _ROOT + 1 + number for number, group in enumerate(_group_names(trace))}
    for rank, (group, uuid) in enumerate(groups.items()):
        yield _track(uuid, group, _ROOT, rank, _number(_CHILD_ORDERING, _EXPLICIT))
    uuid = _ROOT + len(groups)
    for rank, track in enumerate(trace.tracks):
        uuid += 1
        yield _track(uuid, track.name, groups[track.group], rank)
        yield b"".join(_slice(event, uuid) for event in events(trace, track))
    for rank, counter in enumerate(trace.counters):
        uuid += 1
        unit = _message(_COUNTER, _number(_COUNTER_UNIT, _UNIT_COUNT))
        yield _track(uuid, counter_name(counter), groups["channels"], rank, unit)
        yield b"".join(_packet(at, _edge(_COUNT, uuid) + _number(_VALUE, value)) for at, value in
                       zip(trace.nanoseconds(counter.at).tolist(), counter.value.tolist(), strict=True))


def _group_names(trace: Trace) -> list[str]:
    return [*dict.fromkeys(track.group for track in trace.tracks), "channels"]


def _slice(event: Event, uuid: int) -> bytes:
    """Packets of its begin and its end."""
    said = b"".join(_message(_ANNOTATION, _text(_ANNOTATION_NAME, name) + (
        _text(_STRING, value) if isinstance(value, str) else _number(_INT, value)))
        for name, value in event.arguments.items())
    begin = _edge(_BEGIN, uuid) + _text(_CATEGORY, event.kind.name.lower()) + _text(_EVENT_NAME, event.name) + said
    return _packet(event.begin, begin) + _packet(event.end, _edge(_END, uuid))


@lru_cache(maxsize=1 << 12)
def _edge(kind: int, uuid: int) -> bytes:
    """What an event begins with: its type and its track."""
    return _number(_TYPE, kind) + _number(_TRACK, uuid)


def _track(uuid: int, name: str, parent: int, rank: int, more: bytes = b"") -> bytes:
    """Packet that declares a track; parent 0 = none."""
    body = _number(_UUID, uuid) + _text(_NAME, name) + _number(_RANK, rank) + more
    if parent:
        body += _number(_PARENT, parent)
    return _message(_PACKET, _message(_DESCRIPTOR, body) + _IN_SEQUENCE)


def _packet(nanoseconds: int, event: bytes) -> bytes:
    """Packet of an event."""
    return _message(_PACKET, _number(_TIMESTAMP, nanoseconds) + _message(_EVENT, event) + _IN_SEQUENCE)


def _number(field: int, value: int) -> bytes:
    """A field of a whole number; negative ones take ten bytes, as int64 does."""
    return _key(field << 3 | _VARINT) + _varint(value & (1 << 64) - 1)


@lru_cache(maxsize=1 << 12)  # names come again and again
def _text(field: int, value: str) -> bytes:
    """A field of text."""
    return _message(field, value.encode())


def _message(field: int, body: bytes) -> bytes:
    return _key(field << 3 | _BYTES) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; the top bit says that more follow."""
    if value < 0x80:
        return bytes((value,))
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


_key = lru_cache(maxsize=1 << 8)(_varint)
_IN_SEQUENCE = _number(_SEQUENCE, 1)
