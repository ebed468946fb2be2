"""The steps of a query: which non-zeros of which tile are multiplied together. Only the bitmaps decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from hwsim.bitmap_decoder.attention.query import Query
from hwsim.bitmap_decoder.format import Ints
from hwsim.bitmap_decoder.front import Steps
from hwsim.config import shared


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionSteps(Steps):
    """Steps of all blocks; a job of `Steps` is a block, and a row is the tiles of a block's keys, or of its values.

    Attributes:
        before: (steps,) the last earlier step that adds to one of the same accumulators, or -1.
        block_tiles: (blocks,) tiles of each block.
    """

    before: Ints
    block_tiles: Ints

    @property
    def last_of_keys(self) -> Ints:
        """(blocks,) number of the last step of each block's keys."""
        return np.flatnonzero(self.row_end)[::2]


@numba.njit(cache=True)
def _walk(bits: Any, first: Any, macs: int, touched: Any, found: Any) -> int:  # pragma: no cover - compiled
    """Fill ``found`` (4, steps): tile, non-zeros, whether the tile ends, step before; the number of steps.

    ``first`` (tiles,) is the accumulator of each tile's first element; ``touched`` says which step was there last.
    """
    step = 0
    for tile in range(len(bits)):
        left = bits[tile].sum()
        element, ends = 0, False
        while not ends:
            count, before = 0, -1
            while count < macs and count < left:
                if bits[tile, element]:
                    before = max(before, touched[first[tile] + element])
                    touched[first[tile] + element] = step
                    count += 1
                element += 1
            left -= count
            ends = left == 0
            found[0, step], found[1, step], found[2, step], found[3, step] = tile, count, ends, before
            step += 1
    return step


def steps_of(queries: Sequence[Query]) -> AttentionSteps:
    """The steps of queries that follow each other: of each block the keys' tiles in order, then the values'.

    A step takes the next ``macs`` non-zeros of a tile, or fewer at its end; every tile takes at least one step.
    """
    config = shared("queries", queries)
    blocks = [block for query in queries for block in query.blocks]
    bits, counts, fills = (np.concatenate([getattr(block, name) for block in blocks])
                           for name in ("bitmaps", "counts", "fills"))
    rest = config.tile + np.arange(config.segments) * config.tile
    first = np.concatenate([np.append(np.zeros(config.channels, np.int64), np.tile(rest, block.tokens))
                            for block in blocks])
    found = np.empty((4, len(bits) + int((counts // config.macs).sum())), np.int64)
    touched = np.full(config.tile + config.channels, -1, np.int64)
    tile, macs, ends, before = found[:, :_walk(bits, first, config.macs, touched, found)]
    block_tiles = np.array([len(block.counts) for block in blocks], np.int64)
    last_tiles = np.stack([np.cumsum(block_tiles) - block_tiles + config.channels, np.cumsum(block_tiles)]) - 1
    block, taken = np.repeat(np.arange(len(blocks)), block_tiles)[tile], macs + np.where(ends, fills[tile], 0)
    return AttentionSteps(
        job=block, tile=tile, taken=taken, macs=macs, row_end=(ends > 0) & np.isin(tile, last_tiles),
        reach=np.full(len(tile), -1), before=before, block_tiles=block_tiles)
