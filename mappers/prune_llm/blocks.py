"""N:M inside 16 x 16 blocks: what is kept for given N of each block, and which N each block should have.

A weight is (k, n), reduced along k. Groups are M neighbours along k of one column; a block has 16 / M x 16 of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError
from hwsim.workload.decoder.block_ratio import BLOCK, Share, legal_n

Floats = NDArray[np.float64]
BlockMap = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def check_shape(weight: NDArray[np.floating], place: str = "weight") -> None:
    """Raise `InputError` unless both edges are multiples of 16 and all values finite."""
    if weight.ndim != 2 or not weight.size or weight.shape[0] % BLOCK or weight.shape[1] % BLOCK:
        raise InputError(place, f"a matrix with edges that {BLOCK} divides", f"shape {weight.shape}")
    if not np.isfinite(weight).all():
        raise InputError(place, "finite numbers", "a NaN or an infinity")


def kept(saliency: Floats, blocks: BlockMap, m: int = BLOCK) -> Mask:
    """The N most salient of each group, N from its block; among equals the lower position wins.

    Args:
        saliency: (k, n), at least 0.
        blocks: N of each block, (k / 16, n / 16).
        m: M of all blocks.
    """
    k, n = saliency.shape
    groups = saliency.reshape(k // m, m, n)
    ranks = np.empty(groups.shape, np.uint8)
    np.put_along_axis(ranks, np.argsort(-groups, axis=1, kind="stable"), np.arange(m, dtype=np.uint8)[:, None], axis=1)
    limit = np.repeat(np.repeat(blocks, BLOCK // m, axis=0), BLOCK, axis=1)
    return (ranks < limit[:, None]).reshape(k, n)


def losses(saliency: Floats, m: int = BLOCK) -> Floats:
    """Saliency that each block loses with each legal N, ``(legal N, k / 16, n / 16)``, falling along the first axis."""
    k, n = saliency.shape
    groups = np.sort(saliency.reshape(k // m, m, n), axis=1)
    below = np.concatenate([np.zeros((k // m, 1, n)), np.cumsum(groups, axis=1)], axis=1)
    lost = below[:, [m - count for count in legal_n(m)]]
    return lost.reshape(k // BLOCK, BLOCK // m, -1, n // BLOCK, BLOCK).sum(axis=(1, 4)).transpose(1, 0, 2)


def choose(lost: Floats, density: float, m: int = BLOCK) -> BlockMap:
    """N of each block such that the mean N/M is at most ``density`` and the lost saliency small.

    Greedy: from N = 0 everywhere, the step to the next N that saves most saliency per kept weight comes first. Steps of
    a block save ever less, so this is optimal whenever the steps meet the density exactly; what is left (less than
    M/2 a group, over the whole weight) goes to the best steps that still fit.

    Args:
        lost: of `losses`.
        density: 0 … 1.
        m: M of all blocks.

    Returns:
        ``(k / 16, n / 16)``.
    """
    if not 0 <= density <= 1:
        raise InputError("density", "0 to 1", density)
    legal = np.array(legal_n(m))
    prices = np.diff(legal)
    count = lost[0].size
    rates = np.minimum.accumulate(-np.diff(lost.reshape(len(legal), count), axis=0) / prices[:, None], axis=0)
    order = np.lexsort((np.repeat(np.arange(len(prices)), count), -rates.ravel()))
    step, block = np.divmod(order, count)
    budget = int(np.floor(density * m * count + 1e-6))
    spent = np.cumsum(prices[step])
    taken = int(np.searchsorted(spent, budget, side="right"))
    level = np.bincount(block[:taken], minlength=count)
    _spend(level, rates, prices, budget - (int(spent[taken - 1]) if taken else 0))
    return legal[level].astype(np.uint8).reshape(lost.shape[1:])


def _spend(level: NDArray[np.intp], rates: Floats, prices: NDArray[np.int64], left: int) -> None:
    """Take the best next steps that what is left pays for; changes ``level``."""
    last = len(prices)
    while True:
        step = np.minimum(level, last - 1)
        possible = (level < last) & (prices[step] <= left)
        if not possible.any():
            return
        best = int(np.argmax(np.where(possible, rates[step, np.arange(len(level))], -1.0)))
        left -= int(prices[level[best]])
        level[best] += 1


def uniform(shape: tuple[int, int], n: int, m: int = BLOCK) -> BlockMap:
    """The same N in all blocks of a weight; InputError for an N that is not legal."""
    if n not in legal_n(m):
        raise InputError("n", f"one of {', '.join(map(str, legal_n(m)))}", n)
    return np.full((shape[0] // BLOCK, shape[1] // BLOCK), n, np.uint8)


def shares_of(blocks: BlockMap) -> tuple[Share, ...]:
    """N that occur and the share of blocks that have them, for `hwsim.workload.decoder.rule.Rule`."""
    found, counts = np.unique(blocks, return_counts=True)
    return tuple((int(n), int(count) / blocks.size) for n, count in zip(found, counts, strict=True))
