"""How the caches of an experiment are pruned, and where the patterns come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError
from hwsim.kv.cache import CacheConfig

Patterns = Literal["synthetic", "minilm"]


@dataclass(frozen=True, kw_only=True)
class KvPruning(Configuration):
    """Per-token magnitude pruning of keys and values alike; one run for each sparsity."""

    sparsities: tuple[float, ...] = (0.5, 0.7)
    window: int = 32    # newest tokens, always dense
    group: int = 256    # tokens that are compressed at once (released code; the paper's text says 64)
    patterns: Patterns = "synthetic"
    seed: int = 0       # of synthetic keys and values

    def check(self) -> None:
        """Refuse no sparsity at all, one given twice or outside 0 … 0.99, and what no cache can have."""
        if not self.sparsities or len(set(self.sparsities)) != len(self.sparsities):
            raise InputError("sparsities", "at least one sparsity, each once", list(self.sparsities))
        for number, sparsity in enumerate(self.sparsities):
            in_range(f"sparsities[{number}]", sparsity, 0.0, 0.99)
        in_range("seed", self.seed, 0, 2**63 - 1)
        self.cache(self.sparsities[0])

    def cache(self, sparsity: float) -> CacheConfig:
        """The cache's own configuration at one sparsity."""
        return CacheConfig(key_sparsity=sparsity, value_sparsity=sparsity, window=self.window, group=self.group)
