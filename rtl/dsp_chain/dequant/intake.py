"""The side of headers and words: which words belong to which tensor, and whether they end where they should."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.dequant.config import WIDTHS, DequantConfig
from rtl.dsp_chain.dequant import layouts
from rtl.dsp_chain.dequant.gearbox import times


class WordIntake(wiring.Component):
    """Take headers and, tensor after tensor without a pause, as many words as each says; hand the headers on.

    A header taken in cycle t begins its tensor in t + 1 at the soonest, and its words come from t + 2 on. A word is
    taken when there is ``room``, and handed on in the same cycle with ``write``. ``begun`` headers stand at
    ``header`` one cycle later, until ``next`` takes them. Nothing is taken without ``run``.
    """

    def __init__(self, config: DequantConfig):
        self.config = config
        super().__init__({
            "h": In(stream.Signature(layouts.header(config))), "w": In(stream.Signature(layouts.word_beat(config))),
            "run": In(1), "room": In(1), "write": Out(1), "begun": Out(1), "header": Out(layouts.header(config)),
            "next": In(1), "bad_header": Out(1), "truncated": Out(1), "overlong": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the two queues of headers and the counter of words."""
        m, config = Module(), self.config
        size = layouts.header(config).size
        m.submodules.waiting = waiting = SyncFIFO(width=size, depth=config.h_slots)
        m.submodules.handed = handed = SyncFIFO(width=size, depth=config.h_slots)
        first, to_come = Signal(layouts.header(config)), Signal(range(config.most_words + 1))
        load, final = Signal(), Signal()
        m.d.comb += [
            waiting.w_data.eq(self.h.payload), waiting.w_en.eq(self.h.valid & self.run),
            self.h.ready.eq(waiting.w_rdy & self.run), first.eq(waiting.r_data),
            self.w.ready.eq(self.run & self.room & (to_come != 0)), self.write.eq(self.w.valid & self.w.ready),
            final.eq(to_come == 1), self.truncated.eq(self.write & self.w.payload.last & ~final),
            self.overlong.eq(self.write & ~self.w.payload.last & final),
            load.eq(self.run & waiting.r_rdy & handed.w_rdy & ((to_come == 0) | (self.write & final))),
            self.bad_header.eq(load & (first.weights == 0)), waiting.r_en.eq(load),
            handed.w_en.eq(load & ~self.bad_header), handed.w_data.eq(waiting.r_data),
            self.begun.eq(handed.r_rdy), self.header.eq(handed.r_data), handed.r_en.eq(self.next)]
        bits = Array(times(first.weights, width) for width in WIDTHS)[first.code]
        words = (bits + config.word - 1) >> (config.word - 1).bit_length()
        m.d.sync += to_come.eq(Mux(load, words, to_come - self.write))
        return m
