"""The bitmap KV cache under the interpreter: keys, values, and decode attention with its dense window."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra gpu: torch")
pytest.importorskip("triton", reason="the extra gpu: triton")

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.query import Block, Query
from hwsim.bitmap_decoder.attention.reference import attend
from hwsim.errors import InputError
from hwsim.gpu.kernels import decode_attention, key_scores, uploaded_cache, value_sums
from hwsim.gpu.kernels.cases import attention
from hwsim.kv.cache import CacheConfig, LayerCache

pytestmark = pytest.mark.slow

HEADS, CHANNELS, TILE = 2, 64, 64


def halves(rng, shape):
    return rng.standard_normal(shape).astype(np.float16)


def grown(rng, *appended, sparsity=0.7, window=32, channels=CHANNELS):
    """A cache of several runs of blocks."""
    cache = LayerCache(CacheConfig(key_sparsity=sparsity, value_sparsity=sparsity, window=window, group=TILE),
                       HEADS, channels)
    for tokens in appended:
        cache.append(*(halves(rng, (HEADS, tokens, channels)) for _ in range(2)))
    return cache


@pytest.fixture
def rng():
    seed = int.from_bytes(np.random.default_rng().bytes(4), "little")
    print("seed", seed)
    return np.random.default_rng(seed)


@pytest.mark.parametrize("channels", [64, 128])
def test_products_of_keys_and_of_values(channels, rng):
    cache = grown(rng, 160, 70, channels=channels)
    assert cache.compressed == 192 and len(cache.codes["keys"]) == 2
    here, keys, values = uploaded_cache(cache), *(cache.decode(side)[:, :192] for side in ("keys", "values"))
    q, p = (rng.integers(-4, 5, (HEADS, 3, size)).astype(np.float16) for size in (channels, 192))
    for found, wanted in ((key_scores(here, q), q.astype(np.float64) @ keys.transpose(0, 2, 1)),
                          (value_sums(here, p), p.astype(np.float64) @ values)):
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("appended", "parts", "sparsity"), [
    ((100,), 1, 0.5), ((1,), 1, 0.5), ((170, 70, 1), 1, 0.7), ((170, 70), 2, 0.7), ((230,), 5, 0.0), ((200,), 2, 1.0)])
def test_attention_is_that_of_a_textbook(appended, parts, sparsity, rng):
    cache = grown(rng, *appended, sparsity=sparsity)
    q = halves(rng, (HEADS, 4, CHANNELS))
    found = decode_attention(uploaded_cache(cache), q, parts=parts).numpy()
    np.testing.assert_allclose(found, attention(cache, q), rtol=2e-3, atol=2e-3)


def test_without_a_window(rng):
    cache = grown(rng, 128, window=0)
    assert cache.compressed == 128
    q = halves(rng, (HEADS, 1, CHANNELS))
    found = decode_attention(uploaded_cache(cache), q, parts=2).numpy()
    np.testing.assert_allclose(found, attention(cache, q), rtol=2e-3, atol=2e-3)


def test_attention_is_that_of_the_accelerator(rng):
    """Both round weights to FP16 before the values, so they agree to what FP16 results can show."""
    cache, config = grown(rng, 120), AttentionConfig(channels=CHANNELS, tile=TILE)
    keys, values = (cache.decode(side) for side in ("keys", "values"))
    q = halves(rng, (HEADS, 1, CHANNELS))
    found = decode_attention(uploaded_cache(cache), q).numpy()
    for head in range(HEADS):
        blocks = [Block(config=config, keys=keys[head, a:a + TILE].view(np.uint16),
                        values=values[head, a:a + TILE].view(np.uint16)) for a in range(0, 120, TILE)]
        query = Query(config=config, query=q[head, 0].view(np.uint16), blocks=blocks)
        wanted = attend(query).output.view(np.float16)
        np.testing.assert_allclose(found[head, 0], wanted, rtol=2e-3, atol=1e-3)


def test_bad_input(rng):
    cache = grown(rng, 40)
    here = uploaded_cache(cache)
    for call, wanted in ((lambda: uploaded_cache(grown(rng)), "at least one token"),
                         (lambda: key_scores(here, halves(rng, (HEADS, 1, CHANNELS))), "compressed tokens"),
                         (lambda: decode_attention(here, halves(rng, (HEADS, 1, 32))), "queries: wanted shape"),
                         (lambda: decode_attention(here, halves(rng, (HEADS, 1, CHANNELS)), parts=0), "1 part"),
                         (lambda: uploaded_cache(grown(rng, 40, channels=192)), "powers of two")):
        with pytest.raises(InputError, match=wanted):
            call()
