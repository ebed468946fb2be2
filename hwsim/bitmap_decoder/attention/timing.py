"""Cycle constants, counted in registers. The RTL builds exactly these; the model uses them.

Of a step in cycle t the values and their factor are in registers in t + 1 and multiplied; its sums are in the
accumulators from t + `accumulated` on. The softmax reads the scores of n tokens one a cycle, scales them, and finds the
maximum; then it goes through the old maximum and the scores again, one a cycle. The old one gives the decay of what is
accumulated, which runs through the same FP32 multiplier while the scores become weights. With INT8 values, so does the
reciprocal at the end, once, before the sums of the channels.
"""

from __future__ import annotations

from hwsim.bitmap_decoder.attention.config import AttentionConfig

QUEUE = 1          # cycles through the queue of bitmaps
HANDOVER = 1       # cycles from an event to what waits for it: one register
SELECT = 1         # register between value buffer and multipliers
ACCUMULATE = 1     # register of an accumulator
EXPONENTIAL = 3    # registers of 2^x
ROUND = 1          # register of a rounding to FP16
DIVIDE = 27        # cycles of a reciprocal: load, 26 bits
RESULT_QUEUE = 2   # write to visible at the port


def accumulated(config: AttentionConfig) -> int:
    """From a step to its sums."""
    return SELECT + config.product_stages + config.sum_stages + ACCUMULATE


def again(config: AttentionConfig) -> int:
    """From a step to the next one that adds to the same accumulator."""
    return config.sum_stages + ACCUMULATE


def softmax(config: AttentionConfig, tokens: int) -> int:
    """From the last step of a block's keys to the first of its values."""
    maximum = tokens + config.multiply_stages
    decay = config.sum_stages + EXPONENTIAL + HANDOVER
    return accumulated(config) + maximum + decay + config.multiply_stages + max(tokens, config.channels) + HANDOVER


def fold(config: AttentionConfig) -> int:
    """From the reciprocal to its product with the scale of INT8 values, in a register; FP16 values have none."""
    return config.multiply_stages + HANDOVER if config.data_type == "int8" else 0


def normalised(config: AttentionConfig) -> int:
    """From a reading of an accumulator to its result at the port."""
    return config.multiply_stages + ROUND + RESULT_QUEUE
