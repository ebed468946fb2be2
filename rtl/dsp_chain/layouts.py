"""Shapes of the stream payloads: one place, used by components and by token packing."""

from __future__ import annotations

from amaranth.hdl import signed, unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.dsp_chain.config import ROWS, SparseChainConfig

SUM_BITS = 32
"""Width of an accumulator: no overflow over 2**17 - 1 inputs, as a product is at most 2**14."""


def activations(config: SparseChainConfig) -> ArrayLayout:
    """Payload of ports ``a``: row by row the activations of a slice; with one row only (MV), row 0."""
    return ArrayLayout(ArrayLayout(signed(8), config.length), ROWS)


def weights(config: SparseChainConfig) -> ArrayLayout:
    """A weight for each DSP, and which input of its block it belongs to; that counts only where N < M."""
    return ArrayLayout(StructLayout({"value": signed(8), "index": unsigned(config.index_bits)}), config.length)


def mode(config: SparseChainConfig) -> int:
    """Bits of the place of N among the legal ones."""
    return max((len(config.modes) - 1).bit_length(), 1)


def control(config: SparseChainConfig) -> StructLayout:
    """What comes with a weight beat: ``mode`` N's place among the legal ones; ``single`` one row (MV) or two (MM);
    ``load`` whether it is the first beat that works on the next slice of activations; for an Mpu also ``first`` and
    ``last``, whether the slice is the first and the last of its outputs' inputs.
    """
    fields = ("first", "last") if config.accumulates else ()
    return StructLayout({"mode": unsigned(mode(config)), "single": unsigned(1), "load": unsigned(1),
                         **dict.fromkeys(fields, unsigned(1))})


def weight_beat(config: SparseChainConfig) -> StructLayout:
    """Payload of ports ``w``; control counts on the first one only."""
    return StructLayout({"weights": weights(config), "control": control(config)})


def sums(config: SparseChainConfig) -> ArrayLayout:
    """Payload of a chain's port ``o``: M / N outputs of a beat, two rows each; lanes beyond M / N are 0."""
    return ArrayLayout(ArrayLayout(signed(config.sum_bits), ROWS), config.lanes)


def totals(config: SparseChainConfig) -> ArrayLayout:
    """A chain's accumulators: M outputs, two rows each."""
    return ArrayLayout(ArrayLayout(signed(SUM_BITS), ROWS), config.m)


def result(config: SparseChainConfig) -> StructLayout:
    """Payload of an Mpu's port ``o``: of each chain one output, two rows; ``last``: output M - 1."""
    return StructLayout({"totals": ArrayLayout(ArrayLayout(signed(SUM_BITS), ROWS), config.chains),
                         "last": unsigned(1)})
