"""Values of attention: the exponential against float64, the whole against a scalar judge and against float64."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from attention_cases import TINY, block_of, halves, normal, query_over

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.exponential import ERROR, exp2, tables
from hwsim.bitmap_decoder.attention.query import Block, Query, query_of
from hwsim.bitmap_decoder.attention.reference import attend
from hwsim.errors import InputError
from hwsim.floats import FP16, to_float32

MUSTAFAR = AttentionConfig()


def test_the_exponential_is_as_exact_as_it_says():
    rng = np.random.default_rng(1)
    spread = np.concatenate([rng.random(1_000_000) * 126, np.exp2(rng.uniform(-40, 6.9, 1_000_000))])
    corners = (np.arange(126 * 64 + 1) / 64)[:, None] * (1 + np.array([0, 2.0**-23, -(2.0**-23)]))
    d = -np.concatenate([spread, corners.ravel()]).astype(np.float32)
    d = d[d >= -126]
    error = np.abs(exp2(d) / np.exp2(d.astype(np.float64)) - 1).max()
    print(f"largest relative error {error:.3e}, {error * 2**24:.2f} halves of a place")
    assert 2.0**-24 * 0.9 < error < ERROR
    alike = [float(exp2(np.float32([x]))[0]) / math.exp(float(np.float32(x)) * math.log(2)) - 1 for x in d[:2000]]
    assert np.abs(alike).max() < ERROR + 2e-14


def test_the_exponential_at_its_ends():
    d = np.array([0, -0.0, -1, -2, -126, np.nextafter(np.float32(-126), np.float32(-200)), -127.99, -128, -1e30,
                  -np.inf, -1e-45, -1e-30], np.float32)
    assert exp2(d).tolist() == [1, 1, 0.5, 0.25, 2.0**-126, 0, 0, 0, 0, 0, 1, 1]


def test_the_exponential_never_falls():
    rng = np.random.default_rng(2)
    d = np.sort(np.concatenate([-rng.random(500_000) * 4, -np.arange(0, 4, 2.0**-16)]).astype(np.float32))
    assert (np.diff(exp2(d)) >= 0).all()


def test_the_tables_are_the_parabolas_through_three_points():
    getcontext().prec = 50
    a, b, c = tables()
    assert [int(table.max()).bit_length() for table in (a, b, c)] == [31, 27, 19]
    for j in (0, 1, 31, 63):
        for x, tolerance in ((0, 2.0**-31), (2.0**-7, 2.0**-31), (2.0**-6, 2.0**-31), (2.0**-8, 2.0**-25)):
            found = int(a[j]) / 2**30 + x * (int(b[j]) / 2**26 + x * int(c[j]) / 2**20)
            wanted = Decimal(2) ** (Decimal(j) / 64 + Decimal(x))
            assert abs(Decimal(found) - wanted) < Decimal(tolerance) + Decimal(2.0**-31)


def slow(query):
    """The head of the reference, number by number."""
    one, channels = np.float32, query.config.channels
    q = to_float32(query.query, FP16)
    m, total, acc = one(-np.inf), one(0), [one(0)] * channels
    for block in query.blocks:
        keys, values = to_float32(block.keys, FP16), to_float32(block.values, FP16)
        kept = block.kept or (np.ones(keys.shape, bool), np.ones(keys.shape, bool))
        scaled = []
        for t in range(block.tokens):
            score = one(0)
            for c in range(channels):
                if kept[0][t, c]:
                    score = one(score + one(q[c] * keys[t, c]))
            scaled.append(one(score * query.factor))
        before = m
        for z in scaled:
            m = z if z > m else m
        decay = exp2(np.array([before - m], np.float32))[0]
        total, acc = one(total * decay), [one(entry * decay) for entry in acc]
        for t, z in enumerate(scaled):
            p = one(np.float16(exp2(np.array([z - m], np.float32))[0]))
            total = one(total + p)
            for c in range(channels):
                if kept[1][t, c]:
                    acc[c] = one(acc[c] + one(p * values[t, c]))
    r = one(one(1) / total)
    return np.array([np.float16(one(entry * r)) for entry in acc]).view(np.uint16), m, total


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_against_a_judge_that_goes_number_by_number(seed):
    print("seed", seed)
    rng = np.random.default_rng(seed)
    config = TINY.replace(channels=16)
    query = query_over(config, rng.integers(1, 9, 3), rng, density=rng.choice([0.1, 0.5, 1]),
                       scale=float(rng.choice([0.1, 1.0, 2.0])))
    found, (output, maximum, total) = attend(query), slow(query)
    assert found.output.tolist() == output.tolist()
    assert (found.maximum.view(np.uint32), found.total) == (maximum.view(np.uint32), total)


def judged(config, query, keys, values, kept, compressed):
    """Softmax attention in float64."""
    there = np.arange(len(keys))[:, None] >= compressed
    k, v = (np.where(mask | there, to_float32(given, FP16).astype(float), 0)
            for mask, given in zip(kept, (keys, values), strict=True))
    scores = k @ to_float32(query, FP16).astype(float) / math.sqrt(config.channels)
    weights = np.exp(scores - scores.max())
    sizes = np.abs(k) @ np.abs(to_float32(query, FP16).astype(float)) / math.sqrt(config.channels)
    return weights @ v / weights.sum(), weights, v, sizes.max()


@pytest.mark.parametrize("spread", [1, 4, 10])
@pytest.mark.parametrize("tokens", [40, 333, 1500])
def test_against_float64(tokens, spread):
    """The weights' rounding to FP16 is the largest error: 2^-11 relative, below 2^-14 absolute 2^-25 each.

    An error of a score is the same relative error of its weight, and so, twice, of the result; a sum of 128 products
    has at most 128 halves of a place of the sum of their magnitudes.
    """
    rng = np.random.default_rng(tokens)
    query = halves(spread * rng.normal(size=128))
    keys, values = normal((tokens, 128), rng), normal((tokens, 128), rng)
    kept = (rng.random(keys.shape) < 0.5, rng.random(keys.shape) < 0.3)
    found = to_float32(attend(query_of(MUSTAFAR, query, keys, values, kept)).output, FP16)
    wanted, weights, v, size = judged(MUSTAFAR, query, keys, values, kept, max(tokens - 32, 0) // 64 * 64)
    error = np.abs(found - wanted)
    print(f"{tokens} tokens, spread {spread}: largest error {error.max():.2e} of {np.abs(wanted).max():.2e}")
    rounding = 2.0**-11 * (weights @ np.abs(v) + np.abs(wanted) * weights.sum()) / weights.sum()
    small = 2.0**-25 * (np.abs(v).sum(0) + np.abs(wanted) * len(v)) / weights.sum()
    own, scores = 2.0**-11 * np.abs(wanted), 2 * 132 * 2.0**-24 * size * np.abs(v).max()
    assert (error <= rounding + small + own + scores).all()
    assert error.max() < 4e-4 * np.abs(v).max()


def test_one_token_gives_its_value_and_equal_tokens_their_mean():
    rng = np.random.default_rng(3)
    alone = query_over(TINY, [1], rng)
    assert attend(alone).output.tolist() == alone.blocks[0].values[0].tolist() and attend(alone).total == 1
    keys, values = np.zeros((8, 8), np.uint16), halves(np.arange(64).reshape(8, 8))
    equal = attend(Query(config=TINY, query=alone.query, blocks=[Block(config=TINY, keys=keys, values=values)] * 3))
    assert to_float32(equal.output, FP16).tolist() == (28 + np.arange(8)).tolist() and equal.total == 24


def test_a_maximum_that_grows_and_one_that_does_not():
    """With keys that differ by far more than FP16's smallest weight only the newest, or the oldest, counts."""
    keys = np.zeros((2, 8, 8), np.float32)
    values = halves(np.arange(128).reshape(2, 8, 8) % 50)
    query = halves(np.ones(8))
    for late in (0, 1):
        keys[:] = 0
        keys[late, 3] = 50
        blocks = [Block(config=TINY, keys=halves(keys[i]), values=values[i]) for i in range(2)]
        found = attend(Query(config=TINY, query=query, blocks=blocks, scale=1.0))
        assert found.output.tolist() == values[late, 3].tolist()


