"""The walk over a job's tiles: which one is at hand, how many elements it has, and what ends with it."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.config import BitmapConfig
from rtl.bitmap_decoder import layouts


class TileWalk(wiring.Component):
    """Take a header, then tell the tiles of its rows one by one. A header a job, the next after ``finish``.

    In the cycle after the header ``begun`` is set, and the first tile is at hand while ``scanning``; ``advance`` goes
    on to the next one. ``size`` is its number of elements, ``place`` that of its first element in the row. ``bad_bits``
    tells of ``bits`` (element 0 first) that are set behind the end.
    """

    def __init__(self, config: BitmapConfig):
        self.config = config
        header = layouts.header()
        super().__init__({
            "h": In(stream.Signature(header)), "run": In(1), "advance": In(1), "finish": In(1), "bits": In(config.tile),
            "taken": Out(1), "busy": Out(1), "bad_header": Out(1), "scanning": Out(1),
            "size": Out(range(config.tile + 1)), "place": Out(header["elements"].shape),
            "elements": Out(header["elements"].shape), "row_end": Out(1), "job_end": Out(1), "bad_bits": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the counters."""
        m, tile, told = Module(), self.config.tile, self.h.payload
        rows, left = Signal(told.rows.shape()), Signal(told.elements.shape())
        m.d.comb += [
            self.h.ready.eq(self.run & ~self.busy), self.taken.eq(self.h.valid & self.h.ready),
            self.bad_header.eq(self.taken & ((told.tile != tile) | (told.elements == 0) | (told.rows == 0))),
            self.row_end.eq(left <= tile), self.job_end.eq(self.row_end & (rows == 1)),
            self.size.eq(Mux(self.row_end, left, tile)),
            self.bad_bits.eq((self.bits & Cat(self.size <= i for i in range(tile))).any())]
        with m.If(self.advance):
            m.d.sync += [left.eq(left - tile), self.place.eq(self.place + tile)]
            with m.If(self.row_end):
                m.d.sync += [left.eq(self.elements), self.place.eq(0), rows.eq(rows - 1)]
            with m.If(self.job_end):
                m.d.sync += self.scanning.eq(0)
        with m.If(self.finish):
            m.d.sync += self.busy.eq(0)
        with m.If(self.taken):
            m.d.sync += [self.busy.eq(1), self.scanning.eq(1), self.elements.eq(told.elements), left.eq(told.elements),
                         self.place.eq(0), rows.eq(told.rows)]
        return m
