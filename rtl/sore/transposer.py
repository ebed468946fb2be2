"""The transposer: M x M blocks come in by rows and go out by columns, any M of the engine's modes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.sore.config import SoreConfig
from rtl.parts.bank import Bank
from rtl.parts.registers import Make, built, delayed
from rtl.sore import layouts


class Transposer(wiring.Component):
    """Turn blocks of M rows: lane j·M + r then gets row r of block j, one element a cycle for M cycles.

    A row a cycle, a column a cycle, never stalls; the first column is out 3 cycles after a block's last row came in.

    *Crossed banks.* One memory for each lane, two halves of M words: one is written while the other is read. Row r is
    written with its lanes crossed by r (lane c goes to bank c XOR r, at address r), so that the elements of a column
    lie in different banks: lane r reads its element t from bank r XOR t, at address r. M is a power of two and r, t are
    below M, so a crossing never leaves its block: one butterfly of 2:1 multiplexers does for every M.
    """

    def __init__(self, config: SoreConfig, make: Make = built):
        self.config, self.make = config, make
        ports = {"step": In(layouts.step(config)), "row": In(layouts.row(config))}
        super().__init__({**ports, "o_step": Out(layouts.step(config)), "o_row": Out(layouts.row(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the banks, the two crossings and the reader."""
        m, config, step = Module(), self.config, self.step
        half, reading, column = Signal(), Signal(), Signal(config.index_bits)
        block = Signal(layouts.step(config))
        mask = layouts.group_end(config, block.mode)
        m.d.sync += [column.eq(column + 1)]
        with m.If(column == mask):
            m.d.sync += [reading.eq(0), column.eq(0)]
        with m.If(step.valid & step.end):
            m.d.sync += [half.eq(~half), block.eq(step), reading.eq(1), column.eq(0)]
        bits = config.index_bits
        crossed = self._crossed([self.row[lane] for lane in range(config.lanes)], step.position)
        words = []
        for lane, word in enumerate(crossed):
            m.submodules[f"bank{lane}"] = bank = self.make("bank", lambda: Bank(16, 2 * config.group))
            m.d.comb += [bank.w_en.eq(step.valid), bank.w_addr.eq(Cat(step.position, half)), bank.w_data.eq(word),
                         bank.r_en.eq(reading), bank.r_addr.eq(Cat(((lane & mask) ^ column)[:bits], ~half))]
            words.append(bank.r_data)
        read, fetched = Signal(layouts.step(config)), Signal(layouts.step(config))
        m.d.comb += [read.eq(block), read.valid.eq(reading), read.first.eq(column == 0), read.position.eq(column),
                     read.end.eq(column == mask)]
        m.d.sync += [fetched.eq(read), self.o_step.eq(fetched)]
        turned = Cat(self._crossed(words, fetched.position))
        m.d.comb += self.o_row.eq(delayed(m, turned, "turned"))
        return m

    def _crossed(self, lanes: list[Any], by: Value) -> list[Any]:
        """Each lane from the one whose number differs in the bits of ``by``."""
        for level in range(self.config.index_bits):
            lanes = [Mux(by[level], lanes[lane ^ 1 << level], lanes[lane]) for lane in range(len(lanes))]
        return lanes
