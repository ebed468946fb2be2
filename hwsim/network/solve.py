"""From a network's parts to the flat arrays of the kernel, and back to start times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hwsim.network.deadlock import Deadlock, waits
from hwsim.network.parts import Arc, Bools, Ints, Process


class _Pool:
    """Arrays end to end; the same array object is stored once."""

    def __init__(self, dtype: type):
        self.dtype, self.length = dtype, 0
        self.arrays: list[np.ndarray] = []
        self.places: dict[int, int] = {}

    def add(self, array: object) -> int:
        """Return where ``array`` begins in the pool; -1 when it is no array."""
        if not isinstance(array, np.ndarray):
            return -1
        if id(array) not in self.places:
            self.places[id(array)] = self.length
            self.arrays.append(array)
            self.length += len(array)
        return self.places[id(array)]

    def flat(self) -> np.ndarray:
        """Return all arrays as one."""
        return np.concatenate([np.zeros(0, self.dtype), *self.arrays])


def _pack(processes: Sequence[Process], arcs: Sequence[Arc]) -> tuple[Ints, Ints, Ints, Bools]:
    """Return the kernel's tables ``process`` and ``arc`` and its pools ``data`` and ``gates``."""
    from hwsim.network import kernel as c

    numbers = {process.name: v for v, process in enumerate(processes)}
    ordered = sorted(arcs, key=lambda arc: numbers[arc.target])
    data, gates = _Pool(np.int64), _Pool(np.bool_)
    table = np.zeros((len(processes), c.PROCESS_COLUMNS), np.int64)
    table[:, c.FIRINGS] = [process.firings for process in processes]
    table[1:, c.START] = np.cumsum(table[:-1, c.FIRINGS])
    ends = np.cumsum(np.bincount([numbers[arc.target] for arc in ordered] or [0], minlength=len(processes)))
    table[:, c.ARC_END] = ends if ordered else 0
    table[1:, c.ARC_FIRST] = table[:-1, c.ARC_END]
    for row, process in zip(table, processes, strict=True):
        row[c.INTERVAL] = process.interval if isinstance(process.interval, int) else 0
        row[c.INTERVAL_AT] = data.add(process.interval)
        row[c.OFFER_AT], row[c.ACCEPT_AT] = gates.add(process.offer), gates.add(process.accept)
        row[c.OFFER_LEN] = 0 if process.offer is None else len(process.offer)
        row[c.ACCEPT_LEN] = 0 if process.accept is None else len(process.accept)
    arc_table = np.zeros((len(ordered), c.ARC_COLUMNS), np.int64)
    for row, arc in zip(arc_table, ordered, strict=True):
        row[c.SOURCE] = numbers[arc.source]
        row[c.SOURCE_START] = table[numbers[arc.source], c.START]
        row[c.INDEX_AT], row[c.SHIFT], row[c.DELAY] = data.add(arc.index), arc.shift, arc.delay
        row[c.TARGET_AT], row[c.SOURCE_AT] = data.add(arc.per_target), data.add(arc.per_source)
    return table, arc_table, data.flat(), gates.flat()


def start_times(name: str, processes: Mapping[str, Process], arcs: Sequence[Arc]) -> dict[str, Ints]:
    """Return the start cycles of all firings, one read-only array of shape (firings,) per process.

    Raises:
        Deadlock: some process can never finish; the report says who waits for whom.
    """
    listed = list(processes.values())
    if not listed:
        return {}
    from hwsim.network import kernel

    table, arc_table, data, gates = _pack(listed, arcs)
    fired = np.zeros(len(listed), np.int64)
    start = np.zeros(int(table[:, kernel.FIRINGS].sum()), np.int64)
    kernel.run(table, arc_table, data, gates, fired, start)
    if (fired < table[:, kernel.FIRINGS]).any():
        done = {process.name: int(count) for process, count in zip(listed, fired, strict=True)}
        raise Deadlock(name, done, waits(processes, arcs, done))
    start.flags.writeable = False
    begins = table[:, kernel.START]
    return {p.name: start[at : at + p.firings] for p, at in zip(listed, begins.tolist(), strict=True)}
