"""Packed tensors and results as stream tokens, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.dsp_chain.dequant.config import WIDTHS
from hwsim.dsp_chain.dequant.reference import WeightBeats
from hwsim.dsp_chain.dequant.tensor import Packed
from rtl.dsp_chain.dequant import layouts
from rtl.parts.tokens import pack


def header_tokens(tensors: Sequence[Packed]) -> list[int]:
    """Port ``h``: one token per tensor."""
    widths = [field.shape.width for _, field in layouts.header(tensors[0].config)]
    columns = [[WIDTHS.index(tensor.width) for tensor in tensors], [tensor.weights for tensor in tensors]]
    return pack([(np.array(values), width) for values, width in zip(columns, widths, strict=True)])


def word_tokens(tensor: Packed) -> list[int]:
    """Port ``w``: one token per word of one tensor."""
    words = [int.from_bytes(word.tobytes(), "little") for word in tensor.words]
    return [*words[:-1], words[-1] | 1 << tensor.config.word]


def scale_tokens(tensor: Packed) -> list[int]:
    """Port ``s``: one token per group of one tensor."""
    widths = [field.shape.width for _, field in layouts.scale(tensor.config)]
    return pack(list(zip((tensor.multipliers, tensor.shifts), widths, strict=True)))


def weight_tokens(beats: WeightBeats) -> list[int]:
    """Port ``o``: one token per result beat of one tensor."""
    columns = [(lane.astype(np.int64), 8) for lane in beats.weights.T]
    return pack([*columns, (beats.last.astype(np.int64), 1)])
