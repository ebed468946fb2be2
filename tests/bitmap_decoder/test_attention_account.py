"""Actions of attention: counted by hand, and all of them have a price."""

import numpy as np
from attention_cases import TINY, query_over

from hwsim.bitmap_decoder.attention.account import action_counts
from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.energy import EnergyTree


def counts(*queries):
    return {(each.component, each.action): each.count for each in action_counts(queries)}


def test_a_dense_block_by_hand():
    found = counts(query_over(TINY, [5], np.random.default_rng(0)))
    assert found["lanes", "multiply-accumulate"] == 2 * 5 * 8
    assert found["bitmaps", "write"] == found["bitmaps", "read"] == 0
    assert found["values", "write"] == 16 * 80 and found["factors", "query write"] == 16 * 8
    assert found["factors", "choose"] == 16 * (8 * 3 * 7 + 5 * 4 * 7)  # 5 keys: three steps; 8 values: four
    assert found["accumulators", "choose"] == 32 * 15 * 80
    assert found["softmax", "multiply"] == 5 + 9 and found["softmax", "add"] == 6 + 5
    assert found["softmax", "table multiply"] == 12 and found["reciprocal", "subtract"] == 26
    assert found["normalise", "multiply"] == 8


def test_zeros_cost_no_multiplication():
    rng = np.random.default_rng(1)
    dense, sparse = (query_over(AttentionConfig(), [64, 64], rng, density) for density in (1, 0.25))
    kept = sum(int(mask.sum()) for block in sparse.blocks for mask in block.kept)
    assert counts(sparse)["lanes", "multiply-accumulate"] == kept
    assert counts(dense)["bitmaps", "write"] == counts(sparse)["bitmaps", "write"] == 2 * 2 * 64 * 128
    assert counts(sparse)["softmax", "multiply"] == counts(dense)["softmax", "multiply"]


def test_two_queries_cost_what_each_costs():
    rng = np.random.default_rng(2)
    queries = [query_over(TINY, [8, 3], rng, 0.5) for _ in range(2)]
    both, each = counts(*queries), [counts(query) for query in queries]
    assert both == {key: each[0][key] + each[1][key] for key in both}


def test_every_action_has_a_price():
    assert EnergyTree.of(action_counts([query_over(TINY, [8], np.random.default_rng(3), 0.5)])).total > 0
