"""The gearbox: whole words in, the bits of a beat out, whatever the width of its weights."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.dequant.config import WIDEST, WIDTHS, DequantConfig


class Gearbox(wiring.Component):
    """Hold words in a ring and bring the bits of the next beat to the front: a word in and a beat out a cycle.

    A word written in cycle t can be used from t + 1 on; one that a beat has used up gives ``room`` in the cycle after.
    ``there``: all bits of ``count`` weights of width ``code`` are held. ``take`` uses them up, with ``final`` also the
    rest of the word in which they end. Words are never moved: a multiplexer chooses the word in which a beat begins,
    and a shifter moves it by multiples of `DequantConfig.grain`.
    """

    def __init__(self, config: DequantConfig):
        self.config = config
        super().__init__({
            "write": In(1), "data": In(config.word), "room": Out(1), "code": In(range(len(WIDTHS))),
            "count": In(range(config.lanes + 1)), "final": In(1), "take": In(1), "there": Out(1),
            "window": Out(WIDEST * config.lanes)})

    def elaborate(self, platform: object) -> Module:
        """Build ring, pointers and window."""
        m, config = Module(), self.config
        words, depth = config.least_words, config.buffer_words
        level, write, read = Signal(range(depth + 1)), Signal(range(depth)), Signal(range(depth))
        shift = (config.word - 1).bit_length()
        low = (config.grain - 1).bit_length()
        offset = Signal(shift - low)  # in grains
        start = Cat(Const(0, low), offset)
        end = Signal(range(config.word + WIDEST * config.lanes))
        needed, passed = Signal(range(words + 1)), Signal(range(words + 1))
        m.d.comb += [
            self.room.eq(level != depth),
            end.eq(start + Array(times(self.count, width) for width in WIDTHS)[self.code]),
            needed.eq((end + config.word - 1) >> shift), self.there.eq(needed <= level),
            passed.eq(Mux(self.take, Mux(self.final, needed, end >> shift), 0))]
        m.d.sync += [level.eq(level + self.write - passed), read.eq(_wrapped(read + passed, depth))]
        with m.If(self.take):
            m.d.sync += offset.eq(Mux(self.final, 0, end[low:shift]))
        with m.If(self.write):
            m.d.sync += write.eq(_wrapped(write + 1, depth))
        ring = self._ring(m, write)
        spanned = Array(Cat(ring[(at + i) % depth] for i in range(words)) for at in range(depth))[read]
        m.d.comb += self.window.eq(spanned >> start)
        return m

    def _ring(self, m: Module, write: Value) -> list[Signal]:
        """The words."""
        ring = []
        for number in range(self.config.buffer_words):
            held = Signal(self.config.word, name=f"word{number}", reset_less=True)
            with m.If(self.write & (write == number)):
                m.d.sync += held.eq(self.data)
            ring.append(held)
        return ring


def times(count: Value, width: int) -> Value:
    """A number times the constant width, as a sum of shifts: a product would take a DSP slice."""
    return sum((count << place for place in range(width.bit_length()) if width >> place & 1), Const(0, 1))


def _wrapped(value: Value, count: int) -> Value:
    """A number below 2 · count brought below count."""
    return Mux(value >= count, value - count, value)
