"""The unit's queue of results: M / N outputs come at once, one leaves at a time."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.config import SparseChainConfig
from rtl.dsp_chain import layouts
from rtl.parts.bank import Bank


class OutputQueue(wiring.Component):
    """FIFO with credits for ``o_depth`` columns of M outputs, in as many banks as a beat has lanes. Written to visible:
    2 cycles; one output a cycle leaves; never refuses a write.

    ``room`` says whether M / N outputs are free for the N of ``mode``; ``reserve`` takes them. ``write`` comes later
    with ``totals`` and their mode. As every column is M outputs, those of a write never wrap around the banks.
    """

    def __init__(self, config: SparseChainConfig):
        self.config = config
        mode = unsigned(layouts.mode(config))
        super().__init__({
            "mode": In(mode), "room": Out(1), "reserve": In(1), "write": In(1), "write_mode": In(mode),
            "totals": In(ArrayLayout(layouts.totals(config), config.chains)),
            "o": Out(stream.Signature(layouts.result(config)))})

    def elaborate(self, platform: object) -> Module:
        """Build pointers and banks."""
        m, config = Module(), self.config
        depth = config.o_depth * config.m
        level, free = Signal(range(depth + 1)), Signal(range(depth + 1), init=depth)
        head, following, tail = (Signal(range(depth), name=name) for name in ("head", "following", "tail"))
        count, arrived, left = self._count(m, self.write_mode, "count"), Signal(range(config.m + 1)), Signal()
        wanted = self._count(m, self.mode, "wanted")
        m.d.comb += [self.o.valid.eq(level != 0), left.eq(self.o.valid & self.o.ready), self.room.eq(free >= wanted),
                     following.eq(Mux(left, Mux(head == depth - 1, 0, head + 1), head)),
                     self.o.payload.last.eq(head % config.m == config.m - 1)]
        m.d.sync += [arrived.eq(Mux(self.write, count, 0)), level.eq(level + arrived - left), head.eq(following),
                     free.eq(free - Mux(self.reserve, wanted, 0) + left)]
        with m.If(self.write):
            m.d.sync += tail.eq(Mux(tail == depth - count, 0, tail + count))
        self._banks(m, head, following, tail)
        return m

    def _count(self, m: Module, mode: Value, name: str) -> Signal:
        """M / N."""
        count = Signal(range(self.config.m + 1), name=name)
        with m.Switch(mode):
            for i, n in enumerate(self.config.modes):
                with m.Case(i):
                    m.d.comb += count.eq(self.config.m // n)
        return count

    def _banks(self, m: Module, head: Value, following: Value, tail: Value) -> None:
        """Output i is in bank i mod lanes."""
        config = self.config
        shape, read = ArrayLayout(layouts.result(config)["totals"].shape.elem_shape, config.chains), []
        for b in range(config.lanes):
            m.submodules[f"bank{b}"] = bank = Bank(shape, config.o_depth * config.m // config.lanes)
            m.d.comb += [bank.w_addr.eq(tail // config.lanes), bank.r_addr.eq(following // config.lanes),
                         bank.r_en.eq(1)]
            with m.Switch(self.write_mode):
                for i, n in enumerate(config.modes):
                    width = config.m // n
                    with m.Case(i):
                        m.d.comb += bank.w_en.eq(self.write & (tail % config.lanes // width == b // width))
                        m.d.comb += [bank.w_data[c].eq(self.totals[c][b % width]) for c in range(config.chains)]
            read.append(bank.r_data.as_value())
        m.d.comb += self.o.payload.totals.as_value().eq(Array(read)[head % config.lanes])
