"""Shapes of the array's stream payloads and internal bundles: one place, used by components and by token packing."""

from __future__ import annotations

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.nm_array.config import NmArrayConfig


def bits_for(values: int) -> Shape:
    """Unsigned shape that holds 0 … values - 1."""
    return unsigned(max(values - 1, 0).bit_length())


def element(config: NmArrayConfig) -> Shape:
    """An operand, and a result: a signed byte, or the bits of a floating-point number."""
    return unsigned(config.element_bits) if config.floating else signed(8)


def total(config: NmArrayConfig) -> Shape:
    """A sum: INT32, or the bits of an FP32 number."""
    return unsigned(32) if config.floating else signed(32)


def lanes(config: NmArrayConfig) -> ArrayLayout:
    """Activations of one PE: span elements."""
    return ArrayLayout(element(config), config.span)


def weights(config: NmArrayConfig) -> ArrayLayout:
    """Kept weights of one PE: value and position inside its group."""
    return ArrayLayout(StructLayout({"value": element(config), "index": unsigned(config.index_bits)}), config.slots)


def parameters(config: NmArrayConfig) -> StructLayout:
    """Parameters of one output channel: of `hwsim.quantize.Requantization`, or of
    `hwsim.nm_array.float_reference.BiasRelu`.
    """
    if config.floating:
        return StructLayout({"bias": unsigned(32), "relu": unsigned(1)})
    return StructLayout({"bias": signed(32), "multiplier": unsigned(16), "shift": unsigned(6),
                         "zero_point": signed(8), "low": signed(8), "high": signed(8)})


def tile_beat(bank: object, banks: int) -> StructLayout:
    """One beat into a tile buffer: a word for each bank, and whether it is the tile's last."""
    return StructLayout({"data": ArrayLayout(bank, banks), "last": unsigned(1)})


def activation_beat(config: NmArrayConfig) -> StructLayout:
    """Payload of port ``a``: one word of span elements for each row of the array."""
    return tile_beat(lanes(config), config.rows)


def weight_beat(config: NmArrayConfig) -> StructLayout:
    """Payload of port ``w``: the kept weights of one PE for each column."""
    return tile_beat(weights(config), config.cols)


def parameter_beat(config: NmArrayConfig) -> StructLayout:
    """Payload of port ``q``: parameters of each column's output channel; every beat is a whole tile."""
    return tile_beat(parameters(config), config.cols)


def result_beat(config: NmArrayConfig) -> ArrayLayout:
    """Payload of port ``o``: one result for each column."""
    return ArrayLayout(element(config), config.cols)


def descriptor(config: NmArrayConfig) -> StructLayout:
    """Payload of port ``d``: one pass. ``take``: wait for one more fill; ``free``: fills whose slots become free."""
    def ring(port: str, slots: int) -> dict[str, Shape]:
        return {f"{port}_slot": bits_for(slots), f"{port}_take": unsigned(1), f"{port}_free": bits_for(slots + 1)}

    both = {"output_stationary": unsigned(1)} if config.dataflow == "both" else {}
    most_rows = max(config.rows if dataflow == "ws" else config.result_rows(dataflow) for dataflow in config.dataflows)
    return StructLayout({
        "mode": bits_for(len(config.modes)), **both,
        "beats": bits_for(max(map(config.most_beats, config.dataflows)) + 1),
        "rows": bits_for(most_rows + 1), "first": unsigned(1), "last": unsigned(1),
        **ring("a", config.a_slots), **ring("w", config.w_slots), **ring("q", config.q_slots)})


def control(config: NmArrayConfig) -> StructLayout:
    """What travels with the activations through the array, one PE a cycle.

    ``swap``: the next weights come into use. ``clear``: start a new sum; ``advance``: the sums move one on;
    ``capture``: into the drain chain. ``output_stationary`` stays as it is between passes.
    """
    most_steps = max(mode.steps for mode in config.modes)
    fields = {"valid": unsigned(1), "step": bits_for(most_steps), "mode": bits_for(len(config.modes))}
    if "ws" in config.dataflows:
        fields |= {"swap": unsigned(1)}
    if "os" in config.dataflows:
        fields |= {"clear": unsigned(1), "advance": unsigned(1), "capture": unsigned(1)}
    return StructLayout(fields | ({"output_stationary": unsigned(1)} if config.dataflow == "both" else {}))


def weight_control(config: NmArrayConfig) -> StructLayout:
    """What travels down with loaded weights (ws): capture in the PE that sees row 0."""
    return StructLayout({"valid": unsigned(1), "row": bits_for(config.rows)})


def result_control(config: NmArrayConfig) -> StructLayout:
    """What travels along the bottom of the array with the results, one column a cycle."""
    return StructLayout({"valid": unsigned(1), "address": bits_for(config.tile_depth), "first": unsigned(1),
                         "last": unsigned(1), "begin": unsigned(1), "q_slot": bits_for(config.q_slots),
                         "q_free": bits_for(config.q_slots + 1)})
