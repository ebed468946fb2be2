"""Verilog of devices whose repeated parts are converted once.

Amaranth converts each submodule anew, however many are equal. Here a device is elaborated with *stand-ins*: instances
of modules that are converted once each and put behind the top. The text is the same for the same configuration on
every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import ClockSignal, Elaboratable, Instance, ResetSignal, Shape, ShapeCastable, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hwsim.config import Configuration
from rtl.verilog import emit


class StandIn(Elaboratable):
    """An instance of a module that is converted elsewhere: ports, latency and stalls are those of the part.

    Its ports are flat signals behind views, so that the text has no alias for each field of each instance.

    Args:
        signature: of the part; no port of it is an interface or an array.
        module: name of the part's module.
    """

    def __init__(self, signature: wiring.Signature, module: str):
        self.module = module
        self.pins: dict[str, Signal] = {}
        for name, member in signature.members.items():
            signal = Signal(Shape.cast(member.shape), name=name)
            setattr(self, name, member.shape(signal) if isinstance(member.shape, ShapeCastable) else signal)
            if len(signal):  # a port of no bits has no pin
                self.pins[("i_" if member.flow == In else "o_") + name] = signal

    def elaborate(self, platform: object) -> Instance:
        """Build the instance."""
        return Instance(self.module, i_clk=ClockSignal(), i_rst=ResetSignal(), **self.pins)


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
