from itertools import product

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import Ratio
from hwsim.workload.decoder.block_ratio import legal_n
from mappers.prune_llm.blocks import check_shape, choose, kept, losses, shares_of, uniform


def rng_of():
    seed = np.random.SeedSequence().entropy % 2**32
    print("seed", seed)
    return np.random.default_rng(seed)


@pytest.mark.parametrize("m", [2, 4, 8, 16])
def test_equal_blocks_are_plain_n_of_m(m):
    w = rng_of().integers(-3, 4, (64, 48)).astype(float)  # many equals
    for n in legal_n(m)[1:]:
        mask = kept(w**2, uniform(w.shape, n, m), m)
        assert (mask == nm_mask(w, Ratio(n, m), 0)).all()
    assert not kept(w**2, uniform(w.shape, 0, m), m).any()


@pytest.mark.parametrize("m", [4, 16])
def test_each_block_keeps_its_own_n_and_loses_what_losses_say(m):
    rng = rng_of()
    saliency = rng.random((48, 80))
    level = rng.integers(0, len(legal_n(m)), (3, 5))
    blocks = np.array(legal_n(m), np.uint8)[level]
    mask, lost = kept(saliency, blocks, m), losses(saliency, m)
    for row, column in np.ndindex(3, 5):
        part = np.s_[16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
        assert (mask[part].reshape(16 // m, m, 16).sum(axis=1) == blocks[row, column]).all()
        removed = (saliency[part] * ~mask[part]).sum()
        assert removed == pytest.approx(lost[level[row, column], row, column])


def brute(lost, m, budget):
    """Least loss of all choices of N of the blocks that keep at most ``budget`` weights a group in all."""
    legal, flat = legal_n(m), lost.reshape(len(legal_n(m)), -1)
    return min(sum(flat[level, block] for block, level in enumerate(levels))
               for levels in product(range(len(legal)), repeat=flat.shape[1])
               if sum(legal[level] for level in levels) <= budget)  # fmt: skip


@pytest.mark.parametrize("m", [4, 16])
def test_the_choice_of_n_is_the_best_one_where_its_steps_meet_the_density(m):
    lost = losses(rng_of().random((32, 32)) ** 4, m)
    best = [brute(lost, m, budget) for budget in range(4 * m + 1)]
    spent, previous = [], 0
    for budget in range(4 * m + 1):
        blocks = choose(lost, budget / (4 * m), m)
        level = np.searchsorted(legal_n(m), blocks)
        loss = np.take_along_axis(lost, level[None], axis=0).sum()
        assert blocks.sum() <= budget and loss >= best[budget] - 1e-9
        # at most one step of a block away
        assert loss <= best[max(budget - m // 2, 0)] + 1e-9
        if loss == pytest.approx(best[budget]):
            spent.append(budget)
        assert blocks.sum() >= previous
        previous = int(blocks.sum())
    assert 0 in spent and 4 * m in spent and len(spent) > 2 * m


def test_what_is_left_goes_to_the_best_step_that_fits():
    rates = np.array([[10, 9, 8, 1], [7, 6, 0.5, 0.4], [7, 6, 0.6, 0.4]])  # of the steps to 2, 4, 8 and 16
    saved = np.cumsum(rates * [2, 2, 4, 8], axis=1)
    lost = (saved[:, -1:] - np.column_stack([np.zeros(3), saved])).T[:, None]
    assert choose(lost, 16 / 48).tolist() == [[8, 4, 4]]
    assert choose(lost, 20 / 48).tolist() == [[8, 4, 8]]  # 8 more for the first block would be too much
    assert choose(lost, 24 / 48).tolist() == [[16, 4, 4]]


def test_shares_and_shapes():
    blocks = np.array([[0, 4, 4], [16, 4, 16]], np.uint8)
    assert shares_of(blocks) == ((0, 1 / 6), (4, 3 / 6), (16, 2 / 6))
    with pytest.raises(InputError, match="edges that 16 divides, got shape"):
        check_shape(np.zeros((16, 17)))
    with pytest.raises(InputError, match="finite"):
        check_shape(np.full((16, 16), np.nan))
    with pytest.raises(InputError, match="n: wanted one of 0, 2, 4, 8, 16, got 5"):
        uniform((16, 16), 5)
    with pytest.raises(InputError, match="density: wanted 0 to 1"):
        choose(losses(np.ones((16, 16))), 1.5)