def test_what_is_not_kept_is_zero_whatever_stands_there():
    rng = np.random.default_rng(4)
    query = query_over(TINY, [8, 5], rng, density=0.4)
    cleared = [Block(config=TINY, keys=np.where(b.kept[0], b.keys, 0x1234).astype(np.uint16),
                     values=np.where(b.kept[1], b.values, 0x7BFF).astype(np.uint16), kept=b.kept) for b in query.blocks]
    dense = [Block(config=TINY, keys=np.where(b.kept[0], b.keys, 0).astype(np.uint16),
                   values=np.where(b.kept[1], b.values, 0).astype(np.uint16)) for b in query.blocks]
    for blocks in (cleared, dense):
        again = attend(Query(config=TINY, query=query.query, blocks=blocks))
        assert again.output.tolist() == attend(query).output.tolist() and again.total == attend(query).total


def test_a_sequence_is_cut_into_compressed_blocks_and_a_dense_window():
    rng = np.random.default_rng(5)
    keys, kept = normal((300, 128), rng), np.ones((300, 128), bool)
    blocks = query_of(MUSTAFAR, keys[0], keys, keys, (kept, kept)).blocks
    assert [(block.tokens, block.dense) for block in blocks] == [(64, False)] * 4 + [(44, True)]
    blocks = query_of(MUSTAFAR, keys[0], keys, keys, (kept, kept), window=50).blocks
    assert [(block.tokens, block.dense) for block in blocks] == [(64, False)] * 3 + [(64, True), (44, True)]
    assert len(query_of(MUSTAFAR, keys[0], keys[:1], keys[:1], (kept[:1], kept[:1])).blocks) == 1


