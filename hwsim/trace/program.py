"""A run of a program (`hwsim.llm.simulate`) as a trace: a track an instruction queue, a counter a pair with tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.llm.isa import Opcode
from hwsim.llm.simulate import Run
from hwsim.network.parts import Ints
from hwsim.trace.stalls import joined
from hwsim.trace.tracks import Counter, Kind, Slices, Trace, Track

_GROUP = "instruction queues"


@dataclass(frozen=True, eq=False)
class _Tokens:
    """Tokens from one queue to another: who gave them, and who took them (fewer, where some are left)."""

    source: Opcode
    target: Opcode
    given: Ints
    taken: Ints


def program_trace(run: Run, name: str, meta: Mapping[str, Any] | None = None) -> Trace:
    """Trace of a run, in picoseconds.

    Args:
        run: the program that ran.
        name: of what ran.
        meta: plain data that goes into the files.
    """
    tokens = _tokens(run)
    tracks = [_queue(run, queue, [each for each in tokens if each.target == queue])
              for queue in Opcode if (run.program.instructions["op"] == queue).any()]
    return Trace(name=name, begin=0, end=run.total, tick_ps=1, cycles=False, tracks=tuple(tracks),
                 counters=tuple(_held(run, each) for each in tokens), meta=dict(meta or {}))


def _tokens(run: Run) -> list[_Tokens]:
    """By pair of queues with tokens: the k-th wait takes the k-th release."""
    rows = run.program.instructions
    found = []
    for source in Opcode:
        for target in Opcode:
            given = np.flatnonzero((rows["op"] == source) & (rows["release"] >> target & 1 != 0))
            taken = np.flatnonzero((rows["op"] == target) & (rows["wait"] >> source & 1 != 0))
            if len(given):
                found.append(_Tokens(source, target, given, taken))
    return found


def _queue(run: Run, queue: Opcode, inputs: list[_Tokens]) -> Track:
    """Instructions of one queue, and what each waited for: of all its tokens the one that came last."""
    layers = run.program.instructions["layer"]
    rows = np.flatnonzero(run.program.instructions["op"] == queue)
    start, end = run.start[rows], run.end[rows]
    own = np.append(0, end[:-1])
    ready, label, awaited = own.copy(), np.full(len(rows), -1, np.int64), np.full(len(rows), -1, np.int64)
    names = [(name.rpartition("/")[2] or queue.name, "") for name in run.program.layers]
    for each in inputs:
        at, giver = np.searchsorted(rows, each.taken), each.given[: len(each.taken)]
        late = np.flatnonzero(run.end[giver] > ready[at])
        ready[at[late]], label[at[late]] = run.end[giver[late]], len(names)
        awaited[at[late]] = giver[late]
        names.append((f"token of {each.source.name}", each.source.name))
    held = np.flatnonzero(start > own)
    one, none = np.ones(len(rows), np.int64), np.full(len(rows), -1, np.int64)
    stalls = Slices(own[held], start[held], one[held] * Kind.STARVED, label[held], rows[held], one[held] * 0,
                    awaited[held])
    busy = Slices(start, end, one * Kind.BUSY, layers[rows].astype(np.int64), rows, one, none)
    order = np.argsort(np.concatenate([2 * held, 2 * np.arange(len(rows)) + 1]), kind="stable")
    idle = one[:1] * 0
    tail = Slices(end[-1:], end[-1:] * 0 + run.total, idle + Kind.IDLE, idle - 1, idle - 1, idle, idle - 1)
    whole = joined([joined([stalls, busy]).take(order), tail.take(tail.end > tail.begin)])
    return Track(queue.name, _GROUP, whole, tuple(names), start)


def _held(run: Run, tokens: _Tokens) -> Counter:
    """Tokens that were given and not yet taken."""
    enter, leave = np.sort(run.end[tokens.given]), run.start[tokens.taken]
    at = np.unique(np.concatenate([np.zeros(1, np.int64), enter, leave]))
    held = np.searchsorted(enter, at, side="right") - np.searchsorted(leave, at, side="right")
    return Counter(f"tokens {tokens.source.name} to {tokens.target.name}", at, held)
