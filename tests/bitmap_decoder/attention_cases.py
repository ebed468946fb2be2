"""Queries for the tests of attention."""

import numpy as np

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.query import Block, Query
from hwsim.floats import FP16, round_to

TINY = AttentionConfig(tile=8, pad=2, beat_values=4, channels=8, macs=2, o_depth=4, product_stages=1, sum_stages=1,
                       multiply_stages=1)


def halves(array):
    return round_to(FP16, np.asarray(array, np.float32)).astype(np.uint16)


def normal(shape, rng):
    return halves(rng.normal(size=shape))


def block_of(config, tokens, rng, density=None):
    shape = (tokens, config.channels)
    kept = None if density is None else (rng.random(shape) < density, rng.random(shape) < density)
    return Block(config=config, keys=normal(shape, rng), values=normal(shape, rng), kept=kept)


def query_over(config, tokens, rng, density=None, **more):
    """A query over blocks of so many tokens each."""
    return Query(config=config, query=normal(config.channels, rng),
                 blocks=[block_of(config, count, rng, density) for count in tokens], **more)
