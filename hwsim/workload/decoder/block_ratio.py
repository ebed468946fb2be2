"""N of M of the blocks of a weight: which N are legal, how blocks of several N mix, and what they weigh.

A weight ``k x n`` is cut into blocks of 16 x 16. In a block, each column keeps N of every M neighbours along K; N
differs from block to block. (FlightLLM, arXiv 2401.03868: M = 16, N one of 0, 2, 4, 8, 16.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.config import one_of
from hwsim.errors import InputError

BLOCK = 16
"""Edge of a block."""
GROUPS = (2, 4, 8, 16)
"""Legal M."""
WIDTHS = (2, 3, 4, 8)
"""Legal bits of a weight."""
SPARSEST = 8
"""The largest M/N but for N = 0: 2 of 16."""

Share = tuple[int, float]
"""N, and the share of blocks that have it."""


def legal_n(m: int) -> tuple[int, ...]:
    """N that a block may have: 0, and powers of two from M/8 (at least 1) to M.

    Raises:
        InputError: M is none of `GROUPS`.
    """
    one_of("m", m, GROUPS)
    return (0, *(2**power for power in range(m.bit_length()) if SPARSEST * 2**power >= m))


def mixed(m: int, density: float) -> tuple[Share, ...]:
    """The two neighbouring legal N whose mix has this mean density, or the one that has it alone.

    Raises:
        InputError: the density is not above 0, or above 1.
    """
    if not 0 < density <= 1:
        raise InputError("density", "above 0 and at most 1", density)
    known, mean = legal_n(m), density * m
    if mean in known:
        return ((int(mean), 1.0),)
    above = next(n for n in known if n > mean)
    below = max(n for n in known if n < mean)
    share = (mean - below) / (above - below)
    return (below, 1.0 - share), (above, share)


def checked(m: int, shares: tuple[Share, ...]) -> tuple[Share, ...]:
    """`shares` in the order of N, when all N are legal for M and the shares add up to 1; else `InputError`."""
    known = legal_n(m)
    for n, share in shares:
        one_of("n", n, known)
        if not 0 <= share <= 1:
            raise InputError("n", "shares of 0 to 1", share)
    if len({n for n, _ in shares}) != len(shares) or abs(sum(share for _, share in shares) - 1) > 1e-6:
        raise InputError("n", "each N once, with shares that add up to 1", list(shares))
    return tuple(sorted(shares))


@dataclass(frozen=True, kw_only=True)
class StoredBytes:
    """Bytes of one weight in memory.

    Attributes:
        values: kept weights at their bits.
        indices: log2 M bits for each kept weight of a block that is not dense.
        blocks: one byte for each block, its N; none when all blocks are dense.
        scales: FP16, one for each column, or for each group of rows of a column.
    """

    values: int
    indices: int
    blocks: int
    scales: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.values + self.indices + self.blocks + self.scales


def stored_bytes(shape: tuple[int, int], m: int, shares: tuple[Share, ...], bits: int, group: int = 0) -> StoredBytes:
    """Bytes of a weight ``k x n`` whose blocks have these shares of N; blocks at the edges count as whole.

    Args:
        shape: k, n.
        m: M of all blocks.
        shares: N and the share of blocks that have it.
        bits: of a kept weight.
        group: rows that share a scale, 0 for all rows of a column.
    """
    k, n = shape
    blocks = -(-k // BLOCK) * -(-n // BLOCK)
    elements = blocks * BLOCK * BLOCK
    density = sum(kept * share for kept, share in shares) / m
    indexed = sum(kept * share for kept, share in shares if kept < m) / m
    sparse = any(kept < m and share for kept, share in shares)
    return StoredBytes(
        values=_bytes(elements * density * bits), indices=_bytes(elements * indexed * (m - 1).bit_length()),
        blocks=blocks if sparse else 0, scales=2 * n * (-(-k // group) if group else 1),
    )  # fmt: skip


def _bytes(bits: float) -> int:
    """Whole bytes; sums of shares are exact to far less than a bit."""
    return int(np.ceil(round(bits, 3) / 8))


def drawn_blocks(shape: tuple[int, int], shares: tuple[Share, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    """N of each block, ``(k / 16, n / 16)`` rounded up, in random places; as near to the shares as whole blocks are."""
    rows, columns = -(-shape[0] // BLOCK), -(-shape[1] // BLOCK)
    ends = np.rint(np.cumsum([share for _, share in shares]) * rows * columns).astype(np.int64)
    counts = np.diff(ends, prepend=0)
    flat = np.repeat(np.array([n for n, _ in shares], np.uint8), counts)
    return rng.permutation(flat).reshape(rows, columns)
