"""The compiled solver: runs each process as far as it can, wakes those that waited for it.

Everything lies in flat arrays of one fixed type, so that it compiles once and is then read from the cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.network.parts import Bools, Ints

FIRINGS, START, INTERVAL, INTERVAL_AT, ARC_FIRST, ARC_END, OFFER_AT, OFFER_LEN, ACCEPT_AT, ACCEPT_LEN = range(10)
SOURCE, SOURCE_START, INDEX_AT, SHIFT, DELAY, TARGET_AT, SOURCE_AT = range(7)
PROCESS_COLUMNS, ARC_COLUMNS = 10, 8


# The names of the columns; the tables are filled in hwsim.network.solve. An offset of -1 means: no such array.
FIRINGS, START, INTERVAL, INTERVAL_AT, ARC_FIRST, ARC_END, OFFER_AT, OFFER_LEN, ACCEPT_AT, ACCEPT_LEN = range(10)
SOURCE, SOURCE_START, INDEX_AT, SHIFT, DELAY, TARGET_AT, SOURCE_AT = range(7)
PROCESS_COLUMNS, ARC_COLUMNS = 10, 8


@njit(cache=True)
def run(process: Ints, arc: Ints, data: Ints, gates: Bools, fired: Ints, start: Ints) -> None:
    """Solve the network in place.

    A stopped process waits for one firing of one other; it hangs in that one's list and is looked at again only
    when that firing has happened. The work list holds each process at most once. What is left unfinished when the
    list is empty can never fire: a deadlock.

    One function on purpose: arrays handed to a second one are reference-counted at every call, which doubles the
    time (at depth 2 a process fires only twice before it has to wait).

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
    waiter = np.full(count, -1, np.int64)  # first of those that wait for this process,
    following = np.full(count, -1, np.int64)  # next one in the same list,
    awaited = np.zeros(count, np.int64)  # and the firing that it waits for
    while queued > 0:
        v = work[head]
        head = head + 1 if head + 1 < count else 0
        queued -= 1
        base, firings = process[v, START], process[v, FIRINGS]
        interval, interval_at = process[v, INTERVAL], process[v, INTERVAL_AT]
        first, end = process[v, ARC_FIRST], process[v, ARC_END]
        offer_at, accept_at = process[v, OFFER_AT], process[v, ACCEPT_AT]
        before = fired[v]
        k, own, u, j = before, 0, -1, 0
        if k > 0:
            own = start[base + k - 1] + (interval if interval_at < 0 else data[interval_at + k - 1])
        while k < firings:
            cycle = own
            if offer_at >= 0:
                while cycle < process[v, OFFER_LEN] and not gates[offer_at + cycle]:
                    cycle += 1
            for a in range(first, end):
                at = arc[a, INDEX_AT]
                j = k - arc[a, SHIFT] if at < 0 else data[at + k]
                if j >= 0:
                    source = arc[a, SOURCE]
                    if j >= fired[source]:
                        u = source
                        break
                    there = start[arc[a, SOURCE_START] + j] + arc[a, DELAY]
                    if arc[a, TARGET_AT] >= 0:
                        there += data[arc[a, TARGET_AT] + k]
                    elif arc[a, SOURCE_AT] >= 0:
                        there += data[arc[a, SOURCE_AT] + j]
                    if there > cycle:
                        cycle = there
            if u >= 0:
                break
            if accept_at >= 0:
                while cycle < process[v, ACCEPT_LEN] and not gates[accept_at + cycle]:
                    cycle += 1
            start[base + k] = cycle
            own = cycle + (interval if interval_at < 0 else data[interval_at + k])
            k += 1
            fired[v] = k
        if u >= 0:  # stopped: hang v into the list of u
            awaited[v], following[v] = j, waiter[u]
            waiter[u] = v
        if k == before:
            continue
        w, kept = waiter[v], -1
        while w >= 0:  # those whose firing has come go to the work list, the others stay
            after = following[w]
            if awaited[w] < k:
                place = head + queued
                work[place if place < count else place - count] = w
                queued += 1
            else:
                following[w], kept = kept, w
            w = after
        waiter[v] = kept
