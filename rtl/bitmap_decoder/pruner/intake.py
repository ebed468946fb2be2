"""The front of the pruner: descriptors, and beats that become whole vectors."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.floats import FP16
from rtl.bitmap_decoder.pruner import layouts


class VectorIntake(wiring.Component):
    """Take batches, a beat a cycle, without a gap between vectors or batches. A vector is ``full`` in the cycle after
    its last beat; the next one's first beat is taken in the cycle of ``move`` at the soonest.

    ``bad``: a descriptor that makes no sense is taken from the queue.
    """

    def __init__(self, config: PrunerConfig):
        self.config = config
        super().__init__({
            "p": In(stream.Signature(layouts.descriptor(config))),
            "i": In(stream.Signature(layouts.input_beat(config))),
            "run": In(1), "move": In(1), "full": Out(1), "bad": Out(1), "vector": Out(layouts.vector(config)),
            "about": Out(layouts.about(config))})

    def elaborate(self, platform: object) -> Module:
        """Build queue, counters and vector."""
        m, config = Module(), self.config
        shape = layouts.descriptor(config)
        m.submodules.queue = queue = SyncFIFO(width=shape.size, depth=config.p_slots)
        now, head = Signal(shape), Signal(shape)
        active, taken, end, final, load, first = (Signal(name=name) for name in (
            "active", "taken", "end", "final", "load", "first"))
        left, beat = Signal(layouts.up_to(config.length)), Signal(range(max(-(-config.length // config.lanes), 2)))
        m.d.comb += [
            self.p.ready.eq(queue.w_rdy & self.run), queue.w_en.eq(self.p.valid & self.run),
            queue.w_data.eq(self.p.payload), head.eq(queue.r_data), queue.r_en.eq(load),
            load.eq(self.run & queue.r_rdy & (~active | final)),
            self.bad.eq(load & ((head.elements == 0) | (head.elements > config.length) | (head.keep > head.elements)
                                | (head.vectors == 0))),
            self.i.ready.eq(self.run & active & (~self.full | self.move)), taken.eq(self.i.valid & self.i.ready),
            end.eq(left <= config.lanes), final.eq(taken & end & (now.vectors == 1))]
        with m.If(self.move):
            m.d.sync += self.full.eq(0)
        with m.If(taken):
            m.d.sync += [left.eq(Mux(end, now.elements, left - config.lanes)), beat.eq(Mux(end, 0, beat + 1))]
            with m.If(end):
                m.d.sync += [self.full.eq(1), now.vectors.eq(now.vectors - 1), first.eq(0)]
        with m.If(final):
            m.d.sync += active.eq(0)
        with m.If(load):
            m.d.sync += [active.eq(1), first.eq(1), now.eq(head), left.eq(head.elements)]
        there = [left > lane for lane in range(config.lanes)]
        self._vector(m, taken, beat, there)
        self._about(m, taken, beat, there, now, first, final)
        return m

    def _vector(self, m: Module, taken: Value, beat: Value, there: list[Value]) -> None:
        """Each element from its beat; the first beat clears all others, so that nothing stands behind the end."""
        lanes, length, bits = self.config.lanes, self.config.length, self.config.element_bits
        given = Signal(lanes * bits)
        m.d.comb += given.eq(Cat(Mux(there[lane], self.i.payload[lane], 0) for lane in range(lanes)))
        for number, begin in enumerate(range(0, length, lanes)):
            places = self.vector.as_value()[begin * bits:min(begin + lanes, length) * bits]
            with m.If(taken & (beat == number)):
                m.d.sync += places.eq(given)
            if number:
                with m.Elif(taken & (beat == 0)):
                    m.d.sync += places.eq(0)

    def _about(self, m: Module, taken: Value, beat: Value, there: list[Value], now: Any, first: Value,
               final: Value) -> None:
        """What goes with the vector."""
        config, nan, seen = self.config, Signal(), Signal()
        if config.data_type == "fp16":
            m.d.comb += nan.eq(Cat(there[lane] & (self.i.payload[lane][:15] > FP16.infinity)
                                   for lane in range(config.lanes)).any())
        tiles = sum((now.elements > tile * config.tile for tile in range(config.most_tiles)), Const(0, 1))
        with m.If(taken):
            m.d.sync += [seen.eq(Mux(beat == 0, 0, seen) | nan), self.about.nan.eq(Mux(beat == 0, 0, seen) | nan),
                         self.about.elements.eq(now.elements), self.about.keep.eq(now.keep),
                         self.about.tiles.eq(tiles), self.about.first.eq(first), self.about.last.eq(final)]
