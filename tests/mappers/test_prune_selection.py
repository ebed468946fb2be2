"""The compiled selection of training against the specification, `hwsim.sparsity.nm.nm_mask`."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import Ratio
from mappers.prune.selection import select

RATIOS = ["1:1", "1:2", "2:4", "4:8", "2:8", "1:8", "2:16", "8:16"]


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("seed", range(10))
def test_equal_to_the_specification_with_ties_zeros_and_ragged_groups(seed, ratio):
    """Few distinct values, so that nearly every group has ties; the seed stands in the test's name."""
    rng = np.random.default_rng([seed, 77])
    ratio = Ratio.parse(ratio)
    for _ in range(8):
        shape = tuple(int(rng.integers(1, most)) for most in (40, 36, 4, 4)[:rng.integers(1, 5)])
        w = rng.choice(np.array([0.0, -0.0, 1, -1, 2, -2, 0.5, np.inf, -np.inf, 1e-45], np.float32), shape)
        for axis in range(-len(shape), len(shape)):
            got = select(w, ratio, axis, "a")
            assert got.dtype == bool and got.shape == shape
            assert np.array_equal(got, nm_mask(w, ratio, axis))
        if w.ndim > 1:  # not contiguous
            assert np.array_equal(select(w.T, ratio, 0, "a"), nm_mask(w.T, ratio, 0))


def test_trained_like_values():
    w = np.random.default_rng(5).standard_normal((64, 48, 3, 3)).astype(np.float32)
    for axis in (0, 1):
        assert np.array_equal(select(w, Ratio(2, 8), axis, "a"), nm_mask(w, Ratio(2, 8), axis))


def test_bad_weights():
    w = np.zeros((4, 8), np.float32)
    w[3, 7] = np.nan
    for ratio in ("2:4", "1:1", "4:16"):
        for axis in (0, 1):
            with pytest.raises(InputError, match=r"layer a: wanted numbers, got NaN at \(3, 7\)"):
                select(w, Ratio.parse(ratio), axis, "layer a")
    with pytest.raises(InputError, match="axis"):
        select(w, Ratio(2, 4), 2, "a")
    assert select(np.zeros((0, 8), np.float32), Ratio(2, 4), 0, "a").shape == (0, 8)
