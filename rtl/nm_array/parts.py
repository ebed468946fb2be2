"""The parts that the array repeats: memory banks, and the hook through which each repeated part is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

Make = Callable[[str, Callable[[], wiring.Component]], Any]
"""``make(name, build)``: a part with the ports of ``build()``. All parts of one name in one array are equal."""


def built(name: str, build: Callable[[], wiring.Component]) -> wiring.Component:
    """The part itself."""
    return build()


def delayed(m: Module, source: Any, name: str, cycles: int = 1) -> Any:
    """Data so many cycles later. Its registers have no reset: what travels with it says whether it counts."""
    for i in range(cycles):
        held = Signal.like(source, name=f"{name}_{i}" if cycles > 1 else name, reset_less=True)
        m.d.sync += held.eq(source)
        source = held
    return source


def controlled(m: Module, source: Any, name: str) -> Any:
    """Control one cycle later, in a register with reset."""
    held = Signal.like(source, name=name, reset_less=False)
    m.d.sync += held.eq(source)
    return held


class Bank(wiring.Component):
    """Memory of one write and one read port: the word comes one cycle after its address with ``r_en``, the old one if
    it is being written in the same cycle, and stays until the next read.

    Args:
        shape: of a word.
        depth: words.
    """

    def __init__(self, shape: Any, depth: int):
        self.shape, self.depth = shape, depth
        address = unsigned(max((depth - 1).bit_length(), 1))  # Verilog has no ports of no bits
        super().__init__({"w_en": In(1), "w_addr": In(address), "w_data": In(shape), "r_en": In(1),
                          "r_addr": In(address), "r_data": Out(shape)})

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.shape, depth=self.depth, init=[])
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [write.addr.eq(self.w_addr), write.data.eq(self.w_data), write.en.eq(self.w_en),
                     read.addr.eq(self.r_addr), read.en.eq(self.r_en), self.r_data.eq(read.data)]
        return m
