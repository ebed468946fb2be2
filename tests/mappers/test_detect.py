"""Patterns that come pruned are recognised; what breaks a ratio is not taken for it."""

import numpy as np
import pytest

from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import DENSE, Ratio
from mappers.detect import obeys, ratios_of, sparsest
from mappers.prune import prune_unstructured

RATIOS = [Ratio(1, 4), Ratio(2, 8), Ratio(2, 4), Ratio(4, 8)]


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize("k", [32, 37])
def test_a_pruned_pattern_is_found(ratio, k):
    w = np.random.default_rng(3).normal(size=(2, k, 9))
    pruned = np.where(nm_mask(w, ratio, 1), w, 0)
    assert obeys(pruned, ratio) and sparsest(pruned, RATIOS) == ratio
    group = pruned[0, : ratio.m, 0]
    group[:] = 1
    assert not obeys(pruned, ratio)


def test_unstructured_zeros_give_no_structure_to_skip():
    w = np.random.default_rng(4).normal(size=(256, 64))
    pruned = prune_unstructured({"layer": w}, 0.25)["layer"].weights
    assert np.count_nonzero(pruned) == w.size // 4
    assert ratios_of({"layer": pruned}, RATIOS) == {"layer": DENSE}


def test_zeros_obey_everything():
    assert sparsest(np.zeros((16, 3)), RATIOS) == Ratio(1, 4)
