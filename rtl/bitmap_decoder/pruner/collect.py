"""The writing side of the transposing memory: tokens become groups."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from rtl.bitmap_decoder.pruner import layouts
from rtl.bitmap_decoder.pruner.select import ones


class TokenCollector(wiring.Component):
    """Write pruned vectors, ``lanes`` channels a cycle from the cycle after ``accept`` on; ``free`` as of the packer.

    A group ends with its token number ``tile``, or with its batch. From the cycle after its last write until ``take``
    it is ``ready``, with what ``group`` tells, in the half ``turned``. A write waits while its half is full, and while
    the channels that it would overwrite are still to be read: ``reading`` half ``at_half``, from ``at_place`` on.
    """

    def __init__(self, config: PrunerConfig):
        self.config = config
        place = range(config.most_beats)
        super().__init__({
            "accept": In(1), "given": In(layouts.vector(config)), "mask": In(config.length),
            "about": In(layouts.about(config)), "free": Out(1),
            "reading": In(1), "at_half": In(1), "at_place": In(place), "write": Out(1), "half": Out(1),
            "row": Out(range(config.tile)), "turn": Out(range(config.lanes)), "place": Out(place),
            "elements": Out(layouts.input_beat(config)),
            "take": In(1), "ready": Out(1), "turned": Out(1), "group": Out(layouts.group(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the walk over a vector's beats, and the two halves' state."""
        m, config = Module(), self.config
        vector, about = Signal(self.given.shape().size, reset_less=True), Signal(layouts.about(config))
        busy, full, waits, end, group_end = Signal(), Signal(2), Signal(), Signal(), Signal()
        lanes, bits = config.lanes, config.element_bits
        beat = Array(vector[at * lanes * bits:(at + 1) * lanes * bits] for at in range(config.most_beats))
        ends = Array((at + 1) * lanes for at in range(config.most_beats))[self.place]
        m.d.comb += [
            waits.eq(full.bit_select(self.half, 1)
                     | (self.reading & (self.at_half == self.half) & (self.at_place <= self.place))),
            self.write.eq(busy & ~waits), end.eq(self.write & (ends >= about.elements)), self.free.eq(~busy | end),
            group_end.eq(end & ((self.row == config.tile - 1) | about.last)),
            self.elements.as_value().eq(beat[self.place]), self.ready.eq(full.bit_select(self.turned, 1))]
        with m.If(self.write):
            m.d.sync += self.place.eq(Mux(end, 0, self.place + 1))
        with m.If(end):
            m.d.sync += [busy.eq(0), self.row.eq(Mux(group_end, 0, self.row + 1)),
                         self.turn.eq(Mux(group_end | (self.turn == lanes - 1), 0, self.turn + 1))]
        with m.If(group_end):
            m.d.sync += self.half.eq(~self.half)
        with m.If(self.take):
            m.d.sync += self.turned.eq(~self.turned)
        for half in range(2):
            with m.If(group_end & (self.half == half)):
                m.d.sync += full[half].eq(1)
            with m.Elif(self.take & (self.turned == half)):
                m.d.sync += full[half].eq(0)
        with m.If(self.accept):
            m.d.sync += [busy.eq(1), about.eq(self.about), vector.eq(
                Cat(Mux(self.mask[i], self.given[i], 0) for i in range(config.length)))]
        self._tell(m, about, group_end)
        return m

    def _tell(self, m: Module, about: Value, group_end: Value) -> None:
        """What is told of a group, of each half its own."""
        config, shape, fresh = self.config, layouts.group(self.config), Signal()
        now, told, *groups = (Signal(shape, name=name) for name in ("now", "told", "group0", "group1"))
        m.d.comb += [
            fresh.eq(self.row == 0), told.tokens.eq(self.row + 1), told.channels.eq(about.elements),
            told.values.eq(Mux(fresh & (self.place == 0), 0, now.values) + config.pad * self._begun(m, fresh)),
            told.nan.eq(Mux(fresh, 0, now.nan) | about.nan), told.first.eq(Mux(fresh, about.first, now.first)),
            told.last.eq(about.last), self.group.eq(Mux(self.turned, groups[1].as_value(), groups[0].as_value()))]
        with m.If(self.write):
            m.d.sync += now.values.eq(told.values)
        with m.If(self.write & (self.place == 0)):
            m.d.sync += [now.nan.eq(told.nan), now.first.eq(told.first)]
        for half, held in enumerate(groups):
            with m.If(group_end & (self.half == half)):
                m.d.sync += held.eq(told)

    def _begun(self, m: Module, fresh: Value) -> Value:
        """Channels whose element begins a new filling of ``pad`` values; each channel counts its own."""
        config, lanes, pad = self.config, self.config.lanes, self.config.pad
        if pad == 1:
            return ones(m, [element != 0 for element in self.elements], "begun")
        width = (pad - 1).bit_length()
        phases = [Signal(lanes * width, name=f"phases{place}") for place in range(config.most_beats)]
        at, begun, after = Signal(lanes * width), [], []
        m.d.comb += at.eq(Mux(fresh, 0, Array(phases)[self.place]))
        for lane in range(lanes):
            phase, kept = at[lane * width:(lane + 1) * width], self.elements[lane] != 0
            begun.append(kept & (phase == 0))
            after.append(Mux(kept, Mux(phase == pad - 1, 0, phase + 1), phase)[:width])
        for place, held in enumerate(phases):
            with m.If(self.write & (self.place == place)):
                m.d.sync += held.eq(Cat(after))
        return ones(m, Cat(begun), "begun")
