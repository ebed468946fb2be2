"""What was found on MiniLM laid over a decoder model that comes without weights, by kind and depth of the layers.

An assumption, not a measurement: nobody looked at the model's weights, so the result is ``source = "random"``. Blocks
get the same shares of N, and kept weights the same bits, as the layer of the same kind at the same relative depth.
"""

from __future__ import annotations

from hwsim.errors import InputError
from hwsim.workload.decoder.assignment import Assignment
from hwsim.workload.decoder.config import DecoderConfig
from hwsim.workload.decoder.rule import Rule
from mappers.prune_llm.network import PrunedNetwork

KINDS = {
    "query": ("q_proj",), "key": ("k_proj",), "value": ("v_proj",), "projection": ("o_proj",),
    "mlp1": ("gate_proj", "up_proj"), "mlp2": ("down_proj",),
}  # fmt: skip
"""Weights of a decoder block by the kind of MiniLM's layer."""
HEAD_BITS = 8
"""Bits of the product with the vocabulary, which MiniLM has not: dense."""


def transferred(pruned: PrunedNetwork, model: DecoderConfig) -> Assignment:
    """An assignment for all weights of a model.

    Raises:
        InputError: layers that are not called as MiniLM's are, or that have no bits.
    """
    found = {rule.match: rule for rule in pruned.assignment().rules}
    places = [_place(name) for name in found]
    depth = 1 + max(layer for layer, _ in places)
    rules: list[Rule] = []
    for (layer, kind), rule in zip(places, found.values(), strict=True):
        begin, end = (-(-part * model.layers // depth) for part in (layer, layer + 1))
        for weight in KINDS[kind]:
            if begin < end and (model.gated or weight != "gate_proj"):
                rules.append(rule.replace(match=f"layers.*{weight}", layers=f"{begin}:{end}"))
    rules.append(Rule(match="lm_head", bits=HEAD_BITS))
    note = f"shares of {pruned.name} ({pruned.method}; {pruned.source}) by kind and depth of the layers: assumption"
    return Assignment(name=f"{model.name}-as-{pruned.name}", rules=tuple(rules), note=note)


def _place(name: str) -> tuple[int, str]:
    layer, _, kind = name.partition(".")
    number = layer.removeprefix("layer")
    if kind not in KINDS or not number.isdecimal():
        raise InputError("layers", f"names such as layer0.query ({', '.join(KINDS)})", name)
    return int(number), kind
