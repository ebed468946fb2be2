"""Block masks of attention in prefill: which blocks of 64 queries x 64 keys are computed, per layer and head.

How many blocks each row keeps comes from figures (a density, or budgets per head); *which* ones is drawn: the
diagonal, then the first block of the prompt, then the newest and random ones by turns. That choice is our assumption;
masks of trained models keep the diagonal and the first block almost always.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class AttentionMask(Configuration):
    """How many key blocks each row of query blocks keeps. Give one of ``densities`` and ``budgets``, or none (causal).

    Args:
        block: queries, and keys, of a block.
        densities: share of the causal triangle that is kept, one value or one for each layer.
        budgets: most blocks that a row keeps, for each layer: one for each head, or one for all.
        seed: of the places.
    """

    block: int = 64
    densities: tuple[float, ...] = ()
    budgets: tuple[tuple[int, ...], ...] = ()
    seed: int = 0

    def check(self) -> None:
        """Refuse both at once, densities outside 0 … 1, empty budgets and budgets below 1."""
        in_range("block", self.block, 1)
        in_range("seed", self.seed, 0, 2**63 - 1)
        if self.densities and self.budgets:
            raise InputError("budgets", "either densities or budgets", "both")
        for number, density in enumerate(self.densities):
            if not 0 < density <= 1:
                raise InputError(f"densities[{number}]", "above 0 and at most 1", density)
        for number, row in enumerate(self.budgets):
            if not row:
                raise InputError(f"budgets[{number}]", "a budget for each head, or one for all", list(row))
            in_range(f"budgets[{number}]", min(row), 1)

    def fits(self, layers: int, heads: int) -> None:
        """Raise `InputError` when there are figures for another number of layers or heads."""
        for name, figures in (("densities", self.densities), ("budgets", self.budgets)):
            if figures and len(figures) not in (1, layers):
                raise InputError(name, f"1 or {layers} (layers) entries", f"{len(figures)}")
        for number, row in enumerate(self.budgets):
            if len(row) not in (1, heads):
                raise InputError(f"budgets[{number}]", f"1 or {heads} (heads) entries", f"{len(row)}")

    def kept(self, layer: int, heads: int, context: int) -> Counts:
        """Key blocks that each row of query blocks keeps, ``(heads, rows)``; row r of a causal mask has r + 1."""
        rows = -(-context // self.block)
        causal = np.arange(1, rows + 1)
        if self.budgets:
            budget = np.array(self.budgets[min(layer, len(self.budgets) - 1)])
            return np.minimum(causal, np.broadcast_to(budget, heads)[:, None])
        density = self.densities[min(layer, len(self.densities) - 1)] if self.densities else 1.0
        total = np.floor(density * np.cumsum(causal) + 1e-9).astype(np.int64)
        return np.broadcast_to(np.maximum(np.diff(total, prepend=0), 1), (heads, rows)).copy()

    def mask(self, layer: int, heads: int, context: int) -> Mask:
        """Blocks that are computed, ``(heads, rows, rows)``; every layer and head is drawn from its own seed."""
        counts = self.kept(layer, heads, context)
        return np.stack([_drawn(counts[head], np.random.default_rng((self.seed, layer, head)))
                         for head in range(heads)])  # fmt: skip

    def density(self, layer: int, heads: int, context: int) -> float:
        """Share of the causal triangle that is kept."""
        counts = self.kept(layer, heads, context)
        rows = counts.shape[1]
        return float(counts.sum() / (heads * rows * (rows + 1) / 2))


def _drawn(counts: Counts, rng: np.random.Generator) -> Mask:
    """Blocks by rising rank until the row's count is reached."""
    rows = len(counts)
    distance = np.arange(rows)[:, None] - np.arange(rows)
    rank = np.minimum(2.0 * distance, 1.0 + 2.0 * rows * rng.random((rows, rows)))
    rank[:, 0] = 0.5
    np.fill_diagonal(rank, 0)
    rank[distance < 0] = np.inf
    order = np.argsort(np.argsort(rank, axis=1, kind="stable"), axis=1)
    return order < counts[:, None]
