"""Verilog of WUVE, the lane converted once; the bits of its ports and the driver's duties in the header."""

from __future__ import annotations

from hwsim.wuve import timing
from hwsim.wuve.config import WuveConfig
from rtl.parts.stand_in import convert_parts
from rtl.verilog import emit
from rtl.wuve import layouts
from rtl.wuve.engine import Wuve

NAME = "wuve"
"""Name of the top module, and what the name of the lane begins with."""


def emit_wuve(config: WuveConfig) -> str:
    """Verilog of the engine: module ``wuve`` first, then its parts; ports as `rtl.wuve.engine.Wuve`."""
    return convert(Wuve(config))


def convert(engine: Wuve) -> str:
    """Verilog of that engine, which is used up by this."""
    config, notes = engine.config, contract(engine.config)
    if timing.pipeline(config):
        return convert_parts(engine, NAME, config, notes)
    return emit(engine, NAME, config.to_mapping(), notes)  # a lane without registers has no clock to stand alone with


def contract(config: WuveConfig) -> list[str]:
    """Lines that a user of the Verilog needs."""
    p, i, o = layouts.parameters(config), layouts.operand(config), layouts.result(config)
    at = p["factors"].offset
    return [
        f"payloads (field: its bits in the port; c lane, c < {config.lanes}):",
        f"  p__payload: {p.size} bits", f"    beats: [0 +: {p['beats'].width}]",
        *(f"    {name}: [{at + field.offset} +: {field.width}]" for name, field in layouts.factors(config)),
        f"  i__payload: {i.size * config.lanes} bits",
        *(f"    {name}: [{i.size}*c + {field.offset} +: {field.width}]" for name, field in i),
        f"  o__payload: {o.size * config.lanes + 1} bits",
        *(f"    {name}: [{o.size}*c + {field.offset} +: {field.width}]" for name, field in o),
        f"    last: [{o.size * config.lanes}]",
        f"numbers: scale, gradient, compute {config.data_type}; all others fp32",
        "the driver keeps:",
        "  - valid does not wait for ready; an offer stays, unchanged, until it is taken. The reset is synchronous.",
        f"  - p, a tensor: 1 <= beats <= {config.most_beats}; i: as many beats.",
        "  - dropped_decay: weight decay and sparse decay, added up.",
        "the engine gives: on o, one beat for each beat of i, in order.",
    ]
