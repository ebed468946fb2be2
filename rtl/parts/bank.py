"""A memory bank."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


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
