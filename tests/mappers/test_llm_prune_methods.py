import numpy as np
import pytest

from hwsim.errors import InputError
from mappers.prune_llm import METHODS, Gram, methods, prune_weight
from mappers.prune_llm.blocks import choose, kept, losses, uniform
from mappers.prune_llm.gram import DAMPING
from mappers.prune_llm.methods import saliency
from mappers.prune_llm.quantise import column_scales, rounded

SEED = 2401


def correlated(seed=SEED, k=96, n=48, rows=300):
    """A weight, and inputs whose channels differ in size and depend on each other."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, k)) @ (np.eye(k) + rng.normal(size=(k, k)) / 8) * np.exp(rng.normal(size=k))
    return rng.normal(size=(k, n)), Gram.of(x), x


@pytest.mark.parametrize(("n", "bits"), [(2, None), (4, None), (8, None), (4, 4), (8, 3)])
def test_better_methods_err_less(n, bits):
    for seed in range(SEED, SEED + 2):
        w, gram, _ = correlated(seed)
        errors = [gram.output_error(w, prune_weight(w, gram, uniform(w.shape, n), method, bits).value)
                  for method in ("sparsegpt", "wanda", "magnitude")]  # fmt: skip
        assert errors == sorted(errors) and errors[0] < 0.9 * errors[2], (seed, errors)


def test_the_error_is_that_of_the_outputs():
    w, gram, x = correlated()
    pruned = prune_weight(w, gram, uniform(w.shape, 4), "wanda").value
    assert gram.output_error(w, pruned) == pytest.approx(np.square(x @ (w - pruned)).sum() / np.square(x @ w).sum())
    assert gram.output_error(np.zeros_like(w), np.zeros_like(w)) == 0


def naive_surgeon(w, matrix, blocks, m):
    """Optimal brain surgeon from its definition: invert what is left of the matrix anew for each row."""
    damped = matrix + DAMPING * matrix.diagonal().mean() * np.eye(len(matrix))
    w = w.copy()
    mask = np.zeros(w.shape, bool)
    for row in range(len(w)):
        inverse = np.linalg.inv(damped[row:, row:])
        if row % 16 == 0:
            diagonal = [np.linalg.inv(damped[later:, later:])[0, 0] for later in range(row, row + 16)]
            cost = w[row : row + 16] ** 2 / np.array(diagonal)[:, None]
            mask[row : row + 16] = kept(cost, blocks[row // 16 : row // 16 + 1], m)
        removed = np.where(mask[row], 0, w[row])
        w[row:] -= inverse[:, :1] / inverse[0, 0] * removed
    return np.where(mask, w, 0)


@pytest.mark.parametrize("m", [4, 16])
def test_sparsegpt_is_the_optimal_brain_surgeon(m, monkeypatch):
    w, gram, _ = correlated(k=64, n=32)
    blocks = choose(losses(saliency("sparsegpt", w, gram), m), 0.6, m)
    assert len(np.unique(blocks)) > 1
    expected = naive_surgeon(w, gram.matrix, blocks, m)
    assert prune_weight(w, gram, blocks, "sparsegpt", m=m).value == pytest.approx(expected, abs=1e-9)
    monkeypatch.setattr(methods, "BATCH", 16)
    assert prune_weight(w, gram, blocks, "sparsegpt", m=m).value == pytest.approx(expected, abs=1e-9)


def test_with_inputs_all_alike_the_methods_agree():
    w = correlated()[0]
    gram = Gram(np.eye(len(w)), 1)
    values = [prune_weight(w, gram, uniform(w.shape, 4), method).value for method in METHODS]
    assert all(np.allclose(value, values[0], atol=1e-12) for value in values)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bits", [None, 2, 3, 4, 8])
def test_what_comes_out_obeys_its_blocks_and_bits(method, bits):
    w, gram, _ = correlated()
    blocks = choose(losses(saliency(method, w, gram)), 0.6)
    pruned = prune_weight(w, gram, blocks, method, bits)
    counts = pruned.mask.reshape(6, 16, 3, 16).sum(axis=1)
    assert (counts == blocks[:, :, None]).all() and not pruned.value[~pruned.mask].any()
    if bits is None:
        with pytest.raises(InputError, match="a quantised weight"):
            _ = pruned.integers
    else:
        limit = 2 ** (bits - 1)
        assert -limit <= pruned.integers.min() and pruned.integers.max() < limit
        assert (pruned.integers * pruned.scales == pruned.value).all()
        assert (pruned.scales.astype(np.float16) == pruned.scales).all()


def test_more_bits_err_less_and_the_scale_search_pays():
    w, gram, _ = correlated()
    full = uniform(w.shape, 16)
    errors = [gram.output_error(w, prune_weight(w, gram, full, "wanda", bits).value) for bits in (2, 3, 4, 8)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-4
    power = gram.power
    for bits in (2, 4):
        scale = column_scales(w, power, bits)
        plain = np.abs(w).max(axis=0) / (2 ** (bits - 1) - 1)
        loss, before = (power @ (w - rounded(w, s, bits) * s) ** 2 for s in (scale, plain))
        assert (loss <= before * 1.01).all() and loss.sum() < 0.95 * before.sum()


def test_dead_inputs_and_zero_columns_do_no_harm():
    w, _, x = correlated()
    x[:, 5], w[:, 7] = 0, 0
    pruned = prune_weight(w, Gram.of(x), uniform(w.shape, 8), "sparsegpt", 4)
    assert np.isfinite(pruned.value).all() and not pruned.value[:, 7].any() and (pruned.scales > 0).all()


def test_inputs_that_are_all_dead_do_no_harm():
    w = correlated()[0]
    pruned = prune_weight(w, Gram.of(np.zeros((5, len(w)))), uniform(w.shape, 8), "sparsegpt", 4)
    assert np.isfinite(pruned.value).all() and pruned.mask.mean() == 0.5


def test_the_inverse_is_that_of_the_damped_matrix():
    gram = correlated()[1]
    inverse = np.linalg.inv(gram.matrix + DAMPING * gram.power.mean() * np.eye(gram.size))
    assert gram.inverse_power == pytest.approx(inverse.diagonal())
    assert gram.inverse_root.T @ gram.inverse_root == pytest.approx(inverse, abs=1e-9)
    assert not np.tril(gram.inverse_root, -1).any()


@pytest.mark.parametrize(("change", "message"), [
    ({"weight": np.zeros((90, 48))}, "edges that 16 divides"),
    ({"gram": Gram(np.eye(80), 1)}, "activations: wanted 96 inputs, got 80"),
    ({"blocks": np.zeros((3, 6), np.uint8)}, "blocks: wanted shape"),
    ({"method": "movement"}, "method: wanted one of magnitude, wanda, sparsegpt"),
    ({"bits": 5}, "bits: wanted one of 2, 3, 4, 8"),
])  # fmt: skip
def test_bad_inputs_are_refused(change, message):
    w, gram, _ = correlated()
    arguments = {"weight": w, "gram": gram, "blocks": uniform(w.shape, 4), "method": "wanda", "bits": 4, **change}
    with pytest.raises(InputError, match=message):
        prune_weight(**arguments)


@pytest.mark.parametrize(("x", "message"), [
    (np.zeros((0, 4)), "at least one row"), (np.zeros(4), "a matrix"), (np.full((2, 4), np.inf), "finite numbers"),
])  # fmt: skip
def test_bad_activations_are_refused(x, message):
    with np.errstate(invalid="ignore"), pytest.raises(InputError, match=message):
        Gram.of(x)
