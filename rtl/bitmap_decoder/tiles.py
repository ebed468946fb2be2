"""The two tiles that a step of the dot product sees, and what it takes from them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.config import MOST_ELEMENTS, DotConfig
from rtl.bitmap_decoder.counts import first_ones, prefix_counts
from rtl.bitmap_decoder.walk import TileWalk


def place_bits(config: DotConfig) -> int:
    """Bits of an element's place in its row."""
    return max((config.x_depth - 1).bit_length(), 1)


class TilePair(wiring.Component):
    """Offer the places of a row's next ``macs`` non-zeros, a step a cycle. A bitmap reaches a step 3 cycles later.

    The *tile at hand* and, where it has fewer non-zeros left, the one behind it. The tile at hand ends with the step
    that takes its last non-zero; then the one behind takes its place, and the next bitmap comes into that.

    ``valid``: a step can be taken, with ``step``; it takes ``count`` values and those ``fill`` that fill up the tile at
    hand, which stand behind the first ``here`` of them. ``scan``: a bitmap is looked at, and ``bad`` if it is wrong.
    """

    def __init__(self, config: DotConfig, walk: TileWalk):
        self.config, self.walk = config, walk
        number = range(config.macs + 1)
        super().__init__({
            "b": In(stream.Signature(config.tile)), "run": In(1), "step": In(1), "valid": Out(1), "scan": Out(1),
            "bad": Out(1), "there": Out(config.macs), "places": Out(ArrayLayout(place_bits(config), config.macs)),
            "here": Out(number), "count": Out(number), "fill": Out(range(config.pad)), "row_end": Out(1),
            "last": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build queue, tiles, and the search for ones."""
        m, macs = Module(), self.config.macs
        hand, behind = (Signal(self._tile(), name=name) for name in ("hand", "behind"))
        ends, needs, move, load = Signal(), Signal(), Signal(), Signal()
        loaded = self._load(m, load)
        wanted = list(hand.bits) + [bit & needs for bit in behind.bits]
        places, there, rest = first_ones(m, wanted, macs, "ones")
        m.d.comb += [
            ends.eq(hand.count <= macs), needs.eq((hand.count < macs) & ~hand.row_end),
            self.valid.eq(hand.valid & (~needs | behind.valid)), self.there.eq(Cat(there)),
            self.here.eq(Mux(ends, hand.count, macs)), self.count.eq(sum(there)), self.fill.eq(Mux(ends, hand.fill, 0)),
            self.row_end.eq(ends & hand.row_end), self.last.eq(ends & hand.last),
            move.eq(behind.valid & (~hand.valid | (self.step & ends))),
            load.eq(self.scan & (~behind.valid | move))]
        m.d.comb += [self.places[i].eq(hand.place + place) for i, place in enumerate(places)]
        tile = self.config.tile
        left = Signal(self._tile(), name="behind_left")
        m.d.comb += left.eq(behind)
        with m.If(self.step):
            m.d.sync += [hand.bits.eq(rest[:tile]), hand.count.eq(hand.count - self.here), hand.valid.eq(~ends)]
            with m.If(needs):
                m.d.comb += [left.bits.eq(rest[tile:]), left.count.eq(behind.count - (self.count - self.here))]
        m.d.sync += behind.eq(left)
        with m.If(move):
            m.d.sync += [hand.eq(left), behind.valid.eq(0)]
        with m.If(load):
            m.d.sync += behind.eq(loaded)
        return m

    def _tile(self) -> StructLayout:
        """A tile: bits and non-zeros that are left, values that fill it up, its place, and what ends with it."""
        config = self.config
        return StructLayout({"valid": 1, "bits": config.tile, "count": range(config.tile + 1),
                             "fill": range(config.pad), "place": MOST_ELEMENTS.bit_length(), "row_end": 1, "last": 1})

    def _load(self, m: Module, load: Value) -> Any:
        """Queue of bitmaps, and the next one as a tile."""
        config, walk = self.config, self.walk
        m.submodules.queue = queue = SyncFIFO(width=config.tile, depth=config.b_slots)
        bits = Cat(reversed(queue.r_data))
        loaded, above = Signal(self._tile(), name="loaded"), Signal(range(config.pad))
        count = prefix_counts(m, list(bits), "tile")[-1]
        m.d.comb += [
            self.b.ready.eq(queue.w_rdy & self.run), queue.w_en.eq(self.b.valid & self.run),
            queue.w_data.eq(self.b.payload), queue.r_en.eq(load), self.scan.eq(self.run & walk.scanning & queue.r_rdy),
            walk.bits.eq(bits), walk.advance.eq(load), self.bad.eq(load & walk.bad_bits),
            above.eq(count % config.pad), loaded.valid.eq(1), loaded.bits.eq(bits), loaded.count.eq(count),
            loaded.fill.eq(Mux(above != 0, config.pad - above, Const(0))), loaded.place.eq(walk.place),
            loaded.row_end.eq(walk.row_end), loaded.last.eq(walk.job_end)]
        return loaded
