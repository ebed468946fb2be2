"""The whole attention unit."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.attention import timing
from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.floats import FP16
from rtl.bitmap_decoder import layouts as family_layouts
from rtl.bitmap_decoder.attention import layouts
from rtl.bitmap_decoder.attention.accumulators import Accumulators
from rtl.bitmap_decoder.attention.feed import TileFeed
from rtl.bitmap_decoder.attention.reciprocal import Reciprocal
from rtl.bitmap_decoder.attention.softmax import Softmax
from rtl.bitmap_decoder.values import ValueWindow
from rtl.float import FloatMultiply
from rtl.parts.registers import chain, delayed
from rtl.parts.result_queue import ResultQueue
from rtl.parts.stop import FAULT, Fault, Stop, watch


class BitmapAttention(wiring.Component):
    """Attention of one query after the other to blocks of compressed or dense keys and values, ``macs`` non-zeros a
    cycle. Ports with backpressure: ``h`` a block's header, ``q`` queries, ``b`` bitmaps, ``v`` stored keys and values,
    ``o`` channels of the output, ``s`` maximum and sum; ``error`` as of `BitmapDecoder`. Block after block and query
    after query, each when the one before is done; constants in `hwsim.bitmap_decoder.attention.timing`.

    Args:
        config: the same object that the reference and the cycle model take.
    """

    def __init__(self, config: AttentionConfig):
        self.config = config
        super().__init__({
            "h": In(stream.Signature(layouts.header(config))), "q": In(stream.Signature(layouts.query_beat(config))),
            "b": In(stream.Signature(config.tile)), "v": In(stream.Signature(family_layouts.value_beat(config))),
            "o": Out(stream.Signature(layouts.result())), "s": Out(stream.Signature(layouts.summary())),
            "error": Out(stream.Signature(FAULT))})

    def elaborate(self, platform: object) -> Module:
        """Build the unit."""
        m, config = Module(), self.config
        m.submodules.stop = stop = Stop()
        m.submodules.feed = feed = TileFeed(config)
        m.submodules.store = store = ValueWindow(config, config.macs)
        m.submodules.sums = sums = Accumulators(config)
        m.submodules.softmax = softmax = Softmax(config)
        taken, bad, now, busy = self._headers(m, stop.run)
        step, keys_end, end = Signal(), Signal(), Signal()
        query, there = self._query(m, stop.run, keys_end & now.last)
        final = feed.row_end & ~feed.keys
        m.d.comb += [
            feed.run.eq(stop.run), feed.begin.eq(taken), feed.tokens.eq(now.tokens), feed.dense.eq(now.dense),
            feed.step.eq(step), store.run.eq(stop.run), store.begin.eq(taken), store.take.eq(step),
            store.values.eq(self.h.payload.values), store.want.eq(feed.count + feed.fill),
            keys_end.eq(step & feed.row_end & feed.keys), end.eq(step & final),
            step.eq(feed.valid & stop.run & store.there & store.announced & (~final | store.exact) & ~feed.conflict
                    & Mux(feed.keys, there, softmax.ready))]
        watch(m, stop, {
            Fault.HEADER: bad, Fault.BITMAP: feed.bad, Fault.TRUNCATED: store.truncated, Fault.OVERLONG: store.overlong,
            Fault.TOO_MANY: feed.valid & ~store.announced,
            Fault.TOO_FEW: feed.valid & final & store.announced & ~store.exact})
        self._multiply(m, feed, store, sums, Array(query)[feed.row], softmax)
        self._soften(m, softmax, sums, taken, now, keys_end)
        emitted = self._normalise(m, softmax, taken, now, end)
        with m.If(Mux(now.last, emitted, end)):
            m.d.sync += busy.eq(0)
        for inner, port in ((feed.b, self.b), (store.v, self.v)):
            wiring.connect(m, wiring.flipped(port), inner)
        wiring.connect(m, stop.error, wiring.flipped(self.error))
        return m

    def _headers(self, m: Module, run: Value) -> tuple[Value, Value, Any, Signal]:
        """Whether a header is taken, whether it is wrong, the block at hand, and whether there is one."""
        told, config = self.h.payload, self.config
        taken, busy, now, first = Signal(), Signal(), Signal(layouts.header(config)), Signal(init=1)
        m.d.comb += [self.h.ready.eq(run & ~busy & ~self.s.valid), taken.eq(self.h.valid & self.h.ready)]
        with m.If(taken):
            m.d.sync += [now.eq(told), busy.eq(1), first.eq(told.last)]
        wrong = (told.tokens == 0) | (told.tokens > config.tile) | (told.first != first)
        return taken, taken & wrong, now, busy

    def _query(self, m: Module, run: Value, release: Value) -> tuple[list[Value], Value]:
        """The query's channels, and whether all are there. The next one may come from ``release`` on."""
        config = self.config
        beats, width = config.query_beats, config.query_values
        full, count, loaded, channels = Signal(), Signal(range(beats)), Signal(), []
        m.d.comb += [self.q.ready.eq(run & ~full), loaded.eq(self.q.valid & self.q.ready)]
        with m.If(loaded):
            m.d.sync += [count.eq(Mux(count == beats - 1, 0, count + 1)), full.eq(count == beats - 1)]
        with m.If(release):
            m.d.sync += full.eq(0)
        for channel in range(config.channels):
            held = Signal(16, name=f"query{channel}", reset_less=True)
            with m.If(loaded & (count == channel // width)):
                m.d.sync += held.eq(self.q.payload[channel % width])
            channels.append(held)
        return channels, full

    def _multiply(self, m: Module, feed: TileFeed, store: ValueWindow, sums: Accumulators, channel: Value,
                  softmax: Softmax) -> None:
        """Behind a step: its values and their factor in registers, then the multipliers, then the accumulators."""
        config = self.config
        weights = [Signal(16, name=f"weight{token}", reset_less=True) for token in range(config.tile)]
        for token, weight in enumerate(weights):
            with m.If(softmax.write_weight & (softmax.weight_at == token)):
                m.d.sync += weight.eq(softmax.weight)
        values = Signal(store.window.shape(), reset_less=True)
        factor, places = Signal(16, reset_less=True), Signal(sums.places.shape(), reset_less=True)
        m.d.sync += [values.eq(store.window), places.eq(feed.places),
                     factor.eq(Mux(feed.keys, channel, Array(weights)[feed.row]))]
        valid = chain(m, feed.there & feed.step.replicate(config.macs), 2, timing.SELECT + config.product_stages,
                      "lanes")[-1]
        m.d.comb += [sums.valid.eq(valid), sums.places.eq(delayed(m, places, "places", config.product_stages))]
        for lane in range(config.macs):
            m.submodules[f"multiply{lane}"] = unit = FloatMultiply(FP16, config.product_stages)
            m.d.comb += [unit.a.eq(self._half(values[lane])), unit.b.eq(factor), sums.products[lane].eq(unit.z)]

    def _half(self, value: Value) -> Value:
        """A key or value as FP16. *Whole numbers as subnormals*: INT8 magnitudes are fractions, multiples of 2^-24."""
        if self.config.data_type == "fp16":
            return value
        sign = value[-1]
        return Cat(Mux(sign, -value, value)[:8], Const(0, 7), sign)

    def _soften(self, m: Module, softmax: Softmax, sums: Accumulators, taken: Value, now: Any, end: Value) -> None:
        """Softmax and accumulators; it begins when the last score is written."""
        written = timing.accumulated(self.config) - timing.ACCUMULATE
        m.d.comb += [
            softmax.block.eq(taken), softmax.first.eq(self.h.payload.first), softmax.tokens.eq(now.tokens),
            softmax.begin.eq(chain(m, end, 2, written, "keys_end")[-1]), softmax.scale.eq(now.scale),
            softmax.score.eq(sums.score), softmax.sum.eq(sums.sum), sums.score_at.eq(softmax.score_at),
            sums.sum_at.eq(softmax.sum_at), sums.write.eq(softmax.write_score | softmax.write_sum),
            sums.write_at.eq(Mux(softmax.write_score, softmax.token, softmax.channel + self.config.tile)),
            sums.data.eq(softmax.data), sums.clear_scores.eq(taken), sums.clear_sums.eq(taken & self.h.payload.first)]

    def _normalise(self, m: Module, softmax: Softmax, taken: Value, now: Any, end: Value) -> Value:
        """Reciprocal, results, maximum and sum; whether the last result is on its way."""
        config = self.config
        m.submodules.reciprocal = reciprocal = Reciprocal()
        m.submodules.results = results = ResultQueue(layouts.result(), config.o_depth, 1)
        summed, channel, issue, last = Signal(), Signal(range(config.channels)), Signal(), Signal()
        factor, there = self._factor(m, reciprocal, softmax, taken, now)
        written = timing.accumulated(config) - timing.ACCUMULATE
        m.d.comb += [
            reciprocal.a.eq(softmax.total), reciprocal.clear.eq(taken),
            reciprocal.start.eq(softmax.ready & now.last & ~reciprocal.busy & ~reciprocal.done),
            self.s.payload.maximum.eq(softmax.maximum), self.s.payload.total.eq(softmax.total),
            issue.eq(summed & there & (results.free != 0)), last.eq(channel == config.channels - 1),
            results.reserve.eq(issue), softmax.normalise.eq(issue), softmax.normal_at.eq(channel),
            softmax.factor.eq(factor)]
        with m.If(self.s.valid & self.s.ready):
            m.d.sync += self.s.valid.eq(0)
        with m.If(issue & (channel == 0)):
            m.d.sync += self.s.valid.eq(1)
        with m.If(issue):
            m.d.sync += [channel.eq(Mux(last, 0, channel + 1)), summed.eq(~last)]
        with m.If(chain(m, end & now.last, 2, written, "values_end")[-1]):
            m.d.sync += summed.eq(1)
        out = chain(m, Cat(issue, last), 2, config.multiply_stages + timing.ROUND, "out")[-1]
        m.d.comb += [results.write.eq(out[0]), results.data.last.eq(out[1]), results.data.value.eq(softmax.normal)]
        wiring.connect(m, results.o, wiring.flipped(self.o))
        return issue & last

    def _factor(self, m: Module, reciprocal: Reciprocal, softmax: Softmax, taken: Value,
                now: Any) -> tuple[Value, Value]:
        """What sums are multiplied with at the end, and whether it is there: the reciprocal, for INT8 once through the
        multiplier with what a value of 1 stands for. The multiplier is free then: the weights are done.
        """
        if self.config.data_type == "fp16":
            return reciprocal.z, reciprocal.done
        begun, there, factor = Signal(), Signal(), Signal(32, reset_less=True)
        m.d.comb += [softmax.fold.eq(reciprocal.done & ~begun), softmax.inverse.eq(reciprocal.z),
                     softmax.value_factor.eq(now.value_factor)]
        with m.If(taken):
            m.d.sync += [begun.eq(0), there.eq(0)]
        with m.If(softmax.fold):
            m.d.sync += begun.eq(1)
        with m.If(chain(m, softmax.fold, 2, self.config.multiply_stages, "folded")[-1]):
            m.d.sync += [factor.eq(softmax.data), there.eq(1)]
        return factor, there
