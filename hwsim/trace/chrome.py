"""Chrome's trace event format (JSON), which ui.perfetto.dev and chrome://tracing open.

Source: Trace Event Format (docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU): an object with
``traceEvents``, metadata events "M", complete events "X" with ``ts`` and ``dur`` in microseconds, counters "C".
chrome://tracing takes the colour of a slice from ``cname``; Perfetto takes it from the slice's name, and every stall of
one kind has one name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hwsim.trace.events import events
from hwsim.trace.tracks import Counter, Kind, Trace, refuse_more

COLOURS: Mapping[Kind, str] = {
    Kind.IDLE: "grey", Kind.BUSY: "good", Kind.NO_OFFER: "yellow", Kind.STARVED: "bad", Kind.BLOCKED: "terrible",
    Kind.NOT_READY: "light_memory_dump",
}
"""Names of chrome://tracing's colours."""
_CATEGORY = {kind: kind.name.lower() for kind in Kind}


def chrome_trace(trace: Trace, limit: int) -> Iterator[bytes]:
    """The file, in pieces.

    Args:
        trace: or a part of one.
        limit: of slices and steps of counters.

    Raises:
        InputError: there are more.
    """
    refuse_more(trace.events, limit)
    head = json.dumps({"displayTimeUnit": "ns", "otherData": dict(trace.meta)}, allow_nan=False)
    yield f'{head[:-1]}, "traceEvents": [\n'.encode()
    yield ",\n".join(json.dumps(event) for event in _names(trace)).encode()
    groups = _groups(trace)
    for number, track in enumerate(trace.tracks):
        shared = f'"pid": {groups[track.group]}, "tid": {number + 1}'
        lines = [f',\n{{"ph": "X", {shared}, "ts": {_microseconds(event.begin)}, '
                 f'"dur": {_microseconds(event.end - event.begin)}, "name": {json.dumps(event.name)}, '
                 f'"cat": "{_CATEGORY[event.kind]}", "cname": "{COLOURS[event.kind]}", '
                 f'"args": {json.dumps(event.arguments)}}}' for event in events(trace, track)]
        yield "".join(lines).encode()
    for counter in trace.counters:
        yield "".join(_counts(trace, counter, len(groups) + 1)).encode()
    yield b"\n]}\n"


def _groups(trace: Trace) -> dict[str, int]:
    """Process id of each group of tracks, in order; channels come behind."""
    return {group: number + 1 for number, group in enumerate(dict.fromkeys(track.group for track in trace.tracks))}


def _names(trace: Trace) -> Iterator[dict[str, Any]]:
    """Metadata events: names and order of groups and tracks."""
    groups = _groups(trace)
    for name, pid in {**groups, "channels": len(groups) + 1}.items():
        yield {"ph": "M", "pid": pid, "name": "process_name", "args": {"name": f"{trace.name}: {name}"}}
        yield {"ph": "M", "pid": pid, "name": "process_sort_index", "args": {"sort_index": pid}}
    for number, track in enumerate(trace.tracks):
        where = {"ph": "M", "pid": groups[track.group], "tid": number + 1}
        yield {**where, "name": "thread_name", "args": {"name": track.name}}
        yield {**where, "name": "thread_sort_index", "args": {"sort_index": number}}


def _counts(trace: Trace, counter: Counter, pid: int) -> Iterator[str]:
    name = json.dumps(counter_name(counter))
    for at, value in zip(trace.nanoseconds(counter.at).tolist(), counter.value.tolist(), strict=True):
        yield (f',\n{{"ph": "C", "pid": {pid}, "name": {name}, "ts": {_microseconds(at)}, '
               f'"args": {{"entries": {value}}}}}')


def counter_name(counter: Counter) -> str:
    """What a channel is called: its name, and its depth where that is known."""
    return counter.name if counter.depth is None else f"{counter.name} (of {counter.depth})"


def _microseconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 1000}.{nanoseconds % 1000:03d}"
