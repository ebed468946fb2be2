"""Buffers as rings of tile slots: which reads need a new fill, and when a slot becomes free."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@numba.njit(cache=True)
def _allocate(tile: Ints, slots: int, fill: Ints, latest: Ints) -> None:  # pragma: no cover - compiled
    fills = 0
    for p in range(len(tile)):
        if tile[p] < 0:
            fill[p] = -1
            continue
        if latest[tile[p]] < max(0, fills - slots):
            latest[tile[p]] = fills
            fills += 1
        fill[p] = latest[tile[p]]


def allocate(tile: Ints, slots: int) -> Ints:
    """Number of the fill that each pass reads, in a ring of at least ``slots`` tiles (first in, first out).

    A tile that is still among the last ``slots`` fills is read again; any other needs a new fill.

    Args:
        tile: (passes,) identity of the tile a pass reads, -1 for none.
        slots: tiles that are kept to be read again.

    Returns:
        (passes,) fill numbers, ascending from 0 by first use; -1 where the pass reads none.
    """
    fill = np.empty(len(tile), np.int64)
    latest = np.full(int(tile.max(initial=-1)) + 1, -1, np.int64)
    _allocate(np.ascontiguousarray(tile, np.int64), slots, fill, latest)
    return fill


def freeing_pass(fill: Ints, fills: int) -> Ints:
    """By fill: the pass at whose end its slot is free. Slots are freed in ring order: (fills,), ascending.

    Args:
        fill: (passes,) fill number that each pass reads, -1 for none.
        fills: how many fills there are; each is read at least once.
    """
    last_use = np.zeros(fills, np.int64)
    reads = np.flatnonzero(fill >= 0)
    last_use[fill[reads]] = reads
    return np.maximum.accumulate(last_use)
