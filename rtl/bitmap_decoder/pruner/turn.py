"""Keys: pruned vectors in, channels of groups of tokens out."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from rtl.bitmap_decoder import layouts as family_layouts
from rtl.bitmap_decoder.pruner import layouts
from rtl.bitmap_decoder.pruner.collect import TokenCollector
from rtl.bitmap_decoder.pruner.crossed import CrossedMemory
from rtl.bitmap_decoder.pruner.pack import BeatBuffer, Fit
from rtl.bitmap_decoder.pruner.select import filling, ones
from rtl.parts.registers import Make, built
from rtl.parts.result_queue import ResultQueue


class ColumnWalk(wiring.Component):
    """Go through a group channel by channel, ``lanes`` tokens a cycle: ``fetch`` reads them, and from the cycle after
    they are at ``hand`` until ``step``. The next group is taken in the cycle of the last fetch at the soonest, if it is
    ``ready`` and there is ``room`` for its header.
    """

    def __init__(self, config: PrunerConfig):
        self.config = config
        super().__init__({
            "ready": In(1), "group": In(layouts.group(config)), "turned": In(1), "room": In(1), "take": Out(1),
            "step": In(1), "fetch": Out(1), "reading": Out(1), "half": Out(1), "place": Out(range(config.most_beats)),
            "lane": Out(range(config.lanes)), "chunk": Out(range(config.most_chunks)),
            "hand": Out(layouts.at_hand(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the counters."""
        m, config, hand = Module(), self.config, self.hand
        now, left, final = Signal(layouts.group(config)), Signal(layouts.up_to(config.length)), Signal()
        reached = Array((chunk + 1) * config.lanes for chunk in range(config.most_chunks))[self.chunk]
        end, begin, wrap = Signal(), Signal(), Signal()
        m.d.comb += [
            end.eq(reached >= now.tokens), final.eq(self.fetch & end & (left == 1)),
            wrap.eq(self.lane == config.lanes - 1), self.fetch.eq(self.reading & (~hand.valid | self.step)),
            self.take.eq(self.ready & self.room & (~self.reading | final))]
        with m.If(self.step):
            m.d.sync += hand.valid.eq(0)
        with m.If(self.fetch):
            m.d.sync += [
                hand.valid.eq(1), hand.chunk.eq(self.chunk), hand.first.eq(self.chunk == 0), hand.end.eq(end),
                hand.begin.eq(begin), hand.last.eq(left == 1), hand.group.eq(now), begin.eq(0),
                self.chunk.eq(Mux(end, 0, self.chunk + 1))]
            with m.If(end):
                m.d.sync += [left.eq(left - 1), self.lane.eq(Mux(wrap, 0, self.lane + 1)),
                             self.place.eq(self.place + wrap)]
        with m.If(final):
            m.d.sync += self.reading.eq(0)
        with m.If(self.take):
            m.d.sync += [self.reading.eq(1), self.half.eq(self.turned), now.eq(self.group), begin.eq(1),
                         left.eq(self.group.channels), self.place.eq(0), self.lane.eq(0), self.chunk.eq(0)]
        return m


