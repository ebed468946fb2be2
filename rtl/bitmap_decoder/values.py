"""The value buffer: whole beats in, any number of values out in order, wherever in a beat they begin."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.config import BitmapConfig
from rtl.bitmap_decoder import layouts


class ValueWindow(wiring.Component):
    """Show the next values of a job and let any number of them be taken: a beat in and ``most_taken`` out a cycle.

    A beat that comes in cycle t can be taken from in t + 1; what is taken in t gives room in t + 1.

    *A ring of beats, rotated on reading.* Beats are written whole, so that partly used ones are never moved; a barrel
    shifter, one level for each bit of the read pointer, brings the next values to the front.

    ``begin`` empties the buffer and announces how many values come. ``there``: as many as ``want`` are in the buffer;
    ``announced``: they were announced; ``exact``: they are the last announced ones. ``take`` needs the first two.
    """

    def __init__(self, config: BitmapConfig, width: int):
        self.config, self.width = config, width
        super().__init__({
            "v": In(stream.Signature(layouts.value_beat(config))), "run": In(1), "begin": In(1),
            "values": In(32), "want": In(range(config.most_taken + 1)), "take": In(1),
            "window": Out(ArrayLayout(unsigned(config.element_bits), width)), "there": Out(1), "announced": Out(1),
            "exact": Out(1), "truncated": Out(1), "overlong": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build ring, counters and rotation."""
        m, config = Module(), self.config
        beat, capacity = config.beat_values, config.capacity
        level, read = Signal(range(capacity + 1)), Signal(range(capacity))
        write = Signal(range(config.buffer_beats))
        to_come, left = Signal(32), Signal(32)
        loaded, final = Signal(), Signal()
        m.d.comb += [
            self.v.ready.eq(self.run & (to_come != 0) & (level <= capacity - beat)),
            loaded.eq(self.v.valid & self.v.ready), final.eq(to_come <= beat),
            self.there.eq(level >= self.want), self.announced.eq(self.want <= left), self.exact.eq(self.want == left),
            self.truncated.eq(loaded & self.v.payload.last & ~final),
            self.overlong.eq(loaded & ~self.v.payload.last & final)]
        taken = Mux(self.take, self.want, 0)
        m.d.sync += [level.eq(level - taken + Mux(loaded, beat, 0)), left.eq(left - taken),
                     read.eq(_wrapped(read + taken, capacity))]
        with m.If(loaded):
            m.d.sync += [to_come.eq(Mux(final, 0, to_come - beat)), write.eq(_wrapped(write + 1, config.buffer_beats))]
        with m.If(self.begin):
            m.d.sync += [to_come.eq(self.values), left.eq(self.values), level.eq(0), read.eq(0), write.eq(0)]
        ring = self._ring(m, loaded, write)
        m.d.comb += self.window.eq(Cat(_rotated(m, ring, read, self.width)))
        return m

    def _ring(self, m: Module, loaded: Value, write: Value) -> list[Value]:
        """All places of the ring, one value each."""
        places: list[Value] = []
        for number in range(self.config.buffer_beats):
            held = Signal(self.v.payload.values.shape(), name=f"beat{number}", reset_less=True)
            with m.If(loaded & (write == number)):
                m.d.sync += held.eq(self.v.payload.values)
            places += [held[i] for i in range(self.config.beat_values)]
        return places


def _wrapped(value: Value, count: int) -> Value:
    """A number below 2 · count brought below count."""
    return Mux(value >= count, value - count, value)


def _rotated(m: Module, places: list[Value], by: Value, width: int) -> list[Value]:
    """The ``width`` places from ``by`` on; the largest step first, and no place that no smaller step can reach."""
    for bit in reversed(range(len(by))):
        step, after = 1 << bit, []
        for i in range(min(len(places), width + step - 1)):
            moved = Signal(len(places[0]), name=f"rotated_{bit}_{i}")
            m.d.comb += moved.eq(Mux(by[bit], places[(i + step) % len(places)], places[i]))
            after.append(moved)
        places = after
    return places[:width]
