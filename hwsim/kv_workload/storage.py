"""What a cache weighs by context, batch and sparsity: the format's arithmetic, and drawn caches measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from hwsim.kv.cache import SIDES, CacheConfig
from hwsim.kv.prune import prune_tokens
from hwsim.kv_workload.models import KvModel
from hwsim.kv_workload.patterns import drawn
from hwsim.kv_workload.pruning import KvPruning
from hwsim.sparsity.mustafar import kept_channels


def expected_ratio(config: CacheConfig, channels: int = 128) -> float:
    """Bytes over dense bytes of compressed tokens by the format's own arithmetic, all masks alike.

    E[pad8(nnz)] / 64 + 6.25 % of bitmap + 3.125 % of offsets for the format as published; mean of keys and values.
    """
    parts = [config.format.expected(kept_channels(channels, config.sparsity(side)), channels, side).ratio
             for side in SIDES]
    return sum(parts) / len(parts)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Bytes over dense bytes of compressed tokens of drawn keys, and of drawn values."""

    keys: float
    values: float

    @property
    def mean(self) -> float:
        """Of both, which are as many."""
        return (self.keys + self.values) / 2


@lru_cache(maxsize=64)
def measured_ratio(model: KvModel, pruning: KvPruning, sparsity: float) -> Measured:
    """Prune and encode the drawn keys and values of a model's heads."""
    config = pruning.cache(sparsity)
    found = {}
    for side, array in zip(SIDES, drawn(pruning.patterns, model.shape.channels, pruning.seed), strict=True):
        pruned = prune_tokens(array, sparsity, side)
        found[side] = config.format.fractions(config.format.encode(pruned, side, side)).ratio
    return Measured(**found)


def cache_bytes(model: KvModel, pruning: KvPruning, context: int, ratio: float | None) -> float:
    """Bytes of one sequence's cache.

    Args:
        model: its shape.
        pruning: which tokens are compressed.
        context: tokens.
        ratio: bytes over dense bytes of compressed tokens; None for a dense cache.
    """
    if ratio is None:
        return float(context * model.token_bytes)
    compressed = pruning.cache(0.0).compressed_tokens(context)
    return (context - compressed * (1 - ratio)) * model.token_bytes


def most_sequences(model: KvModel, pruning: KvPruning, context: int, ratio: float | None, capacity: float) -> int:
    """Sequences of ``context`` tokens that fit beside the weights in ``capacity`` bytes; nothing else is counted."""
    return max(int((capacity - model.weight_bytes) // cache_bytes(model, pruning, context, ratio)), 0)


def longest_context(model: KvModel, pruning: KvPruning, batch: int, ratio: float | None, capacity: float) -> int:
    """Tokens of each of ``batch`` sequences that fit beside the weights in ``capacity`` bytes."""
    low, high = 0, int(capacity // model.token_bytes) * 16
    while low < high:
        middle = (low + high + 1) // 2
        fits = model.weight_bytes + batch * cache_bytes(model, pruning, middle, ratio) <= capacity
        low, high = (middle, high) if fits else (low, middle - 1)
    return low
