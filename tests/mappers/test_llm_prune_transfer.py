import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.workload.decoder import load_model
from hwsim.workload.decoder.parameters import linear_weights
from mappers.prune_llm import Choice, Gram, prune_network
from mappers.prune_llm.transfer import KINDS, transferred

PARTS = ("query", "key", "value", "projection", "mlp1", "mlp2")


def network(names, n=lambda layer, part: 4):
    """Layers of 16 x 16 with N by place and 2 + layer bits."""
    weights = {name: np.ones((16, 16)) for name in names}
    grams = {name: Gram(np.eye(16), 1) for name in names}
    choices = {}
    for name in names:
        layer, part = int(name[5]), name.split(".")[1]
        kept = n(layer, part)
        choices[name] = Choice(np.full((1, 1), kept, np.uint8), (2, 3, 4)[layer], 16, kept / 16, 0.0)
    return prune_network("found", weights, grams, choices, "magnitude", "made up")


def test_layers_get_what_their_kind_has_at_their_depth():
    legal = dict(zip(PARTS, (0, 2, 4, 8, 16, 8), strict=True))
    pruned = network([f"layer{layer}.{part}" for layer in range(3) for part in PARTS], lambda _, part: legal[part])
    for model in ("llama2-7b", "opt-6.7b", "mixtral-8x7b", "qwen2.5-7b"):
        config = load_model(model)
        plan = transferred(pruned, config).of(config)
        assert plan.assignment.source == "random" and "assumption" in plan.assignment.note
        assert set(plan.rules) == set(linear_weights(config))
        assert (plan.bits("lm_head"), plan.density("lm_head")) == (8, 1)
        for name in plan.rules:
            if name != "lm_head":
                layer, part = int(name.split(".")[1]), name.split(".")[-1]
                kind = next(kind for kind, weights in KINDS.items() if part in weights)
                assert plan.density(name) == legal[kind] / 16
                assert plan.bits(name) == 2 + 3 * layer // config.layers


def test_models_with_fewer_layers_than_were_pruned():
    pruned = network([f"layer{layer}.{part}" for layer in range(3) for part in PARTS])
    config = load_model("llama2-7b").replace(layers=2)
    plan = transferred(pruned, config).of(config)
    assert [plan.bits(f"layers.{layer}.q_proj") for layer in range(2)] == [2, 3]


def test_other_networks_are_refused():
    with pytest.raises(InputError, match="layers: wanted names such as layer0.query .*got layer0.conv"):
        transferred(network(["layer0.conv"]), load_model("llama2-7b"))
