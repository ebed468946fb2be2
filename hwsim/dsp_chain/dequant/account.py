"""What dequantising tensors costs in actions: registers, multiplexers, multiplications, queues. Energy prices them."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.config import shared
from hwsim.dsp_chain.dequant.config import WIDEST, WIDTHS, DequantConfig
from hwsim.dsp_chain.dequant.tensor import Packed
from hwsim.energy import ActionCount, of_bytes

SMALLEST_SRAM, LARGEST_SRAM = 64, 64 << 20
"""Range of the cost table (bytes); a smaller queue is priced as the smallest, which overstates it."""


def action_counts(tensors: Sequence[Packed]) -> list[ActionCount]:
    """Actions of tensors on one dequantiser; every lane of every beat works, whatever the width.

    Multiplications are priced as INT8 ones. Not counted: control, queues of headers and scales, rounding's adder.
    """
    config = shared("tensors", tensors)
    beats, words = sum(tensor.beats for tensor in tensors), sum(len(tensor.words) for tensor in tensors)
    lanes = beats * config.lanes
    product = WIDEST + config.multiplier_bits
    registers = {"gearbox": words * config.word, "window": lanes * WIDEST, "unpack": lanes * WIDEST,
                 "product": lanes * product, "shifted": lanes * (product + 2), "rounded": lanes * WIDEST}
    counts = [ActionCount(component="registers", action=f"{what} write", count=bits, cost="register.write")
              for what, bits in registers.items()]
    for what, choices in (("rotate", beats * _rotation(config)), ("unpack", lanes * WIDEST * (len(WIDTHS) - 1)),
                          ("shift", lanes * (product + config.most_shift) * config.most_shift.bit_length())):
        counts.append(ActionCount(component="multiplexers", action=what, count=choices, cost="mux2"))
    counts.append(ActionCount(component="lanes", action="multiply", count=lanes, cost="multiply.int8"))
    beat_bytes = config.lanes + 1 / 8
    capacity = int(min(max(config.o_depth * beat_bytes, SMALLEST_SRAM), LARGEST_SRAM))
    return counts + [of_bytes("result queue", action, beats * beat_bytes, cost="sram", capacity_bytes=capacity)
                     for action in ("write", "read")]


def _rotation(config: DequantConfig) -> int:
    """Multiplexer bits of a beat's way out of the gearbox: the word that it begins in, then the place in it."""
    spanned = config.least_words * config.word
    return spanned * (config.buffer_words - 1) + WIDEST * config.lanes * (config.word // config.grain - 1)
