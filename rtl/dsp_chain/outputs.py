"""The unit's queue of results: M / N outputs come at once, one leaves at a time."""

from __future__ import annotations

from functools import partial

from amaranth.hdl import Array, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.config import SparseChainConfig
from rtl.dsp_chain import layouts
from rtl.parts.bank import Bank
from rtl.parts.registers import Make, built


class OutputQueue(wiring.Component):
    """FIFO with credits for ``o_depth`` columns of M outputs, a bank for each of the M. Written to visible: 2 cycles;
    one output a cycle leaves; never refuses a write.

    ``room`` says whether M / N outputs are free for the N of ``mode``; ``reserve`` takes them. Later ``writes`` tells
    which of ``totals`` come, M / N for the N of ``write_mode``; output M - 1 is the last of its column.
    """

    def __init__(self, config: SparseChainConfig, make: Make = built):
        self.config, self.make = config, make
        mode = unsigned(layouts.mode(config))
        super().__init__({
            "mode": In(mode), "room": Out(1), "reserve": In(1), "writes": In(unsigned(config.m)),
            "write_mode": In(mode), "totals": In(ArrayLayout(layouts.totals(config), config.chains)),
            "o": Out(stream.Signature(layouts.result(config)))})

    def elaborate(self, platform: object) -> Module:
        """Build counters and banks."""
        m, config = Module(), self.config
        depth = config.o_depth * config.m
        level, free = Signal(range(depth + 1)), Signal(range(depth + 1), init=depth)
        head, following = Signal(range(config.m)), Signal(range(config.o_depth))
        count, arrived, left = self._count(m, self.write_mode, "count"), Signal(range(config.m + 1)), Signal()
        wanted, final, column = self._count(m, self.mode, "wanted"), Signal(), Signal(range(config.o_depth))
        m.d.comb += [self.o.valid.eq(level != 0), left.eq(self.o.valid & self.o.ready), self.room.eq(free >= wanted),
                     final.eq(head == config.m - 1), self.o.payload.last.eq(final),
                     following.eq(Mux(left & final, self._next(column), column))]
        m.d.sync += [arrived.eq(Mux(self.writes.any(), count, 0)), level.eq(level + arrived - left),
                     head.eq(head + left), column.eq(following),
                     free.eq(free - Mux(self.reserve, wanted, 0) + left)]
        self._banks(m, head, following)
        return m

    def _next(self, column: Value) -> Value:
        """The column behind one."""
        return Mux(column == self.config.o_depth - 1, 0, column + 1)

    def _count(self, m: Module, mode: Value, name: str) -> Signal:
        """M / N."""
        count = Signal(range(self.config.m + 1), name=name)
        with m.Switch(mode):
            for i, n in enumerate(self.config.modes):
                with m.Case(i):
                    m.d.comb += count.eq(self.config.m // n)
        return count

    def _banks(self, m: Module, head: Value, following: Value) -> None:
        """Each output of a column in its own."""
        config, read = self.config, []
        tail = Signal(range(config.o_depth))
        with m.If(self.writes[-1]):
            m.d.sync += tail.eq(self._next(tail))
        shape = ArrayLayout(layouts.totals(config).elem_shape, config.chains)
        for o in range(config.m):
            m.submodules[f"bank{o}"] = bank = self.make("bank", partial(Bank, shape, config.o_depth))
            m.d.comb += [bank.w_addr.eq(tail), bank.w_en.eq(self.writes[o]), bank.r_addr.eq(following),
                         bank.r_en.eq(1), *(bank.w_data[c].eq(self.totals[c][o]) for c in range(config.chains))]
            read.append(bank.r_data.as_value())
        m.d.comb += self.o.payload.totals.as_value().eq(Array(read)[head])
