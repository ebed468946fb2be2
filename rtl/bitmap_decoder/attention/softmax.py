"""The online softmax: scores to weights, what is accumulated to the new maximum, and the normalisation at the end."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.attention import timing
from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.floats import FP16, FP32
from rtl.bitmap_decoder.attention.exponential import Exponential
from rtl.float import FloatAdd, FloatCompare, FloatMultiply, FloatMultiplyAdd, FloatRound
from rtl.parts.registers import chain, delayed

MINUS_INFINITY, ONE = 0xFF800000, 0x3C00


class Softmax(wiring.Component):
    """Between a block's keys and its values, `hwsim.bitmap_decoder.attention.timing.softmax` cycles; no back-pressure.

    ``block`` comes with a new block (``first``: of a query). ``begin`` comes in the cycle in which the last score is
    written. *Scan*: each score is read, scaled and written back, and the maximum is found. *Weigh*: the old maximum and
    the scaled scores go through 2^x. *Rescale*: the sum of the weights and the sums of the channels are multiplied with
    the decay, one a cycle, while weights come. ``ready`` stays from the end of both until the next block.

    With ``normalise``, the sum at ``normal_at`` goes through the multiplier with ``factor``, to ``normal`` in FP16
    ``multiply_stages`` + 1 cycles later. With ``fold`` (INT8 only), ``inverse`` goes through it with ``value_factor``,
    to ``data`` ``multiply_stages`` cycles later.
    """

    def __init__(self, config: AttentionConfig):
        self.config = config
        token, channel = range(config.tile), range(config.channels)
        folding = {"fold": In(1), "inverse": In(32), "value_factor": In(32)} if config.data_type == "int8" else {}
        super().__init__({
            **folding,
            "block": In(1), "first": In(1), "begin": In(1), "tokens": In(range(config.tile + 1)), "scale": In(32),
            "score_at": Out(token), "score": In(32), "sum_at": Out(channel), "sum": In(32),
            "write_score": Out(1), "write_sum": Out(1), "token": Out(token), "channel": Out(channel), "data": Out(32),
            "write_weight": Out(1), "weight_at": Out(token), "weight": Out(16), "ready": Out(1),
            "normalise": In(1), "normal_at": In(channel), "factor": In(32), "normal": Out(16),
            "maximum": Out(32, init=MINUS_INFINITY), "total": Out(32)})

    def elaborate(self, platform: object) -> Module:
        """Build multiplier, scan, weigh and rescale."""
        m, config = Module(), self.config
        m.submodules.multiply = multiply = FloatMultiply(FP32, config.multiply_stages)
        m.submodules.round = normal = FloatRound(FP16, timing.ROUND)
        m.d.comb += [normal.a.eq(multiply.z), self.normal.eq(normal.z), self.data.eq(multiply.z)]
        before, decay = Signal(32), Signal(32)
        scanning, index, weigh = self._scan(m, multiply.z)
        position, exponential, decayed, weighed = self._weigh(m, weigh, before)
        rescaling, entry, rescaled = self._rescale(m, decayed, multiply.z)
        with m.If(decayed):
            m.d.sync += decay.eq(exponential)
        m.d.comb += [
            self.ready.eq(weighed & rescaled), self.score_at.eq(Mux(scanning, index, position - 1)),
            self.sum_at.eq(Mux(self.normalise, self.normal_at, entry - 1)),
            multiply.a.eq(Mux(scanning, self.score, Mux(rescaling & (entry == 0), self.total, self.sum))),
            multiply.b.eq(Mux(scanning, self.scale, Mux(self.normalise, self.factor, decay)))]
        if config.data_type == "int8":
            with m.If(self.fold):
                m.d.comb += [multiply.a.eq(self.inverse), multiply.b.eq(self.value_factor)]
        with m.If(self.block):
            m.d.sync += before.eq(Mux(self.first, MINUS_INFINITY, self.maximum))
            with m.If(self.first):
                m.d.sync += [self.maximum.eq(MINUS_INFINITY), self.total.eq(0)]
        return m

    def _scan(self, m: Module, product: Value) -> tuple[Value, Value, Value]:
        """Whether a score is being read, which one, and whether the last one comes out of the multiplier."""
        scanning, index, last = Signal(), Signal(range(self.config.tile)), Signal()
        m.d.comb += last.eq(scanning & (index == self.tokens - 1))
        with m.If(scanning):
            m.d.sync += [index.eq(index + 1), scanning.eq(~last)]
        with m.If(self.begin):
            m.d.sync += [scanning.eq(1), index.eq(0)]
        scaled = chain(m, Cat(scanning, last, index), 2, self.config.multiply_stages, "scaled")[-1]
        m.submodules.compare = compare = FloatCompare(FP32, 0)
        m.d.comb += [self.write_score.eq(scaled[0]), self.token.eq(scaled[2:]), compare.a.eq(product),
                     compare.b.eq(self.maximum)]
        with m.If(scaled[0] & compare.gt):
            m.d.sync += self.maximum.eq(product)
        return scanning, index, scaled[1]

    def _weigh(self, m: Module, start: Value, before: Value) -> tuple[Value, Value, Value, Value]:
        """Position (0 the old maximum, then the scores), what comes out of 2^x, whether that is the decay, and whether
        all weights are written.
        """
        config = self.config
        weighing, position, last = Signal(), Signal(range(config.tile + 1)), Signal()
        m.d.comb += last.eq(position == self.tokens)
        with m.If(weighing):
            m.d.sync += [position.eq(position + 1), weighing.eq(~last)]
        with m.If(start):
            m.d.sync += [weighing.eq(1), position.eq(0)]
        m.submodules.subtract = subtract = FloatAdd(config.sum_stages)
        m.submodules.exponential = exponential = Exponential()
        m.submodules.weight = rounded = FloatRound(FP16, timing.ROUND)
        m.d.comb += [subtract.a.eq(Mux(position == 0, before, self.score)),
                     subtract.b.eq(Cat(self.maximum[:31], ~self.maximum[31])), exponential.d.eq(subtract.z),
                     rounded.a.eq(exponential.z)]
        control = Cat(weighing, last, position)
        found = chain(m, control, 2, config.sum_stages + timing.EXPONENTIAL, "found")[-1]
        decayed = Signal()
        m.d.comb += decayed.eq(found[0] & (found[2:] == 0))
        weight = Cat(found[0] & (found[2:] != 0), found[1:])
        there = chain(m, weight, 2, timing.ROUND + config.multiply_stages, "there")[-1]
        m.d.comb += [self.write_weight.eq(there[0]), self.weight_at.eq(there[2:] - 1),
                     self.weight.eq(delayed(m, rounded.z, "weight_held", config.multiply_stages))]
        return position, exponential.z, decayed, self._until_block(m, there[0] & there[1], "weighed")

    def _rescale(self, m: Module, start: Value, product: Value) -> tuple[Value, Value, Value]:
        """Whether something is being rescaled, what (0 the sum of the weights, then the sums of the channels), and
        whether all is.
        """
        config = self.config
        rescaling, entry, last = Signal(), Signal(range(config.channels + 1)), Signal()
        m.d.comb += last.eq(entry == config.channels)
        with m.If(rescaling):
            m.d.sync += [entry.eq(entry + 1), rescaling.eq(~last)]
        with m.If(start):
            m.d.sync += [rescaling.eq(1), entry.eq(0)]
        done = chain(m, Cat(rescaling, last, entry), 2, config.multiply_stages, "rescaled")[-1]
        m.submodules.total = total = FloatMultiplyAdd(FP16, 0)
        m.d.comb += [self.write_sum.eq(done[0] & (done[2:] != 0)), self.channel.eq(done[2:] - 1),
                     total.a.eq(self.weight), total.b.eq(Const(ONE, 16)), total.c.eq(self.total)]
        with m.If(done[0] & (done[2:] == 0)):
            m.d.sync += self.total.eq(product)
        with m.If(self.write_weight):
            m.d.sync += self.total.eq(total.z)
        return rescaling, entry, self._until_block(m, done[0] & done[1], "rescaled")

    def _until_block(self, m: Module, event: Value, name: str) -> Value:
        """A flag that stays from an event on until the next block."""
        flag = Signal(name=name)
        with m.If(self.block):
            m.d.sync += flag.eq(0)
        with m.If(event):
            m.d.sync += flag.eq(1)
        return flag
