"""Shapes of the KV cache of known networks, and their dense sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError


@dataclass(frozen=True, kw_only=True)
class CacheShape(Configuration):
    """What a network keeps of every token: keys and values of ``kv_heads`` heads in each layer.

    With grouped-query attention (GQA) several query heads share one KV head. Presets: the numbers of the networks'
    published configurations (arXiv 2307.09288, 2407.21783, 2310.06825).
    """

    layers: int
    query_heads: int
    kv_heads: int
    channels: int = 128  # of one head (d_head)

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "llama-2-7b": {"layers": 32, "query_heads": 32, "kv_heads": 32},
        "llama-3-8b": {"layers": 32, "query_heads": 32, "kv_heads": 8},
        "mistral-7b": {"layers": 32, "query_heads": 32, "kv_heads": 8},
    }

    def check(self) -> None:
        """Refuse shapes of nothing, and query heads that do not divide among the KV heads."""
        for name in ("layers", "query_heads", "kv_heads", "channels"):
            in_range(name, getattr(self, name), 1, 1 << 20)
        if self.query_heads % self.kv_heads:
            raise InputError("query_heads", f"a multiple of kv_heads = {self.kv_heads}", self.query_heads)

    @property
    def queries_per_head(self) -> int:
        """Query heads that share one KV head; 1 without GQA."""
        return self.query_heads // self.kv_heads

    def layer_bytes(self, tokens: int, batch: int = 1, value_bits: int = 16) -> int:
        """Bytes of one layer's dense keys and values."""
        return 2 * batch * self.kv_heads * tokens * self.channels * value_bits // 8

    def dense_bytes(self, tokens: int, batch: int = 1, value_bits: int = 16) -> int:
        """Bytes of all layers' dense keys and values."""
        return self.layers * self.layer_bytes(tokens, batch, value_bits)
