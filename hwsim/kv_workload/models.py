"""Language models whose key/value caches are studied: the cache's shape, and what the weights weigh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hwsim.config import Configuration, positive
from hwsim.kv.shape import CacheShape

VALUE_BYTES = 2
"""FP16, weights and cache."""


@dataclass(frozen=True, kw_only=True)
class KvModel(Configuration):
    """A decoder with gated MLP and untied embedding.

    Presets from the models' published configurations: ``llama2-7b``, ``llama-3-8b`` and ``mistral-7b`` (v0.2, without
    sliding window).
    """

    name: str
    shape: CacheShape
    hidden: int         # width of the residual stream
    intermediate: int   # width of the MLP
    vocabulary: int

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "llama2-7b": {"name": "llama2-7b", "shape": "llama-2-7b", "hidden": 4096, "intermediate": 11008,
                      "vocabulary": 32000},
        "llama-3-8b": {"name": "llama-3-8b", "shape": "llama-3-8b", "hidden": 4096, "intermediate": 14336,
                       "vocabulary": 128256},
        "mistral-7b": {"name": "mistral-7b", "shape": "mistral-7b", "hidden": 4096, "intermediate": 14336,
                       "vocabulary": 32000},
    }

    def check(self) -> None:
        """Refuse sizes that are not positive."""
        for name in ("hidden", "intermediate", "vocabulary"):
            positive(name, getattr(self, name))

    @property
    def queries(self) -> int:
        """Query heads that share one head of the cache."""
        return self.shape.queries_per_head

    @property
    def layer_weights(self) -> int:
        """Weights of the matrix products of one layer: queries, keys, values, output, three of the MLP."""
        heads = 2 * self.shape.query_heads + 2 * self.shape.kv_heads
        return self.hidden * (heads * self.shape.channels + 3 * self.intermediate)

    @property
    def head_weights(self) -> int:
        """Weights of the product with the vocabulary; the embedding has as many."""
        return self.hidden * self.vocabulary

    @property
    def read_weights(self) -> int:
        """Weights that every token reads; of the embedding it reads one row, which is not counted."""
        return self.shape.layers * self.layer_weights + self.head_weights

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights in FP16; norms are not counted."""
        return VALUE_BYTES * (self.read_weights + self.head_weights)

    @property
    def token_bytes(self) -> int:
        """Bytes of a token's keys and values in all layers, dense."""
        return self.shape.dense_bytes(1)
