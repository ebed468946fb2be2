"""The compiled solver: runs each process as far as it can, wakes those that waited for it.

Everything lies in flat arrays of one fixed type, so that it compiles once and is then read from the cache.
The columns of the two tables are named here and filled in ``hwsim.network.solve``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.network.parts import Bools, Ints

FIRINGS, START, INTERVAL, INTERVAL_AT, ARC_FIRST, ARC_END, OFFER_AT, OFFER_LEN, ACCEPT_AT, ACCEPT_LEN = range(10)
SOURCE, SOURCE_START, INDEX_AT, SHIFT, DELAY, TARGET_AT, SOURCE_AT = range(7)
PROCESS_COLUMNS, ARC_COLUMNS = 10, 8


@njit(cache=True, inline="always")
def _opened(gates, at, length, cycle):  # type: ignore[no-untyped-def]
    """First cycle from ``cycle`` on at which the pattern is true; beyond its end it is true."""
    while cycle < length and not gates[at + cycle]:
        cycle += 1
    return cycle


@njit(cache=True)
def _advance(v, process, arc, data, gates, fired, start):  # type: ignore[no-untyped-def]
    """Fire process ``v`` as often as it can; return the arc that stops it, or -1 when it is done."""
    base, firings = process[v, 1], process[v, 0]
    constant, interval_at = process[v, 2], process[v, 3]
    first, end = process[v, 4], process[v, 5]
    offer_at, accept_at = process[v, 6], process[v, 8]
    k = fired[v]
    own = 0
    if k > 0:
        own = start[base + k - 1] + (constant if interval_at < 0 else data[interval_at + k - 1])
    while k < firings:
        cycle = own
        if offer_at >= 0:
            cycle = _opened(gates, offer_at, process[v, 7], cycle)
        for a in range(first, end):
            j = k - arc[a, 3] if arc[a, 2] < 0 else data[arc[a, 2] + k]
            if j >= 0:
                if j >= fired[arc[a, 0]]:
                    return a
                there = start[arc[a, 1] + j] + arc[a, 4]
                if arc[a, 5] >= 0:
                    there += data[arc[a, 5] + k]
                elif arc[a, 6] >= 0:
                    there += data[arc[a, 6] + j]
                cycle = max(cycle, there)
        if accept_at >= 0:
            cycle = _opened(gates, accept_at, process[v, 9], cycle)
        start[base + k] = cycle
        own = cycle + (constant if interval_at < 0 else data[interval_at + k])
        k += 1
        fired[v] = k
    return -1


@njit(cache=True)
def run(process: Ints, arc: Ints, data: Ints, gates: Bools, fired: Ints, start: Ints) -> None:
    """Solve the network in place.

    A stopped process waits for one firing of one other; it hangs in that one's list and is looked at again only
    when that firing has happened. The work list holds each process at most once. What is left unfinished when the
    list is empty can never fire: a deadlock.

    Args:
        process: shape (processes, PROCESS_COLUMNS).
        arc: shape (arcs, ARC_COLUMNS), sorted by target.
        data: all arrays of intervals, indices and delays, end to end.
        gates: all stall patterns, end to end.
        fired: shape (processes,), zeros; out: how often each fired.
        start: shape (all firings,); out: start cycles, valid as far as fired.
    """
    count = len(process)
    work = np.arange(count)
    head, queued = 0, count
    waiter = np.full(count, -1, np.int64)
    following = np.full(count, -1, np.int64)
    awaited = np.zeros(count, np.int64)
    while queued > 0:
        v = work[head]
        head = head + 1 if head + 1 < count else 0
        queued -= 1
        before = fired[v]
        stopped_by = _advance(v, process, arc, data, gates, fired, start)
        if stopped_by >= 0:
            k = fired[v]
            index_at = arc[stopped_by, 2]
            u = arc[stopped_by, 0]
            awaited[v] = k - arc[stopped_by, 3] if index_at < 0 else data[index_at + k]
            following[v] = waiter[u]
            waiter[u] = v
        if fired[v] == before:
            continue
        w, kept = waiter[v], -1
        while w >= 0:
            after = following[w]
            if awaited[w] < fired[v]:
                work[(head + queued) % count] = w
                queued += 1
            else:
                following[w] = kept
                kept = w
            w = after
        waiter[v] = kept
