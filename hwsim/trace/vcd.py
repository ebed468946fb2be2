"""Value change dump (IEEE 1364-2005, 18.2) of a trace: state and firing of each process, handshakes of ports, entries.

A cycle is 1 ns and begins with the rising edge of ``clk``; the time scale is 100 ps, so that the falling edge has a
time of its own. A run in real time has a time scale of 1 ps and no clock. In a part of a run, times are those of the
whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hwsim.network.parts import Ints
from hwsim.trace.tracks import Kind, Trace, Track, levels, refuse_more

_PER_CYCLE = 10  # 100 ps
_MARKS = "".join(map(chr, range(33, 127)))  # what identifier codes are made of
_STATE, _COUNT = 3, 32  # bits


@dataclass(frozen=True, eq=False)
class Signal:
    """One variable: ``value[i]`` from tick ``at[i]`` on; -1 = unknown."""

    scope: tuple[str, ...]
    name: str
    width: int
    at: Ints
    value: Ints


def signals(trace: Trace) -> list[Signal]:
    """All variables but the clock, of the whole run."""
    found = [signal for track in trace.tracks for signal in _of_track(track)]
    names: dict[str, int] = {}
    for counter in trace.counters:
        name = _word(counter.name)
        names[name] = names.get(name, 0) + 1
        name = name if names[name] == 1 else f"{name}_{names[name]}"
        found.append(Signal(("channels",), name, _COUNT, counter.at, counter.value))
    return found


def _of_track(track: Track) -> list[Signal]:
    """State, firings so far, and a wire that is high in the tick of each firing; of a port also valid and ready."""
    scope = (_word(track.group), _word(track.name.removeprefix(f"{track.group}.")))
    slices = track.slices.take(track.slices.end > track.slices.begin)
    begins, last = np.unique(track.start, return_index=True)
    fired = np.append(last[1:], len(track.start))[: len(begins)]
    before = np.zeros(0 if len(begins) and begins[0] == 0 else 1, np.int64)
    fires = "fire" if track.port is None else "transfer"
    found = [Signal(scope, "state", _STATE, slices.begin, slices.kind),
             Signal(scope, fires, 1, *levels(begins, begins + 1)),
             Signal(scope, "fired", _COUNT, np.append(before, begins), np.append(before, fired))]
    if track.port is not None:
        found += [Signal(scope, "valid", 1, track.port.valid_at, track.port.valid),
                  Signal(scope, "ready", 1, track.port.ready_at, track.port.ready)]
    return [signal for signal in found if len(signal.at)]


def vcd_file(trace: Trace, limit: int) -> Iterator[bytes]:
    """The file, in pieces.

    Args:
        trace: or a part of one.
        limit: of changes of values.

    Raises:
        InputError: more changes than that.
    """
    shown = [_within(signal, trace) for signal in signals(trace)]
    if trace.cycles:
        shown.insert(0, _clock(trace))
    refuse_more(sum(len(signal.at) for signal in shown), limit)
    marks = [_mark(number) for number in range(len(shown))]
    yield "\n".join(_head(trace, shown, marks)).encode()
    at = np.concatenate([signal.at for signal in shown])
    order = np.argsort(at, kind="stable")
    texts = [text for signal, mark in zip(shown, marks, strict=True) for text in _changes(signal, mark)]
    first, lines = int(np.searchsorted(at[order], _time(trace, trace.begin), side="right")), []
    lines += [f"#{_time(trace, trace.begin)}", "$dumpvars", *(texts[place] for place in order[:first]), "$end"]
    time = _time(trace, trace.begin)
    for place, now in zip(order[first:].tolist(), at[order[first:]].tolist(), strict=True):
        if now != time:
            lines.append(f"#{now}")
            time = now
        lines.append(texts[place])
    if time != _time(trace, trace.end):
        lines.append(f"#{_time(trace, trace.end)}")
    yield "\n".join([*lines, ""]).encode()


def _head(trace: Trace, shown: list[Signal], marks: list[str]) -> Iterator[str]:
    states = ", ".join(f"{kind.value} {kind.name.lower()}" for kind in Kind)
    clocked = "1 cycle = 1 ns, the cycle begins with the rising edge of clk" if trace.cycles else "real time, no clock"
    yield f"$comment {_plain(trace.name)}; {clocked}; state: {states} $end"
    yield f"$timescale {'100 ps' if trace.cycles else '1 ps'} $end"
    yield "$scope module run $end"
    scope: tuple[str, ...] = ()
    for signal, mark in zip(shown, marks, strict=True):
        if signal.scope != scope:
            same = next((i for i, (a, b) in enumerate(zip(scope, signal.scope, strict=False)) if a != b),
                        min(len(scope), len(signal.scope)))
            yield from ["$upscope $end"] * (len(scope) - same)
            yield from (f"$scope module {name} $end" for name in signal.scope[same:])
            scope = signal.scope
        yield f"$var wire {signal.width} {mark} {signal.name} $end"
    yield from ["$upscope $end"] * (len(scope) + 1)
    yield "$enddefinitions $end\n"


def _clock(trace: Trace) -> Signal:
    """Rises with each cycle, falls in its middle."""
    half = np.arange(2 * trace.begin, 2 * trace.end, dtype=np.int64)
    return Signal((), "clk", 1, half * (_PER_CYCLE // 2), 1 - half % 2)


def _within(signal: Signal, trace: Trace) -> Signal:
    """Changes within the part that is shown, in times of the file; the first one stands at its beginning."""
    new = np.append(True, signal.value[1:] != signal.value[:-1])[: len(signal.at)]
    at, value = signal.at[new], signal.value[new]
    low = max(int(np.searchsorted(at, trace.begin, side="right")) - 1, 0)
    high = int(np.searchsorted(at, trace.end))
    times = np.maximum(at[low:high], trace.begin) * (_PER_CYCLE if trace.cycles else 1)
    return Signal(signal.scope, signal.name, signal.width, times, value[low:high])


def _changes(signal: Signal, mark: str) -> Iterator[str]:
    if signal.width == 1:
        yield from (f"{'x' if value < 0 else value}{mark}" for value in signal.value.tolist())
    else:
        yield from (f"b{value:b} {mark}" for value in signal.value.tolist())


def _time(trace: Trace, tick: int) -> int:
    return tick * _PER_CYCLE if trace.cycles else tick


def _mark(number: int) -> str:
    """Identifier code of a variable."""
    found = ""
    while number >= 0:
        found += _MARKS[number % len(_MARKS)]
        number = number // len(_MARKS) - 1
    return found


def _word(name: str) -> str:
    """A name that readers take: letters, digits and underscores."""
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")


def _plain(text: str) -> str:
    return text.replace("$", "_")
