"""Reference of WUVE: the specification of the values, with no time in it. Order and roundings are these:

    g  = gradient · gradient_scale                  16-bit operands; FP16: exact in FP32
    d  = w · (weight_decay [+ sparse_decay])        the sum where the weight was dropped; rounded once, off line
    g' = g + d
    v' = momentum · v + g'                          product rounded, then the sum
    w' = w + (−(learning_rate · v'))                product rounded, then the sum
    c' = w' rounded to 16 bits

Every operation is IEEE 754 FP32, rounded to nearest even; NaN and infinity go through, a NaN that leaves is the
canonical one. It is PyTorch's ``SGD`` with dampening 0 and no Nesterov step (v of 0 stands for its missing buffer), up
to the order of the roundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.floats import FP32, add, multiply, round_to
from hwsim.wuve.update import Bits16, Floats, Update


@dataclass(frozen=True, kw_only=True, eq=False)
class Updated:
    """What leaves, arrays (beats, lanes): float32 master weights and momentum, uint16 weights to compute with."""

    weight: Floats
    momentum: Floats
    compute: Bits16


def reference(update: Update) -> Updated:
    """The updated tensor."""
    config, given = update.config, update.parameters
    flush = config.flush

    def scaled(x: Floats, factor: np.float32 | Floats) -> Floats:
        return multiply(x.view(np.uint32), np.asarray(factor, np.float32).view(np.uint32), FP32, flush)

    kept, dropped = given.decays
    gradient = multiply(update.gradient, given.scale_bits(config.format), config.format, flush)
    decay = scaled(update.weight, np.where(update.dropped, dropped, kept))
    carried = scaled(update.momentum, np.float32(given.momentum))
    momentum = add(carried, add(gradient, decay, flush), flush)
    weight = add(update.weight, scaled(momentum, -np.float32(given.learning_rate)), flush)
    return Updated(weight=weight, momentum=momentum,
                   compute=round_to(config.format, weight, flush).astype(np.uint16))