class KeyTurner(wiring.Component):
    """Turn groups of up to ``tile`` pruned vectors and pack them channel by channel, a double-buffered memory between:
    with ports that are always ready, vectors of two beats or more are taken without a gap.

    ``accept`` gives a vector when ``free``. Ports with backpressure: ``h`` a header for each group, ``b`` and ``c`` a
    bitmap and a record for each channel, ``v`` values. Cycles: `hwsim.bitmap_decoder.pruner.timing`.
    """

    def __init__(self, config: PrunerConfig, make: Make = built):
        self.config, self.make = config, make
        super().__init__({
            "accept": In(1), "given": In(layouts.vector(config)), "mask": In(config.length),
            "about": In(layouts.about(config)), "free": Out(1), "h": Out(stream.Signature(family_layouts.header())),
            "b": Out(stream.Signature(config.tile)), "c": Out(stream.Signature(layouts.record(config))),
            "v": Out(stream.Signature(family_layouts.value_beat(config)))})

    def elaborate(self, platform: object) -> Module:
        """Build collector, memory, walk and packing."""
        m, config = Module(), self.config
        m.submodules.collector = collector = TokenCollector(config)
        m.submodules.memory = memory = CrossedMemory(config, self.make)
        m.submodules.walk = walk = ColumnWalk(config)
        m.submodules.headers = headers = ResultQueue(family_layouts.header(), config.o_depth, 1)
        header, group = headers.data, collector.group
        m.d.comb += [
            collector.accept.eq(self.accept), collector.given.eq(self.given), collector.mask.eq(self.mask),
            collector.about.eq(self.about), self.free.eq(collector.free), collector.reading.eq(walk.reading),
            collector.at_half.eq(walk.half), collector.at_place.eq(walk.place), collector.take.eq(walk.take),
            memory.write.eq(collector.write), memory.half.eq(collector.half), memory.row.eq(collector.row),
            memory.turn.eq(collector.turn), memory.place.eq(collector.place), memory.elements.eq(collector.elements),
            memory.read.eq(walk.fetch), memory.at_half.eq(walk.half), memory.at_place.eq(walk.place),
            memory.at_lane.eq(walk.lane), memory.at_chunk.eq(walk.chunk), walk.ready.eq(collector.ready),
            walk.group.eq(group), walk.turned.eq(collector.turned), walk.room.eq(headers.free != 0),
            headers.reserve.eq(walk.take), headers.write.eq(walk.take), header.tile.eq(config.tile),
            header.elements.eq(group.tokens), header.rows.eq(group.channels), header.values.eq(group.values)]
        wiring.connect(m, headers.o, wiring.flipped(self.h))
        self._pack(m, walk, memory)
        return m

    def _pack(self, m: Module, walk: ColumnWalk, memory: CrossedMemory) -> None:
        """The chunk at hand; with a tile's first one go its bitmap and record."""
        config, hand, lanes = self.config, walk.hand, self.config.lanes
        m.submodules.buffer = buffer = BeatBuffer(config)
        m.submodules.fit = fit = Fit(config)
        m.submodules.bitmaps = bitmaps = ResultQueue(config.tile, config.b_slots, 1)
        m.submodules.records = records = ResultQueue(layouts.record(config), config.b_slots, 1)
        kept, left, told = Signal(config.tile), Signal(layouts.job_stored(config)), Signal()
        chunks = Array(kept[at:at + lanes] for at in range(0, config.tile, lanes))
        total = Mux(hand.begin, hand.group.values, left)
        m.d.comb += [
            kept.eq(memory.column & Cat(hand.group.tokens > token for token in range(config.tile))),
            fit.bits.eq(chunks[hand.chunk]), fit.tile_end.eq(hand.end), fit.left.eq(total), fit.step.eq(walk.step),
            fit.sent.eq(buffer.sent), told.eq(walk.step & hand.first),
            walk.step.eq(hand.valid & fit.fits & (~hand.first | ((bitmaps.free != 0) & (records.free != 0)))),
            buffer.step.eq(walk.step), buffer.chunk.eq(memory.chunk), buffer.bits.eq(fit.bits),
            buffer.added.eq(fit.added), buffer.final.eq(fit.exhausted), bitmaps.data.eq(Cat(reversed(kept))),
            *(signal.eq(told) for queue in (bitmaps, records) for signal in (queue.reserve, queue.write))]
        with m.If(walk.step):
            m.d.sync += left.eq(total - fit.taken)
        self._record(m, hand, ones(m, kept, "kept_count"), told, records.data)
        for inner, port in ((bitmaps.o, self.b), (records.o, self.c), (buffer.v, self.v)):
            wiring.connect(m, inner, wiring.flipped(port))

    def _record(self, m: Module, hand: Any, count: Value, told: Value, record: Any) -> None:
        """What is told of a tile; offsets count on over a batch, a group from a new beat on."""
        config, offset, start = self.config, Signal(32), Signal(32)
        beat = Mux(hand.last, filling(hand.group.values, config.beat_values), Const(0, 1))
        m.d.comb += [
            start.eq(Mux(hand.group.first & hand.begin, 0, offset)), record.count.eq(count), record.offset.eq(start),
            record.nan.eq(hand.group.nan), record.end.eq(hand.last), record.last.eq(hand.last & hand.group.last)]
        with m.If(told):
            m.d.sync += offset.eq(start + count + filling(count, config.pad) + beat)
