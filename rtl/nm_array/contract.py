"""The head of the Verilog: the bits of each port's payload, and what whoever drives the ports must keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib.data import ArrayLayout, StructLayout

from hwsim.nm_array.config import NmArrayConfig
from rtl.nm_array import layouts

INDICES = {"d": "", "a": "re", "w": "cs", "q": "c", "o": "c"}
"""Names of array indices by port: r row of PEs, c column, e element, s slot of a kept weight."""


def contract(config: NmArrayConfig) -> list[str]:
    """Lines that a user of the Verilog needs."""
    return [*port_lines(config), *mode_lines(config), *duties(config)]


def port_lines(config: NmArrayConfig) -> list[str]:
    """Where each field lies in the flat payloads, as Verilog part-selects."""
    lines = ["payloads (field: its bits in the port; r row of PEs, c column, e element, s slot of a kept weight):"]
    for port, layout in payloads(config).items():
        lines.append(f"  {port}__payload: {Shape.cast(layout).width} bits")
        lines += [f"    {line}" for line in _fields(layout, INDICES[port], "", 0, [])]
    return lines


def payloads(config: NmArrayConfig) -> dict[str, Any]:
    """Layout of each port's payload."""
    return {"d": layouts.descriptor(config), "a": layouts.activation_beat(config), "w": layouts.weight_beat(config),
            "q": layouts.parameter_beat(config), "o": layouts.result_beat(config)}


def _fields(shape: Any, names: str, path: str, offset: int, strides: list[tuple[str, int, int]]) -> Iterator[str]:
    """One line for each field; an array gives one line for all its elements. ``strides``: (index, bits, length)."""
    if isinstance(shape, StructLayout):
        for name, member in shape:
            yield from _fields(member.shape, names, f"{path}.{name}".lstrip("."), offset + member.offset, strides)
    elif isinstance(shape, ArrayLayout):
        width = Shape.cast(shape.elem_shape).width
        index = (names[0], width, shape.length)
        yield from _fields(shape.elem_shape, names[1:], f"{path}[{names[0]}]", offset, [*strides, index])
    elif not (bits := Shape.cast(shape)).width:
        yield f"{path}: no bits, always 0"
    else:
        at = " + ".join([*(f"{width}*{name}" for name, width, _ in strides), *([str(offset)] if offset or not strides
                                                                               else [])])
        ends = "".join(f", {name} < {length}" for name, _, length in strides)
        yield f"{path}: [{at} +: {bits.width}]{' signed' if bits.signed else ''}{ends}"


def mode_lines(config: NmArrayConfig) -> list[str]:
    """What each mode number means."""
    return ["modes:", *(
        f"  {number}: {mode.ratio}, a PE takes {mode.span} elements of K with {mode.slots} kept weights "
        f"({mode.groups} x {mode.ratio.n} of {mode.ratio.m}) in {mode.steps} cycles"
        for number, mode in enumerate(config.modes))]


def duties(config: NmArrayConfig) -> list[str]:
    """What the array relies on and does not check."""
    lines = [
        "the driver keeps:",
        "  - valid does not wait for ready; an offer stays, unchanged, until it is taken. The reset is synchronous.",
        f"  - d, a pass: mode < {len(config.modes)}."]
    for dataflow in config.dataflows:
        name = f" output_stationary = {int(dataflow == 'os')}:" if config.dataflow == "both" else ""
        lines += [f"  -{name} {line}" if i == 0 else f"    {line}"
                  for i, line in enumerate(_duties_of_ws(config) if dataflow == "ws" else _duties_of_os(config))]
    parameters = "shift <= 47, low <= high" if not config.floating else "bias is FP32"
    return [
        *lines,
        "  - first clears the sums and last sends the results: passes of a result tile follow each other, from first",
        "    to last, all alike.",
        "  - fills count from the reset; fill f of a port lies in slot f modulo the slots "
        f"(a {config.a_slots}, w {config.w_slots}, q {config.q_slots}).",
        "  - slot: where the fill lies that the pass reads. take: 1 in the first pass that reads a fill, in the order",
        "    of fills; the pass waits for it. free: how many of the oldest fills no later pass reads; each fill is",
        "    freed once, in order. Without last, q_take and q_free are 0.",
        "  - a, w: last marks the final beat of a fill.",
        "  - w: beat i is unit i of K; slot s holds weight s modulo N of group s / N: its value and its position in",
        "    the group, below M. Slots and columns that are not used have value 0.",
        "  - elements of a beyond the tile's K must be 0.",
        f"  - q: one beat per fill, with last; {parameters}. Columns beyond the tile's N: all 0.",
        "the array gives: on o, one beat per result row in order, only for passes with last.",
    ]


def _duties_of_ws(config: NmArrayConfig) -> list[str]:
    return [f"1 <= beats <= {config.tile_depth}, rows of A;",
            f"1 <= rows <= {config.rows}, weight beats, the rows of PEs that the tile's K needs.",
            "a: as many beats as beats; beat i is row i of A; row r of PEs takes unit r of K. w: as many as rows."]


def _duties_of_os(config: NmArrayConfig) -> list[str]:
    depth, top = config.interleaved, config.rows - 1
    place = f"a: beat i is unit i of K; result row i stands in row {top} - i of PEs"
    if depth > 1:
        place = (f"a: beat {depth} * u + j is unit u of K for result row {depth} * p + j, which stands in "
                 f"row {top} - p of PEs")
    return [f"1 <= beats <= {config.most_beats('os')}, units of K, each as many elements as the mode takes;",
            f"1 <= rows <= {config.result_rows('os')}, result rows.",
            f"{place}; others are 0.",
            f"a has {depth} x beats beats, w as many as beats."]
