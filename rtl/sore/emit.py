"""Verilog of SORE, its repeated parts converted once; the bits of its ports and the driver's duties in the header."""

from __future__ import annotations

from hwsim.sore.config import SoreConfig
from rtl.parts.stand_in import convert_parts
from rtl.sore import layouts
from rtl.sore.engine import Sore

NAME = "sore"
"""Name of the top module."""


def emit_sore(config: SoreConfig) -> str:
    """Verilog of the engine: module ``sore`` and its parts; ports as `rtl.sore.engine.Sore`."""
    return convert(Sore(config))


def convert(engine: Sore) -> str:
    """Verilog of that engine, which is used up by this."""
    return convert_parts(engine, NAME, engine.config, contract(engine.config))


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
