"""Shapes of the payloads of attention: one place, used by the component and by token packing."""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.bitmap_decoder.attention.config import AttentionConfig


def header(config: AttentionConfig) -> StructLayout:
    """Payload of port ``h``, a block: tokens, whether it is dense, the query's first or last, the query's scale in
    FP32, how many values are stored, and for INT8 what the reciprocal is multiplied with (FP32).
    """
    factor = {"value_factor": unsigned(32)} if config.data_type == "int8" else {}
    return StructLayout({"tokens": unsigned(8), "dense": unsigned(1), "first": unsigned(1), "last": unsigned(1),
                         "scale": unsigned(32), "values": unsigned(32), **factor})


def query_beat(config: AttentionConfig) -> ArrayLayout:
    """Payload of port ``q``: the next channels of a query; the last beat is filled up with zeros."""
    return ArrayLayout(unsigned(16), config.query_values)


def result() -> StructLayout:
    """Payload of port ``o``: the next channel of the output in FP16, and whether it is the last."""
    return StructLayout({"value": unsigned(16), "last": unsigned(1)})


def summary() -> StructLayout:
    """Payload of port ``s``: largest scaled score and sum of the weights, FP32."""
    return StructLayout({"maximum": unsigned(32), "total": unsigned(32)})
