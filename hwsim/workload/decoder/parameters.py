"""The weights of a model by name, as its operators name them."""

from __future__ import annotations

from hwsim.workload.decoder.config import DecoderConfig
from hwsim.workload.decoder.operators import Operator, embedding_operators, head_operators, operators

_TABLES = {"embedding": "vocabulary", "positions": "learned_positions"}


def _blocks(config: DecoderConfig) -> list[Operator]:
    """Operators of every block, with enough tokens that every expert has some."""
    tokens = min(config.experts, config.max_positions)
    return [op for layer in range(config.layers) for op in operators(config, tokens, tokens, layer)]


def linear_weights(config: DecoderConfig) -> dict[str, tuple[int, int]]:
    """Weights of the matrix products, ``(k, n)`` by name: what N:M and bits are assigned to.

    Routers are left out: they are small, and choose. Tied embeddings still have their product, ``lm_head``.
    """
    ops = [*_blocks(config), *head_operators(config)]
    return {op.weight: (op.k, op.n) for op in ops if op.kind == "linear" and op.weight}


def parameter_count(config: DecoderConfig) -> int:
    """Parameters with biases, norms, routers and tables; tied embeddings count once."""
    total = 0
    for op in [*embedding_operators(config, 1), *_blocks(config), *head_operators(config)]:
        if op.kind == "embedding":
            total += getattr(config, _TABLES[op.name]) * op.n
        elif op.name != "lm_head" or not config.tied_embeddings:
            total += op.weight_elements + op.bias_elements
    return total
