"""Attention over INT8 keys and values: the bits of FP16 over the same numbers, float64, storage, time, bad scales."""

import math

import numpy as np
import pytest
from attention_cases import TINY, halves, normal

from hwsim.bitmap_decoder.attention import timing
from hwsim.bitmap_decoder.attention.account import action_counts
from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.model import attention_network
from hwsim.bitmap_decoder.attention.query import Block, Query, query_of
from hwsim.bitmap_decoder.attention.reference import attend
from hwsim.errors import InputError
from hwsim.floats import FP16, to_float32
from hwsim.quantize.scales import quantize_weights

WHOLE = TINY.replace(data_type="int8")
MUSTAFAR = AttentionConfig(data_type="int8", beat_values=16)


def whole(shape, rng):
    return rng.integers(-128, 128, shape).astype(np.int8)


def masks(shape, density, rng):
    return rng.random(shape) < density, rng.random(shape) < density


@pytest.mark.parametrize("seed", range(6))
def test_with_scales_that_are_powers_of_two_it_is_attention_over_the_same_fp16_numbers(seed):
    """All that the scales do is exact then: whole numbers up to 128 are FP16 numbers."""
    print("seed", seed)
    rng = np.random.default_rng(seed)
    query, keys, values = normal(8, rng), whole((21, 8), rng), whole((21, 8), rng)
    kept, exponents = masks(keys.shape, rng.choice([0.2, 0.6, 1]), rng), rng.integers(-6, 3, 2).tolist()
    scales = [2.0**exponent for exponent in exponents]
    found = attend(query_of(WHOLE, query, keys, values, kept, 5, 0.1, *scales))
    wanted = attend(query_of(TINY, query, halves(keys * scales[0]), halves(values * scales[1]), kept, 5, 0.1))
    assert found.output.tolist() == wanted.output.tolist() and found.total == wanted.total
    assert found.maximum == wanted.maximum


@pytest.mark.parametrize("tokens", [40, 700])
def test_numbers_brought_to_int8_against_float64(tokens):
    """Weights and output are FP16: 2^-11 relative each; of the FP32 sums, scores differ most, see the FP16 test."""
    rng = np.random.default_rng(tokens)
    query, kept = normal(128, rng), masks((tokens, 128), 0.5, rng)
    sides = [quantize_weights(rng.normal(size=(tokens * 128, 1))) for _ in range(2)]
    keys, values = (side.values.reshape(tokens, 128) for side in sides)
    scales = [float(side.scales[0]) for side in sides]
    found = to_float32(attend(query_of(MUSTAFAR, query, keys, values, kept, 32, math.nan, *scales)).output, FP16)
    there = np.arange(tokens)[:, None] >= max(tokens - 32, 0) // 64 * 64
    k, v = (np.where(mask | there, side.dequantize().reshape(tokens, 128), 0)
            for mask, side in zip(kept, sides, strict=True))
    scores = k @ to_float32(query, FP16).astype(float) / math.sqrt(128)
    weights = np.exp(scores - scores.max())
    wanted, error = weights @ v / weights.sum(), np.abs(found - weights @ v / weights.sum())
    print(f"{tokens} tokens: largest error {error.max():.2e} of {np.abs(wanted).max():.2e}")
    bound = 2.0**-11 * (2 * np.abs(wanted) + weights @ np.abs(v) / weights.sum())
    assert (error < bound + 2.0**-25 * np.abs(v).sum(0) / weights.sum() + 1e-5).all()


def test_the_extremes_stay_finite():
    extreme = np.full((8, 8), -128, np.int8)
    block = Block(config=WHOLE, keys=extreme, values=extreme)
    query = np.full(8, 0x7BFF, np.uint16)
    found = attend(Query(config=WHOLE, query=query, blocks=[block] * 3, scale=2.0**20, key_scale=256,
                         value_scale=256))
    assert to_float32(found.output, FP16).tolist() == [-32768] * 8 and np.isfinite(found.maximum)


def test_a_beat_of_the_same_width_holds_twice_the_values():
    rng = np.random.default_rng(1)
    keys, values = whole((64, 128), rng), whole((64, 128), rng)
    for kept in (None, masks(keys.shape, 0.5, rng)):
        block = Block(config=MUSTAFAR, keys=keys, values=values, kept=kept)
        other = Block(config=AttentionConfig(), keys=halves(keys), values=halves(values), kept=kept)
        assert block.counts.tolist() == other.counts.tolist() and block.beats == -(-other.beats // 2)
    assert MUSTAFAR.query_values == AttentionConfig().query_values == 8
    assert WHOLE.replace(pad=1, beat_values=1, buffer_beats=9).query_beats == 8


def test_the_reciprocal_takes_its_time_for_the_scale():
    """A last block of one token is done long before the reciprocal."""
    rng = np.random.default_rng(2)
    keys, values, query = whole((1, 8), rng), whole((1, 8), rng), normal(8, rng)
    starts = {}
    for stages in (0, 3):
        for config, numbers in ((WHOLE, (keys, values)), (TINY, (halves(keys), halves(values)))):
            config = config.replace(multiply_stages=stages, beat_values=8, buffer_beats=4)
            block = Block(config=config, keys=numbers[0], values=numbers[1])
            start = attention_network([Query(config=config, query=query, blocks=[block])]).solve().start
            starts[config.data_type] = start["out"][0] - start["step"][8]
        assert starts["fp16"] == timing.DIVIDE and starts["int8"] == timing.DIVIDE + stages + 1


def test_bytes_cost_half_the_writes():
    rng = np.random.default_rng(3)
    keys, query = whole((8, 8), rng), normal(8, rng)
    found = {}
    for config, numbers in ((WHOLE, keys), (TINY, halves(keys))):
        block = Block(config=config, keys=numbers, values=numbers)
        found[config.data_type] = {(each.component, each.action): each.count for each in action_counts(
            [Query(config=config, query=query, blocks=[block])])}
    for action in ("write", "rotate"):
        assert 2 * found["int8"]["values", action] == found["fp16"]["values", action]
    assert found["int8"]["normalise", "multiply"] == found["fp16"]["normalise", "multiply"] + 1


@pytest.mark.parametrize(("config", "fields", "place"), [
    (WHOLE, {"key_scale": 0.0}, "key_scale"), (WHOLE, {"key_scale": 2.0**-21}, "key_scale"),
    (WHOLE, {"value_scale": 257.0}, "value_scale"), (WHOLE, {"value_scale": math.nan}, "value_scale"),
    (TINY, {"key_scale": 2.0}, "key_scale"), (TINY, {"value_scale": 0.5}, "value_scale")])
def test_scales_that_cannot_be(config, fields, place):
    array = np.zeros((8, 8), np.int8 if config is WHOLE else np.uint16)
    with pytest.raises(InputError) as error:
        Query(config=config, query=np.zeros(8, np.uint16), **fields,
              blocks=[Block(config=config, keys=array, values=array)])
    assert error.value.place == place


@pytest.mark.parametrize(("config", "dtype"), [(WHOLE, np.uint16), (WHOLE, np.uint8), (TINY, np.int8)])
def test_numbers_of_another_type(config, dtype):
    with pytest.raises(InputError) as error:
        Block(config=config, keys=np.zeros((8, 8), dtype), values=np.zeros((8, 8), dtype))
    assert error.value.place == "keys"
