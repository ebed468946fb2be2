"""The dot product of compressed rows with a dense operand, which spends no time on zeros."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder import timing
from hwsim.bitmap_decoder.config import DotConfig
from rtl.bitmap_decoder import layouts
from rtl.bitmap_decoder.column import Column
from rtl.bitmap_decoder.operand import Operand
from rtl.bitmap_decoder.tiles import TilePair
from rtl.bitmap_decoder.values import ValueWindow
from rtl.bitmap_decoder.walk import TileWalk
from rtl.parts.registers import Make, built, chain, delayed
from rtl.parts.result_queue import ResultQueue
from rtl.parts.stop import FAULT, Fault, Stop, watch


class BitmapDot(wiring.Component):
    """Compressed rows times X, ``macs`` non-zeros a cycle, for ``cols`` columns at once. Ports with backpressure: ``h``
    headers, ``b`` bitmaps, ``v`` values, ``x`` rows of X, ``o`` a row of sums; ``error`` as of `BitmapDecoder`. From
    the last step of a row to its sums: `hwsim.bitmap_decoder.timing.dot` cycles.

    Args:
        config: the same object that the reference and the cycle model take.
        make: makes each part that is there many times; see `rtl.parts.registers`.
    """

    def __init__(self, config: DotConfig, make: Make = built):
        self.config, self.make = config, make
        super().__init__({
            "h": In(stream.Signature(layouts.header())), "b": In(stream.Signature(config.tile)),
            "v": In(stream.Signature(layouts.value_beat(config))),
            "x": In(stream.Signature(layouts.operand_beat(config))),
            "o": Out(stream.Signature(layouts.sum_beat(config))), "error": Out(stream.Signature(FAULT))})

    def elaborate(self, platform: object) -> Module:
        """Build the component."""
        m, config = Module(), self.config
        m.submodules.stop = stop = Stop()
        m.submodules.walk = walk = TileWalk(config)
        m.submodules.pair = pair = TilePair(config, walk)
        m.submodules.store = store = ValueWindow(config, config.most_taken)
        m.submodules.operand = operand = Operand(config, self.make)
        m.submodules.results = results = ResultQueue(layouts.sum_beat(config), config.o_depth, 1)
        step, matched = Signal(), Signal()
        watch(m, stop, {
            Fault.HEADER: walk.bad_header, Fault.BITMAP: pair.bad, Fault.TRUNCATED: store.truncated,
            Fault.OVERLONG: store.overlong, Fault.TOO_MANY: pair.valid & ~store.announced,
            Fault.TOO_FEW: pair.valid & pair.last & store.announced & ~store.exact,
            Fault.OPERAND: operand.too_long | (walk.busy & operand.full & ~matched)})
        m.d.comb += [
            *(part.run.eq(stop.run) for part in (walk, pair, store, operand)),
            store.begin.eq(walk.taken), store.values.eq(self.h.payload.values),
            store.want.eq(pair.count + pair.fill), store.take.eq(step), matched.eq(operand.rows == walk.elements),
            step.eq(pair.valid & stop.run & store.there & store.announced & (~pair.last | store.exact)
                    & (~pair.row_end | (results.free != 0)) & operand.full & matched),
            pair.step.eq(step), walk.finish.eq(step & pair.last), operand.release.eq(walk.finish),
            results.reserve.eq(step & pair.row_end)]
        self._multiply(m, pair, store, operand, results)
        for inner, port in ((walk.h, self.h), (pair.b, self.b), (store.v, self.v), (operand.x, self.x)):
            wiring.connect(m, wiring.flipped(port), inner)
        for inner, port in ((results.o, self.o), (stop.error, self.error)):
            wiring.connect(m, inner, wiring.flipped(port))
        return m

    def _multiply(self, m: Module, pair: TilePair, store: ValueWindow, operand: Operand, results: ResultQueue) -> None:
        """Behind a step: selection, X, and the columns."""
        config = self.config
        values = ArrayLayout(unsigned(config.element_bits), config.macs)
        chosen, there = Signal(values, reset_less=True), Signal(config.macs, reset_less=True)
        m.d.sync += [*(chosen[i].eq(self._value(pair, store, i)) for i in range(config.macs)), there.eq(pair.there),
                     operand.place.eq(pair.places), operand.slot.eq(operand.used)]
        read, meets = delayed(m, chosen, "read"), delayed(m, there, "meets", timing.OPERAND)
        latency = timing.dot(config) - timing.ACCUMULATE - timing.RESULT_QUEUE
        first = Signal(init=1)
        with m.If(pair.step):
            m.d.sync += first.eq(pair.row_end)
        control = Cat(pair.step, first, pair.row_end, pair.last)
        now = chain(m, control, 2, latency, "control")[-1]
        done = chain(m, Cat(now[0] & now[2], now[3]), 2, timing.ACCUMULATE, "done")[-1]
        for c in range(config.cols):
            m.submodules[f"column{c}"] = column = self.make("column", lambda: Column(config))
            m.d.comb += [column.valid.eq(now[0]), column.first.eq(now[1]), results.data.sums[c].eq(column.z)]
            for i in range(config.macs):
                m.d.comb += [column.values[i].eq(Mux(meets[i], read[i], 0)),
                             column.operands[i].eq(Mux(meets[i], operand.read[i][c], 0))]
        m.d.comb += [results.write.eq(done[0]), results.data.last.eq(done[1])]

    def _value(self, pair: TilePair, store: ValueWindow, lane: int) -> Any:
        """A lane's value: those of the tile behind stand beyond what fills up the tile at hand."""
        beyond: Value = Array(store.window[lane + skip] for skip in range(self.config.pad))[pair.fill]
        return Mux(pair.here > lane, store.window[lane], beyond)
