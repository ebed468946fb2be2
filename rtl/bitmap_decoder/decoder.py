"""The decoder: bitmaps and packed values in, dense elements out."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.config import DecoderConfig
from rtl.bitmap_decoder import layouts
from rtl.bitmap_decoder.counts import prefix_counts
from rtl.bitmap_decoder.values import ValueWindow
from rtl.bitmap_decoder.walk import TileWalk
from rtl.parts.result_queue import ResultQueue
from rtl.parts.stop import FAULT, Fault, Stop, watch


class BitmapDecoder(wiring.Component):
    """Dense elements of compressed rows, ``lanes`` a cycle as long as their values are there. Ports with backpressure:
    ``h`` headers, ``b`` bitmaps, ``v`` values, ``o`` elements; ``error`` is offered once when the input makes no sense,
    and then nothing more is taken until the reset. From the last value or bitmap to the element: 4 or 5 cycles.

    Three stages: *scan* counts the ones among the next ``lanes`` bits; *step* takes as many values; *select* gives each
    lane whose bit is set the value of its rank. A step starts only with all its values and room for its result.

    Args:
        config: the same object that the reference and the cycle model take.
    """

    def __init__(self, config: DecoderConfig):
        self.config = config
        super().__init__({
            "h": In(stream.Signature(layouts.header())), "b": In(stream.Signature(config.tile)),
            "v": In(stream.Signature(layouts.value_beat(config))),
            "o": Out(stream.Signature(layouts.dense_beat(config))), "error": Out(stream.Signature(FAULT))})

    def elaborate(self, platform: object) -> Module:
        """Build the decoder."""
        m, config = Module(), self.config
        m.submodules.stop = stop = Stop()
        m.submodules.walk = walk = TileWalk(config)
        m.submodules.store = store = ValueWindow(config, config.lanes)
        m.submodules.results = results = ResultQueue(layouts.dense_beat(config), config.o_depth, 1)
        held, step = Signal(self._scanned()), Signal()
        scan = self._scan(m, stop.run, walk, held, step)
        watch(m, stop, {
            Fault.HEADER: walk.bad_header, Fault.BITMAP: scan & walk.bad_bits, Fault.TRUNCATED: store.truncated,
            Fault.OVERLONG: store.overlong, Fault.TOO_MANY: held.valid & ~store.announced,
            Fault.TOO_FEW: held.valid & held.last & store.announced & ~store.exact})
        m.d.comb += [walk.run.eq(stop.run), store.run.eq(stop.run), walk.finish.eq(step & held.last),
                     store.begin.eq(walk.taken), store.values.eq(self.h.payload.values), store.want.eq(held.take),
                     store.take.eq(step), results.reserve.eq(step),
                     step.eq(held.valid & stop.run & store.there & store.announced & (~held.last | store.exact)
                             & (results.free != 0))]
        self._select(m, store, results, held, step)
        for inner, port in ((walk.h, self.h), (store.v, self.v)):
            wiring.connect(m, wiring.flipped(port), inner)
        for inner, port in ((results.o, self.o), (stop.error, self.error)):
            wiring.connect(m, inner, wiring.flipped(port))
        return m

    def _scanned(self) -> StructLayout:
        """What the step stage holds: the next bits, how many values go with them, and what ends there."""
        return StructLayout({"valid": 1, "bits": self.config.lanes, "take": range(self.config.most_taken + 1),
                             "row_end": 1, "last": 1})

    def _scan(self, m: Module, run: Value, walk: TileWalk, held: Any, step: Value) -> Value:
        """Queue of bitmaps and scan stage; whether it goes on."""
        config, lanes = self.config, self.config.lanes
        m.submodules.queue = queue = SyncFIFO(width=config.tile, depth=config.b_slots)
        bits = Cat(reversed(queue.r_data), Const(0, config.chunks * lanes - config.tile))
        position, phase, scan, tile_end = Signal(range(config.chunks)), Signal(range(config.pad)), Signal(), Signal()
        chunk, count = Signal(lanes), Signal(range(lanes + 1))
        above, fill = Signal(range(config.pad)), Signal(range(config.pad))
        m.d.comb += [
            self.b.ready.eq(queue.w_rdy & run), queue.w_en.eq(self.b.valid & run), queue.w_data.eq(self.b.payload),
            walk.bits.eq(bits[:config.tile]), chunk.eq(bits.word_select(position, lanes)),
            count.eq(prefix_counts(m, list(chunk), "ones")[-1]), above.eq((phase + count) % config.pad),
            fill.eq(Mux(tile_end & (above != 0), config.pad - above, 0)),
            tile_end.eq(Array([(i + 1) * lanes for i in range(config.chunks)])[position] >= walk.size),
            scan.eq(run & walk.scanning & queue.r_rdy & (~held.valid | step)),
            walk.advance.eq(scan & tile_end), queue.r_en.eq(walk.advance)]
        with m.If(scan):
            m.d.sync += [position.eq(Mux(tile_end, 0, position + 1)), phase.eq(Mux(tile_end, 0, above)),
                         held.bits.eq(chunk), held.take.eq(count + fill), held.row_end.eq(tile_end & walk.row_end),
                         held.last.eq(tile_end & walk.job_end)]
        m.d.sync += held.valid.eq(scan | (held.valid & ~step))
        return scan

    def _select(self, m: Module, store: ValueWindow, results: ResultQueue, held: Any, step: Value) -> None:
        """Select stage: each lane whose bit is set gets the value that has as many before it as ones stand below."""
        config = self.config
        ranks = prefix_counts(m, list(held.bits), "rank")
        chosen, written = [], Signal()
        row_end, last = (Signal(name=f"selected_{name}", reset_less=True) for name in ("row_end", "last"))
        for lane in range(config.lanes):
            rank = Signal(range(lane + 1), name=f"lane{lane}_rank", reset_less=True)
            m.d.sync += rank.eq(ranks[lane])
            chosen.append(rank)
        window = Signal(ArrayLayout(unsigned(config.element_bits), config.lanes), reset_less=True)
        bits = Signal(config.lanes, reset_less=True)
        m.d.sync += [written.eq(step), window.eq(store.window), bits.eq(held.bits), row_end.eq(held.row_end),
                     last.eq(held.last)]
        m.d.comb += [results.write.eq(written), results.data.row_end.eq(row_end), results.data.last.eq(last)]
        for lane, rank in enumerate(chosen):
            value = Array(window[i] for i in range(lane + 1))[rank]
            m.d.comb += results.data.elements[lane].eq(Mux(bits[lane], value, 0))
