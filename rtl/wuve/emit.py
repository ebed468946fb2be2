"""Verilog of WUVE, the lane converted once; the bits of its ports and the driver's duties in the header."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.lib import wiring

from hwsim.wuve import timing
from hwsim.wuve.config import WuveConfig
from rtl.nm_array.emit import StandIn
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
    parts: dict[str, wiring.Component] = {}

    def make(name: str, build: Callable[[], wiring.Component]) -> StandIn:
        module = f"{NAME}_{name}"
        if module not in parts:
            parts[module] = build()
        return StandIn(parts[module].signature, module)

    config = engine.config
    if timing.pipeline(config):  # a lane without registers has no clock that an instance could be given
        engine.make = make
    texts = [emit(engine, NAME, config.to_mapping(), contract(config))]
    for module, part in parts.items():
        text = emit(part, module)
        texts.append(text[text.index("\nmodule ") + 1:])  # without the header
    return "\n".join(texts)


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
