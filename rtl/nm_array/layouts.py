"""Shapes of the array's stream payloads and internal bundles: one place, used by components and by token packing."""

from __future__ import annotations

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.nm_array.config import NmArrayConfig

ACCUMULATOR = signed(32)


def bits_for(values: int) -> Shape:
    """Unsigned shape that holds 0 … values - 1."""
    return unsigned(max(values - 1, 0).bit_length())


def lanes(config: NmArrayConfig) -> ArrayLayout:
    """Activations of one PE: span signed bytes."""
    return ArrayLayout(signed(8), config.span)


def weights(config: NmArrayConfig) -> ArrayLayout:
    """Kept weights of one PE: value and position inside its group."""
    return ArrayLayout(StructLayout({"value": signed(8), "index": unsigned(config.index_bits)}), config.slots)


def requantization() -> StructLayout:
    """Parameters of one output channel; see `hwsim.quantize.Requantization`."""
    return StructLayout({"bias": signed(32), "multiplier": unsigned(16), "shift": unsigned(6),
                         "zero_point": signed(8), "low": signed(8), "high": signed(8)})


def tile_beat(bank: object, banks: int) -> StructLayout:
    """One beat into a tile buffer: a word for each bank, and whether it is the tile's last."""
    return StructLayout({"data": ArrayLayout(bank, banks), "last": unsigned(1)})


def activation_beat(config: NmArrayConfig) -> StructLayout:
    """Payload of port ``a``: one word of span bytes for each row of the array."""
    return tile_beat(lanes(config), config.rows)


def weight_beat(config: NmArrayConfig) -> StructLayout:
    """Payload of port ``w``: the kept weights of one PE for each column."""
    return tile_beat(weights(config), config.cols)


def parameter_beat(config: NmArrayConfig) -> StructLayout:
    """Payload of port ``q``: parameters of each column's output channel; every beat is a whole tile."""
    return tile_beat(requantization(), config.cols)


def result_beat(config: NmArrayConfig) -> ArrayLayout:
    """Payload of port ``o``: one INT8 result for each column."""
    return ArrayLayout(signed(8), config.cols)


def descriptor(config: NmArrayConfig) -> StructLayout:
    """Payload of port ``d``: one pass. ``take``: wait for one more fill; ``free``: fills whose slots become free."""
    def ring(port: str, slots: int) -> dict[str, Shape]:
        return {f"{port}_slot": bits_for(slots), f"{port}_take": unsigned(1), f"{port}_free": bits_for(slots + 1)}

    return StructLayout({
        "mode": bits_for(len(config.modes)), "beats": bits_for(config.tile_depth + 1),
        "rows": bits_for(config.rows + 1), "first": unsigned(1), "last": unsigned(1),
        **ring("a", config.a_slots), **ring("w", config.w_slots), **ring("q", config.q_slots)})


def control(config: NmArrayConfig) -> StructLayout:
    """What travels with the activations through the array, one PE a cycle."""
    most_steps = max(mode.steps for mode in config.modes)
    common = {"valid": unsigned(1), "step": bits_for(most_steps), "mode": bits_for(len(config.modes))}
    own = {"swap": unsigned(1)} if config.dataflow == "ws" else {"clear": unsigned(1), "capture": unsigned(1)}
    return StructLayout({**common, **own})


def weight_control(config: NmArrayConfig) -> StructLayout:
    """What travels down with loaded weights (ws): capture in the PE that sees row 0."""
    return StructLayout({"valid": unsigned(1), "row": bits_for(config.rows)})


def result_control(config: NmArrayConfig) -> StructLayout:
    """What travels along the bottom of the array with the results, one column a cycle."""
    return StructLayout({"valid": unsigned(1), "address": bits_for(config.tile_depth), "first": unsigned(1),
                         "last": unsigned(1), "begin": unsigned(1), "q_slot": bits_for(config.q_slots),
                         "q_free": bits_for(config.q_slots + 1)})
