"""Shape of a decoder-only language model: what its weights, its cache and its operators follow from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwsim.config import Configuration, in_range, positive
from hwsim.errors import InputError

_POSITIVE = ("hidden", "heads", "kv_heads", "head_dim", "intermediate", "vocabulary", "max_positions")
_MOST_LAYERS, _MOST_EXPERTS = 1000, 1000
"""More is a slip of the keyboard, and every layer is made."""


@dataclass(frozen=True, kw_only=True)
class DecoderConfig(Configuration):
    """A stack of equal pre-norm blocks: attention and an MLP, each behind a norm and added to the residual stream.

    Args:
        name: short name of the model.
        architecture: class name in Hugging Face's ``config.json``, e.g. ``LlamaForCausalLM``.
        hidden: width of the residual stream.
        layers: decoder blocks.
        heads: query heads; ``kv_heads`` heads of keys and values, each shared by ``heads / kv_heads`` of them.
        kv_heads: heads of the key/value cache.
        head_dim: channels of a head (``heads * head_dim`` may differ from ``hidden``).
        intermediate: width of the MLP, of each expert when there are several.
        vocabulary: rows of the embedding.
        max_positions: longest context, tokens.
        norm: ``rms`` has a weight, ``layer`` a weight and a bias.
        activation: of the MLP.
        gated: ``activation(gate(x)) * up(x)`` in front of ``down``; else ``activation(up(x))``.
        rope: rotary position embedding of queries and keys.
        learned_positions: rows of a table of positions added to the embedding, 0 for none.
        qkv_bias, out_bias, mlp_bias: linear layers with a bias.
        tied_embeddings: the product with the vocabulary uses the embedding's weights.
        experts: MLPs per block; 1 for a dense model, else a router chooses ``experts_per_token``.
        experts_per_token: experts that a token visits.
        sliding_window: newest tokens that a query sees, None for all.
    """

    name: str
    architecture: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    max_positions: int
    norm: Literal["rms", "layer"] = "rms"
    activation: Literal["silu", "gelu", "relu"] = "silu"
    gated: bool = True
    rope: bool = True
    learned_positions: int = 0
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    tied_embeddings: bool = False
    experts: int = 1
    experts_per_token: int = 1
    sliding_window: int | None = None

    def check(self) -> None:
        """Refuse sizes that no model can have."""
        for field in _POSITIVE:
            positive(field, getattr(self, field))
        in_range("layers", self.layers, 1, _MOST_LAYERS)
        in_range("experts", self.experts, 1, _MOST_EXPERTS)
        in_range("learned_positions", self.learned_positions, 0)
        in_range("experts_per_token", self.experts_per_token, 1, self.experts)
        if self.heads % self.kv_heads:
            raise InputError("kv_heads", f"a divisor of {self.heads} query heads", self.kv_heads)
        if self.rope and self.head_dim % 2:
            raise InputError("head_dim", "an even number of channels, for rotary positions", self.head_dim)
        if self.sliding_window is not None:
            positive("sliding_window", self.sliding_window)

    @property
    def query_width(self) -> int:
        """Channels of all query heads."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Channels of all key heads, and of all value heads."""
        return self.kv_heads * self.head_dim

    def seen(self, tokens: int, context: int) -> int:
        """Cached tokens that any of the newest ``tokens`` queries sees, of ``context`` after them."""
        return context if self.sliding_window is None else min(context, self.sliding_window + tokens - 1)

    def kv_elements(self, context: int) -> int:
        """Elements of keys and values of all layers after ``context`` tokens; a sliding window keeps no more."""
        return 2 * self.layers * self.kv_width * self.seen(1, context)
