import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.workload.decoder import AttentionMask, load_assignment


def test_without_figures_the_mask_is_causal():
    mask = AttentionMask().mask(0, 2, 300)
    assert mask.shape == (2, 5, 5) and (mask == np.tril(np.ones((5, 5), bool))).all()
    assert AttentionMask().density(3, 8, 2048) == 1


def test_budgets_of_the_artifact_give_its_density():
    attention = load_assignment("artifact").attention
    triangle = [attention.density(layer, 32, 2048) for layer in range(32)]
    square = np.array(triangle) * 33 / 64
    # 0.155 of the square, 0.30 of the triangle; layers from 0.118 to 0.309 of the square
    assert [round(float(x), 3) for x in (square.mean(), np.mean(triangle))] == [0.155, 0.300]
    assert [round(float(x), 3) for x in (square.min(), square.max())] == [0.118, 0.309]
    assert attention.density(5, 32, 128) == 1  # two rows of blocks


def test_masks_keep_the_counts_the_diagonal_and_the_first_block():
    seed = np.random.SeedSequence().entropy % 2**32
    print("seed", seed)
    for figures in ({"budgets": [[2, 3, 9]]}, {"densities": [0.3]}, {"densities": [1.0]}):
        attention = AttentionMask.from_mapping({**figures, "seed": seed})
        counts, mask = attention.kept(4, 3, 1500), attention.mask(4, 3, 1500)
        assert (mask.sum(axis=2) == counts).all()
        assert not mask[:, np.triu(np.ones(mask.shape[1:], bool), 1)].any()
        assert mask[:, range(24), range(24)].all() and (mask[:, :, 0] | (counts < 2)).all()
        assert (attention.mask(4, 3, 1500) == mask).all()


def test_a_density_is_that_of_the_triangle():
    for density in (0.1, 0.3, 0.77):
        assert AttentionMask(densities=(density,)).density(0, 4, 8192) == pytest.approx(density, abs=0.01)
    by_layer = AttentionMask(densities=(0.2, 0.6))
    assert by_layer.density(0, 1, 4096) < by_layer.density(1, 1, 4096)
    assert (AttentionMask(densities=(0.01,)).kept(0, 2, 640) == 1).all()


@pytest.mark.parametrize(("figures", "message"), [
    ({"densities": [0.5], "budgets": [[1]]}, "either densities or budgets"),
    ({"densities": [0.5, 0]}, r"densities\[1\]: wanted above 0"),
    ({"budgets": [[1], []]}, r"budgets\[1\]: wanted a budget for each head"),
    ({"budgets": [[1, 0]]}, r"budgets\[0\]: wanted at least 1, got 0"),
    ({"block": 0}, "block: wanted at least 1"),
])  # fmt: skip
def test_bad_figures_are_refused(figures, message):
    with pytest.raises(InputError, match=message):
        AttentionMask.from_mapping(figures)


def test_figures_must_fit_the_model():
    with pytest.raises(InputError, match=r"densities: wanted 1 or 32 \(layers\) entries, got 2"):
        AttentionMask(densities=(0.5, 0.5)).fits(32, 32)
    with pytest.raises(InputError, match=r"budgets\[0\]: wanted 1 or 8 \(heads\) entries, got 2"):
        AttentionMask(budgets=((1, 2),)).fits(32, 8)
