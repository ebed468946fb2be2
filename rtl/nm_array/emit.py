"""Verilog of the N:M array, its repeated parts converted once.

Amaranth converts each submodule anew, however many are equal. Here the array is elaborated with *stand-ins*: instances
of modules that are converted once each and put behind the top. The text is the same for the same configuration on every
machine.
"""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import ClockSignal, Elaboratable, Instance, ResetSignal, Shape, ShapeCastable, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hwsim.nm_array.config import NmArrayConfig
from rtl.nm_array.array import NmArray
from rtl.nm_array.contract import contract
from rtl.verilog import emit

NAME = "nm_array"
"""Name of the top module, and what the names of the parts begin with."""


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


class Parts:
    """Builds one part of each name and gives stand-ins for it; all parts have registers."""

    def __init__(self) -> None:
        self.built: dict[str, wiring.Component] = {}

    def make(self, name: str, build: Callable[[], wiring.Component]) -> StandIn:
        """A stand-in for the part of that name."""
        module = f"{NAME}_{name}"
        if module not in self.built:
            self.built[module] = build()
        return StandIn(self.built[module].signature, module)


def emit_nm_array(config: NmArrayConfig) -> str:
    """Verilog of the array: module ``nm_array`` first, then its parts; ports as `rtl.nm_array.array.NmArray`.

    The header tells the bits of each payload and the driver's duties (`rtl.nm_array.contract`).
    """
    return convert(NmArray(config))


def convert(array: NmArray) -> str:
    """Verilog of that array, which is used up by this."""
    parts = Parts()
    array.make = parts.make
    texts = [emit(array, NAME, array.config.to_mapping(), contract(array.config))]
    texts += [_body(emit(part, module)) for module, part in parts.built.items()]
    return "\n".join(texts)


def _body(text: str) -> str:
    """The modules of a text, without the header."""
    return text[text.index("\nmodule ") + 1:]
