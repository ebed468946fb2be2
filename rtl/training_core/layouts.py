"""Shapes of the stream payloads that are the core's own."""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.training_core.config import TrainingCoreConfig

ROUTE_BITS = 24
"""Bits of a number of beats: of the longest tensor of WUVE, or of a GEMM's results, which several routes may share."""


def route() -> StructLayout:
    """Payload of port ``r``: where so many result beats of the array go."""
    return StructLayout({"update": unsigned(1), "beats": unsigned(ROUTE_BITS)})


def state(config: TrainingCoreConfig) -> ArrayLayout:
    """Payload of port ``s``: WUVE's operands but the gradient, by lane."""
    lane = StructLayout({"weight": unsigned(32), "momentum": unsigned(32), "dropped": unsigned(1)})
    return ArrayLayout(lane, config.cols)
