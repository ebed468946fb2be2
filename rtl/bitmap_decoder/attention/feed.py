"""The tile at hand, and which of its non-zeros are multiplied next."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from rtl.bitmap_decoder.attention.accumulators import words
from rtl.bitmap_decoder.counts import first_ones, prefix_counts


class TileFeed(wiring.Component):
    """Go through the tiles of a block: one of each channel's keys, then those of each token's values. A step a cycle
    takes the next ``macs`` non-zeros of a tile, and every tile takes a step at least. A bitmap reaches a step 2 cycles
    later; dense blocks take none from port ``b``.

    ``begin`` starts with a block of so many ``tokens``. ``valid``: a step can be taken, with ``step``; it takes
    ``count`` values for the accumulators at ``places`` where ``there``, and ``fill`` that fill up the tile. ``row`` is
    the channel of keys or the token of values, ``row_end`` tells of the last step of either. ``conflict``: one of the
    accumulators is being added to.
    """

    def __init__(self, config: AttentionConfig):
        self.config = config
        place = unsigned((words(config) - 1).bit_length())
        super().__init__({
            "b": In(stream.Signature(config.tile)), "run": In(1), "begin": In(1), "tokens": In(range(config.tile + 1)),
            "dense": In(1), "step": In(1), "valid": Out(1), "bad": Out(1), "there": Out(config.macs),
            "places": Out(ArrayLayout(place, config.macs)), "count": Out(range(config.macs + 1)),
            "fill": Out(range(config.pad)), "keys": Out(1), "row": Out(range(max(config.channels, config.tile))),
            "row_end": Out(1), "conflict": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build queue, tile at hand, and the search for ones."""
        m, config = Module(), self.config
        hand, load, ends = Signal(self._tile()), Signal(), Signal()
        loaded = self._load(m, load)
        places, there, rest = first_ones(m, list(hand.bits), config.macs, "ones")
        base = Mux(hand.keys, 0, (hand.segment + 1) * config.tile)
        m.d.comb += [
            ends.eq(hand.count <= config.macs), self.valid.eq(hand.valid), self.there.eq(Cat(there)),
            self.count.eq(Mux(ends, hand.count, config.macs)), self.fill.eq(Mux(ends, hand.fill, 0)),
            self.keys.eq(hand.keys), self.row.eq(hand.row), self.row_end.eq(ends & hand.row_end),
            load.eq(loaded.valid & (~hand.valid | (self.step & ends))),
            *(self.places[lane].eq(base + place) for lane, place in enumerate(places))]
        with m.If(self.step):
            m.d.sync += [hand.bits.eq(rest), hand.count.eq(hand.count - self.count), hand.valid.eq(~ends)]
        with m.If(load):
            m.d.sync += hand.eq(loaded)
        self._watch(m, hand, hand.bits & ~rest)
        return m

    def _tile(self) -> StructLayout:
        """A tile: bits and non-zeros that are left, values that fill it up, whose it is, and what ends with it."""
        config = self.config
        return StructLayout({
            "valid": 1, "bits": config.tile, "count": range(config.tile + 1), "fill": range(config.pad), "keys": 1,
            "row": self.row.shape(), "segment": unsigned(max((config.segments - 1).bit_length(), 1)), "row_end": 1})

    def _load(self, m: Module, load: Value) -> Any:
        """Queue of bitmaps, and the next tile."""
        config, tile = self.config, self.config.tile
        m.submodules.queue = queue = SyncFIFO(width=tile, depth=config.b_slots)
        loaded, loading, above = Signal(self._tile()), Signal(), Signal(range(config.pad))
        keys, row, segment = Signal(), Signal.like(self.row, name="next_row"), Signal.like(loaded.segment)
        inside, bits = Signal(tile), Signal(tile)
        count = prefix_counts(m, list(bits), "tile")[-1]
        m.d.comb += [
            self.b.ready.eq(queue.w_rdy & self.run), queue.w_en.eq(self.b.valid & self.run),
            queue.w_data.eq(self.b.payload), queue.r_en.eq(load & ~self.dense),
            inside.eq(Cat(~keys | (self.tokens > i) for i in range(tile))),
            bits.eq(Mux(self.dense, inside, Cat(reversed(queue.r_data)))), self.bad.eq(load & (bits & ~inside).any()),
            above.eq(count % config.pad), loaded.valid.eq(self.run & loading & (self.dense | queue.r_rdy)),
            loaded.bits.eq(bits), loaded.count.eq(count), loaded.keys.eq(keys), loaded.row.eq(row),
            loaded.fill.eq(Mux(self.dense | (above == 0), 0, config.pad - above)), loaded.segment.eq(segment),
            loaded.row_end.eq(Mux(keys, row == config.channels - 1,
                                  (row == self.tokens - 1) & (segment == config.segments - 1)))]
        with m.If(load):
            with m.If(keys | (segment == config.segments - 1)):
                m.d.sync += [row.eq(Mux(loaded.row_end, 0, row + 1)), segment.eq(0)]
                with m.If(loaded.row_end):
                    m.d.sync += [keys.eq(0), loading.eq(keys)]
            with m.Else():
                m.d.sync += segment.eq(segment + 1)
        with m.If(self.begin):
            m.d.sync += [loading.eq(1), keys.eq(1), row.eq(0), segment.eq(0)]
        return loaded

    def _watch(self, m: Module, hand: Any, taken: Value) -> None:
        """Which elements the last ``sum_stages`` steps add to."""
        config, hits = self.config, []
        group = Cat(hand.keys, hand.segment)
        before = Mux(self.step, taken, 0)
        for age in range(config.sum_stages):
            mask, of = Signal(config.tile, name=f"taken{age}"), Signal(len(group), name=f"group{age}")
            m.d.sync += [mask.eq(before), of.eq(group)]
            hits.append((of == Cat(hand.keys, hand.segment)) & (mask & taken).any())
            before, group = mask, of
        m.d.comb += self.conflict.eq(Cat(hits).any())
