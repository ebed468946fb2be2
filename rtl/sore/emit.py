"""Verilog of SORE, its repeated parts converted once; the bits of its ports and the driver's duties in the header."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.lib import wiring

from hwsim.config import Configuration
from hwsim.sore.config import SoreConfig
from rtl.nm_array.emit import StandIn
from rtl.sore import layouts
from rtl.sore.engine import Sore
from rtl.verilog import emit

NAME = "sore"
"""Name of the top module."""


def emit_sore(config: SoreConfig) -> str:
    """Verilog of the engine: module ``sore`` and its parts; ports as `rtl.sore.engine.Sore`."""
    return convert(Sore(config))


def convert(engine: Sore) -> str:
    """Verilog of that engine, which is used up by this."""
    return convert_parts(engine, NAME, engine.config, contract(engine.config))


def convert_parts(top: Any, name: str, config: Configuration, notes: Sequence[str]) -> str:
    """Verilog of a component whose ``make`` gives its repeated parts: each is converted once and put behind the top.

    Args:
        top: used up by this; its ``make`` is replaced. All parts have registers.
        name: of the top module, and what the names of the parts begin with.
        config: for the header.
        notes: more lines for the header.
    """
    parts: dict[str, wiring.Component] = {}

    def make(part: str, build: Callable[[], wiring.Component]) -> StandIn:
        module = f"{name}_{part}"
        if module not in parts:
            parts[module] = build()
        return StandIn(parts[module].signature, module)

    top.make = make
    texts = [emit(top, name, config.to_mapping(), notes)]
    for module, component in parts.items():
        text = emit(component, module)
        texts.append(text[text.index("\nmodule ") + 1:])  # without the header
    return "\n".join(texts)


def contract(config: SoreConfig) -> list[str]:
    """Lines that a user of the Verilog needs."""
    slot, bits = layouts.slot(config).size, config.index_bits
    lines = [f"p__payload: {layouts.descriptor(config).size} bits"]
    lines += [f"  {name}: [{field.offset} +: {field.width}]" for name, field in layouts.descriptor(config)
              if field.width]
    top = slot * config.lanes
    index = f"index [{slot}*c + 16 +: {bits}], " if bits else ""
    return [
        "payloads (field: its bits in the port; c lane):", *(f"  {line}" for line in lines),
        f"  i__payload: {16 * config.lanes} bits, weight of lane c at [16*c +: 16]",
        f"  f__payload, b__payload: {top + 2} bits: value [{slot}*c +: 16], {index}last [{top}], nan [{top + 1}]",
        "modes:", *(f"  {number}: {ratio}" for number, ratio in enumerate(config.modes)),
        "the driver keeps:",
        "  - valid does not wait for ready; an offer stays, unchanged, until it is taken. The reset is synchronous.",
        f"  - p, a slice: mode < {len(config.modes)}; 1 <= rows <= {config.most_rows}.",
        "  - i: as many rows as the slice has; lanes beyond the matrix are 0.",
        "the engine gives: for every group of M rows, N beats on each wanted port, one slot of each lane in a beat.",
        "  f: lane c, groups along the rows. b: lane j*M + r, row r of the block, groups along lanes j*M .. j*M + M-1.",
        "  Rows that a last group lacks are zeros. last: the slice's final beat. nan: the slice had a NaN up to there.",
    ]
