"""Expected sizes of padded formats, exact: a mask with a given number of non-zeros, all masks alike.

The non-zeros of a tile of ``size`` among ``elements`` with ``count`` non-zeros in all then follow the hypergeometric
distribution; everything here is a sum over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import gammaln

from hwsim.sparsity.size import Array


@lru_cache(maxsize=4096)
def padded_count(elements: int, count: int, size: int, pad: int) -> float:
    """Expected stored values of one tile: its non-zeros, rounded up to a multiple of ``pad``."""
    if pad == 1:
        return size * count / max(elements, 1)
    found = np.arange(max(0, count - (elements - size)), min(size, count) + 1)
    logs = _log_choose(size, found) + _log_choose(elements - size, count - found) - _log_choose(elements, count)
    return float(np.sum(np.exp(logs) * (-(-found // pad) * pad)))


def padded_tiles(elements: int, count: int, sizes: Sequence[tuple[int, int]], pad: int) -> float:
    """Expected stored values of all tiles, given as (how many, elements of each inside the tensor)."""
    return sum(tiles * padded_count(elements, count, size, pad) for tiles, size in sizes)


def _log_choose(n: int, k: Array | int) -> Array:
    return np.asarray(gammaln(n + 1) - gammaln(np.add(k, 1)) - gammaln(np.subtract(n + 1, k)))


def line_tiles(shape: tuple[int, int], tile: int) -> list[tuple[int, int]]:
    """(how many, elements) of the 1×tile tiles of a matrix: whole ones, and ragged ones at the ends of rows."""
    rows, columns = shape
    return [(rows * (columns // tile), tile), (rows * (columns % tile > 0), columns % tile)]


def block_tiles(shape: tuple[int, int], block: tuple[int, int]) -> list[tuple[int, int]]:
    """(how many, elements inside the matrix) of its blocks: whole ones, and those that hang over an edge."""
    sides = []
    for length, size in zip(shape, block, strict=True):
        sides.append([(length // size, size), (int(length % size > 0), length % size)])
    return [(n * m, h * w) for n, h in sides[0] for m, w in sides[1] if n * m]


def filler_count(shape: tuple[int, int], count: int, longest: int) -> float:
    """Expected fillers of run-length rows: a non-zero behind j·longest zeros of its row or more has at least j.

    That the places are so has the chance C(elements - j·longest - 1, count - 1) / C(elements, count), and a row has
    columns - j·longest such places.
    """
    rows, columns = shape
    elements, total = rows * columns, 0.0
    for zeros in range(longest, columns, longest):
        if count and count - 1 <= elements - zeros - 1:
            log = _log_choose(elements - zeros - 1, count - 1) - _log_choose(elements, count)
            total += rows * (columns - zeros) * float(np.exp(log))
    return total