def test_storage_is_that_of_the_format():
    rng = np.random.default_rng(6)
    sparse, dense = (block_of(MUSTAFAR, 64, rng, density) for density in (0.5, None))
    counts = np.concatenate([sparse.kept[0].T.sum(1), sparse.kept[1].reshape(64, 2, 64).sum(2).ravel()])
    assert sparse.counts.tolist() == counts.tolist() and len(sparse.stored) == (-(-counts // 8) * 8).sum()
    assert sparse.beats == len(sparse.stored) // 8 and len(dense.stored) == 2 * 64 * 128
    assert dense.stored[:64].tolist() == dense.keys[:, 0].tolist()
    assert dense.stored[64 * 128:65 * 128].tolist() == dense.values[0].tolist()


@pytest.mark.parametrize(("tokens", "window", "place"), [
    ((5, 6, 5, 5), 0, "values"), ((5, 5, 6, 5), 0, "kept keys"), ((5, 5, 5, 6), 0, "kept values"),
    ((5, 5, 5, 5), -1, "window"), ((0, 0, 0, 0), 0, "blocks")])
def test_a_sequence_that_cannot_be(tokens, window, place):
    keys, values = (np.zeros((count, 8), np.uint16) for count in tokens[:2])
    kept = np.ones((tokens[2], 8), bool), np.ones((tokens[3], 8), bool)
    with pytest.raises(InputError) as error:
        query_of(TINY, np.zeros(8, np.uint16), keys, values, kept, window)
    assert error.value.place == place


def nan(array):
    return np.where(np.arange(array.size).reshape(array.shape) == 3, 0x7E01, array).astype(np.uint16)


@pytest.mark.parametrize(("change", "place"), [
    ({"query": np.zeros(7, np.uint16)}, "query"), ({"query": np.zeros(8, np.float16)}, "query"),
    ({"query": nan(np.zeros(8, np.uint16))}, "query"), ({"query": np.full(8, 0xFC00, np.uint16)}, "query"),
    ({"query": [0] * 8}, "query"), ({"blocks": []}, "blocks"), ({"scale": 0.0}, "scale"), ({"scale": -1.0}, "scale"),
    ({"scale": math.inf}, "scale"), ({"config": TINY.replace(macs=1)}, "blocks")])
def test_a_query_that_cannot_be(change, place):
    fields = {"config": TINY, "query": np.zeros(8, np.uint16), "blocks": [block_of(TINY, 8, np.random.default_rng(0))]}
    with pytest.raises(InputError) as error:
        Query(**{**fields, **change})
    assert error.value.place == place


@pytest.mark.parametrize(("change", "place"), [
    ({"keys": nan}, "keys"), ({"values": nan}, "values"), ({"keys": lambda x: x[:4]}, "values"),
    ({"values": lambda x: x.astype(np.int16)}, "values"),
    ({"keys": lambda x: np.tile(x, (2, 1)), "values": lambda x: np.tile(x, (2, 1))}, "keys"),
    ({"keys": lambda x: x[:0], "values": lambda x: x[:0]}, "keys"),
    ({"kept": lambda kept: (kept[0][:4], kept[1])}, "kept keys"),
    ({"kept": lambda kept: (kept[0], kept[1].astype(int))}, "kept values")])
def test_a_block_that_cannot_be(change, place):
    good = block_of(TINY, 8, np.random.default_rng(0), 0.5)
    fields = {name: change.get(name, lambda x: x)(getattr(good, name)) for name in ("keys", "values", "kept")}
    if place == "keys" and "values" in change:
        fields["kept"] = None
    with pytest.raises(InputError) as error:
        Block(config=TINY, **fields)
    assert error.value.place == place


@pytest.mark.parametrize(("fields", "place"), [
    ({"channels": 100}, "channels"), ({"channels": 32}, "channels"), ({"macs": 0}, "macs"), ({"macs": 65}, "macs"),
    ({"sum_stages": 5}, "sum_stages"), ({"data_type": "bf16"}, "data_type"), ({"buffer_beats": 1}, "buffer_beats")])
def test_a_configuration_that_cannot_be(fields, place):
    with pytest.raises(InputError) as error:
        AttentionConfig(**fields)
    assert error.value.place == place


@pytest.mark.parametrize("name", AttentionConfig.presets)
def test_presets_come_back(name):
    config = AttentionConfig.preset(name)
    assert AttentionConfig.from_mapping(config.to_mapping()) == config
