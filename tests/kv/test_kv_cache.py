"""The cache against one that prunes dense arrays, and its sizes against the shapes of known networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.kv.cache import SIDES, CacheConfig, LayerCache
from hwsim.kv.prune import prune_tokens
from hwsim.kv.shape import CacheShape
from hwsim.sparsity.mustafar import BitmapFormat


def tokens_of(seed, heads, tokens, channels):
    return np.random.default_rng(seed).standard_normal((2, heads, tokens, channels)).astype(np.float16)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(0, 20), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_appending_in_pieces_is_pruning_what_is_old(pieces, window, tiles, seed):
    config = CacheConfig(key_sparsity=0.7, value_sparsity=0.5, window=window, group=8 * tiles,
                         format=BitmapFormat(tile=8))  # fmt: skip
    cache, all_tokens = LayerCache(config, 2, 16), tokens_of(seed, 2, sum(pieces), 16)
    at = 0
    for piece in pieces:
        before = cache.compressed
        due = cache.append(*all_tokens[:, :, at : at + piece])
        at += piece
        assert cache.tokens == at and cache.compressed == before + due == config.compressed_tokens(at)
        assert cache.compressed % config.group == 0
        assert cache.compressed == 0 or at - cache.compressed >= window
        assert at - cache.compressed < window + config.group
        for side, dense in zip(SIDES, all_tokens, strict=True):
            old = prune_tokens(dense[:, : cache.compressed], config.sparsity(side))
            assert np.array_equal(cache.decode(side), np.concatenate([old, dense[:, cache.compressed : at]], axis=1))


def test_released_rule_for_prompt_and_decoding():
    """A prompt compresses (T - 32) // 256 groups; decoding one group whenever 256 tokens stand behind the window."""
    cache = LayerCache(CacheConfig(), 1, 64)
    assert cache.append(*tokens_of(0, 1, 543, 64)) == 256
    assert cache.append(*tokens_of(1, 1, 1, 64)) == 256 and cache.recent["keys"].shape[1] == 32
    grown = [cache.append(*tokens_of(2, 1, 1, 64)) for _ in range(256)]
    assert grown == [0] * 255 + [256]


def test_sizes_add_up():
    config = CacheConfig(key_sparsity=0.7, value_sparsity=0.7)
    cache = LayerCache(config, 8)
    keys, values = tokens_of(4, 8, 544, 128)
    cache.append(keys, values)
    bits = cache.bits()
    elements = 2 * 8 * 512 * 128
    assert bits.dense == 2 * 8 * 32 * 128 * 16
    assert (bits.compressed.metadata, bits.compressed.pointers) == (elements, elements // 64 * 32)
    old = [prune_tokens(x[:, :512], 0.7) for x in (keys, values)]
    tiles = [old[0].transpose(0, 2, 1).reshape(-1, 64), old[1].reshape(-1, 64)]
    stored = sum(int((-(-np.count_nonzero(t, axis=1) // 8) * 8).sum()) for t in tiles)
    assert bits.compressed.values == stored * 16
    assert bits.total == bits.compressed.total + bits.dense
    expected = [config.format.expected(39, 128, side).ratio for side in SIDES]
    assert bits.compressed.total / (elements * 16) == pytest.approx(np.mean(expected), abs=0.003)
    assert cache.ratio() == bits.total / (2 * 8 * 544 * 128 * 16)
    assert LayerCache(config, 8).ratio() == 1


def test_shapes_of_networks():
    llama2, llama3, mistral = (CacheShape.preset(n) for n in ("llama-2-7b", "llama-3-8b", "mistral-7b"))
    assert llama2.dense_bytes(4096) == 2 * 2**30 and llama2.queries_per_head == 1
    assert llama3.dense_bytes(4096) == 2**29 and llama3.queries_per_head == 4
    assert mistral.dense_bytes(4096, batch=8) == 2**32 and mistral.layer_bytes(4096) == 2**24
    assert CacheShape.from_mapping(llama3.to_mapping()) == llama3


def test_a_refused_append_leaves_the_cache_as_it_was():
    cache = LayerCache(CacheConfig(), 2, 64)
    keys, values = tokens_of(0, 2, 300, 64)
    cache.append(keys, values)
    infinite = values.copy()
    infinite[1, 5, 7] = np.inf
    for k, v, message in (
        (keys[:1], values, "keys: wanted float16 of shape"),
        (keys, values.astype(np.float32), "values: wanted float16"),
        (keys, values[:, :5], "values: wanted shape"),
        (keys, infinite, "values: wanted finite numbers, got inf at"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            cache.append(k, v)
    assert cache.tokens == 300 and np.array_equal(cache.decode("values")[:, 256:], values[:, 256:])


@pytest.mark.parametrize(
    "call",
    [lambda: CacheConfig(key_sparsity=1.5), lambda: CacheConfig(value_sparsity=-0.1), lambda: CacheConfig(window=-1),
     lambda: CacheConfig(group=100), lambda: CacheConfig(format=BitmapFormat(value_bits=8)),
     lambda: LayerCache(CacheConfig(), 0), lambda: LayerCache(CacheConfig(), 1, 100),
     lambda: CacheShape(layers=0, query_heads=1, kv_heads=1), lambda: CacheShape(layers=1, query_heads=3, kv_heads=2)],
)  # fmt: skip
def test_bad_configurations(call):
    with pytest.raises(InputError):
        call()
