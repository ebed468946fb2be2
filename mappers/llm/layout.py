"""Where the blocks of a matrix lie in the channels of a group: one rule, by which decoding and prompts both read.

A weight, or the keys of a head: column block *j* lies in channel *j mod C*, whole columns one behind the other, so
that an MM loads a column from one channel and an MV loads C columns at once. The values of a head: block *t* of tokens
lies in channel *t mod C*, with the columns of the same tokens side by side; a tile of new rows is then stored to all
channels at once, as keys are.

Compressed blocks count with their mean size: addresses inside a column are rounded down to bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from mappers.llm.tiling import DENSE, Counts, ceil_div


@dataclass(frozen=True)
class Layout:
    """Of one matrix of ``k_blocks x n_blocks`` over `channels`; `ratio` dense bytes for a stored byte.

    ``by_rows``: blocks along K go to the channels in turn (values), else columns do.
    """

    k_blocks: int
    n_blocks: int
    channels: int
    ratio: float = 1.0
    by_rows: bool = False

    @property
    def pitch(self) -> int:
        """Bytes of a column block, all of K; by rows those of a block along K, all columns."""
        return ceil((self.n_blocks if self.by_rows else self.k_blocks) * DENSE / self.ratio)

    @property
    def nbytes(self) -> int:
        """Bytes in each channel."""
        return ceil_div(self.k_blocks if self.by_rows else self.n_blocks, self.channels) * self.pitch

    def address(self, column: Counts | int, k: Counts | int) -> Counts:
        """Offset in its channel of a block, by column block and block along K; broadcast."""
        turn, inside = (k, column) if self.by_rows else (column, k)
        start = np.asarray(turn) // self.channels * self.pitch
        return start + np.floor(np.asarray(inside) * DENSE / self.ratio).astype(np.int64)

    def channel(self, column: Counts) -> Counts:
        """Channel of the first block of a column; by rows a column begins in the first."""
        return np.zeros_like(column) if self.by_rows else column % self.channels

    def behind(self, columns: Counts, k: Counts) -> Counts:
        """Offset in each channel behind `columns` columns of `k` blocks that were loaded by all channels together."""
        turns, left = (0, columns) if self.by_rows else np.divmod(columns, self.channels)
        return turns * self.pitch + np.floor(left * k * DENSE / self.channels / self.ratio).astype(np.int64)
