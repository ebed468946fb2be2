"""Cycle constants of WUVE, counted in pipeline registers. The RTL builds exactly these; the model uses them."""

from __future__ import annotations

from hwsim.wuve.config import WuveConfig

INPUT = 1         # register behind port i
RESULT_QUEUE = 2  # write to visible at the port
DESCRIPTOR_QUEUE = 1  # cycles through the queue of hyper-parameters
HANDOVER = 1      # cycles from an event to the engine that waits for it: one register


def momentum_at(config: WuveConfig) -> int:
    """Registers from the operands to the new momentum: the decay's product, two sums."""
    return config.multiply_stages + 2 * config.add_stages


def weight_at(config: WuveConfig) -> int:
    """Registers from the operands to the new weight: a product and a sum more."""
    return momentum_at(config) + config.multiply_stages + config.add_stages


def pipeline(config: WuveConfig) -> int:
    """Registers from the operands to the results, the rounding to 16 bits last."""
    return weight_at(config) + config.round_stages


def latency(config: WuveConfig) -> int:
    """Cycles from a beat at port ``i`` to its result at port ``o``."""
    return INPUT + pipeline(config) + RESULT_QUEUE


def full_rate_depth(config: WuveConfig) -> int:
    """Entries of the result queue with which a beat can be taken every cycle: all that are under way."""
    return latency(config) + HANDOVER
