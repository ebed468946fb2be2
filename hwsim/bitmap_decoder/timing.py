"""Cycle constants, counted in registers. The RTL builds exactly these; the models use them.

Decoder: what a step takes from the value buffer in cycle t is in a register in t + 1, where each lane selects its
value, and two cycles later, behind the queue, at the port.

Dot: in t + 1 coordinates and values are in a register and address X; in t + 2 its rows are there, and multiplied; then
come the tree's levels, the accumulator, and the queue.
"""

from __future__ import annotations

from hwsim.bitmap_decoder.config import DotConfig

QUEUE = 1          # cycles through the queue of bitmaps
HANDOVER = 1       # cycles from an event to what waits for it: one register
SELECT = 1         # register between value buffer and selection
OPERAND = 1        # cycle of reading X
ACCUMULATE = 1     # register of the accumulator
RESULT_QUEUE = 2   # write to visible at the port

DECODE = SELECT + RESULT_QUEUE
"""From a step of the decoder to its result at the port."""


def dot(config: DotConfig) -> int:
    """From the last step of a row to its result at the port."""
    levels = config.macs.bit_length() - 1
    tree = config.product_stages + levels * config.sum_stages
    return SELECT + OPERAND + tree + ACCUMULATE + RESULT_QUEUE
