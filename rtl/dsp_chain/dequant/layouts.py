"""Shapes of the dequantiser's stream payloads: one place, used by components and by token packing."""

from __future__ import annotations

from amaranth.hdl import signed, unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.dsp_chain.dequant.config import WIDEST, WIDTHS, DequantConfig


def header(config: DequantConfig) -> StructLayout:
    """Payload of port ``h``: ``code``, the width of the weights as its place in `WIDTHS`, and how many they are."""
    return StructLayout({"code": unsigned((len(WIDTHS) - 1).bit_length()),
                         "weights": unsigned(config.most_weights.bit_length())})


def word_beat(config: DequantConfig) -> StructLayout:
    """Payload of port ``w``: packed bits, and whether the tensor has no more."""
    return StructLayout({"bits": unsigned(config.word), "last": unsigned(1)})


def scale(config: DequantConfig) -> StructLayout:
    """Payload of port ``s``: the scale multiplier / 2^shift of one group."""
    return StructLayout({"multiplier": unsigned(config.multiplier_bits),
                         "shift": unsigned(config.most_shift.bit_length())})


def weight_beat(config: DequantConfig) -> StructLayout:
    """Payload of port ``o``: INT8 weights, and whether they are the tensor's last."""
    return StructLayout({"weights": ArrayLayout(signed(WIDEST), config.lanes), "last": unsigned(1)})
