"""Shapes of WUVE's stream payloads and internal bundles: one place, used by components and by token packing."""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.wuve.config import WuveConfig


def factors(config: WuveConfig) -> StructLayout:
    """What a tensor's elements are multiplied with; all but ``scale`` in FP32."""
    return StructLayout({"scale": unsigned(config.format.bits), "learning_rate": unsigned(32),
                         "momentum": unsigned(32), "kept_decay": unsigned(32), "dropped_decay": unsigned(32)})


def parameters(config: WuveConfig) -> StructLayout:
    """Payload of port ``p``: one tensor."""
    return StructLayout({"beats": unsigned(config.most_beats.bit_length()), "factors": factors(config)})


def operand(config: WuveConfig) -> StructLayout:
    """One lane of port ``i``."""
    return StructLayout({"gradient": unsigned(config.format.bits), "weight": unsigned(32), "momentum": unsigned(32),
                         "dropped": unsigned(1)})


def operands(config: WuveConfig) -> ArrayLayout:
    """Payload of port ``i``."""
    return ArrayLayout(operand(config), config.lanes)


def result(config: WuveConfig) -> StructLayout:
    """One lane of port ``o``; ``compute`` is the weight in 16 bits."""
    return StructLayout({"weight": unsigned(32), "momentum": unsigned(32), "compute": unsigned(config.format.bits)})


def result_beat(config: WuveConfig) -> StructLayout:
    """Payload of port ``o``, and whether it is the tensor's last beat."""
    return StructLayout({"lanes": ArrayLayout(result(config), config.lanes), "last": unsigned(1)})
