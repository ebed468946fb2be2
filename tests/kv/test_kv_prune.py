"""Pruning of tokens against a sort of every token."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.kv.prune import prune_tokens


def by_sorting(x, kept):
    """The largest magnitudes of each token; among equals the lower channel."""
    flat = x.reshape(-1, x.shape[-1]).copy()
    for row in flat:
        order = sorted(range(len(row)), key=lambda c, row=row: (-abs(float(row[c])), c))
        row[order[kept:]] = 0
    return flat.reshape(x.shape)


@given(st.integers(0, 999), st.integers(1, 40), st.floats(0, 1), st.sampled_from([np.float16, np.float32, np.float64]),
       st.sampled_from([3, 1000]))  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_same_as_sorting(seed, channels, sparsity, dtype, levels):
    x = np.random.default_rng(seed).integers(-levels, levels + 1, (2, 3, channels)).astype(dtype) / 8
    before = x.copy()
    pruned = prune_tokens(x, sparsity)
    assert np.array_equal(pruned, by_sorting(x, channels - int(channels * sparsity))) and pruned.dtype == dtype
    assert np.array_equal(x, before)


def test_every_token_keeps_its_number():
    x = np.random.default_rng(3).standard_normal((2, 50, 128)).astype(np.float16)
    for sparsity, kept in ((0.3, 90), (0.5, 64), (0.7, 39), (0, 128)):
        assert (np.count_nonzero(prune_tokens(x, sparsity), axis=-1) == kept).all()
    assert not prune_tokens(x, 1).any()


def test_extremes_of_float16():
    x = np.array([[6e-8, -65504, 0.5, -6e-8, 0]], np.float16)
    assert prune_tokens(x, 0.6).tolist() == np.array([[0, -65504, 0.5, 0, 0]], np.float16).tolist()
    assert prune_tokens(x, 0.4).tolist() == np.array([[6e-8, -65504, 0.5, 0, 0]], np.float16).tolist()


def test_bad_input():
    good = np.ones((2, 8), np.float16)
    for x, sparsity, message in ((good.astype(int), 0.5, "floating point"), (good, 1.5, "sparsity: wanted 0 to 1"),
                                 (np.float16(1.0).reshape(()), 0.5, "floating point"),
                                 (good * np.float16(np.inf), 0.5, "finite numbers, got inf")):  # fmt: skip
        with pytest.raises(InputError, match=message):
            prune_tokens(x, sparsity)
