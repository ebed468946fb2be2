"""WUVE whose new weights go to SORE in the cycle in which they leave; see `hwsim.wuve.pregeneration`."""

from __future__ import annotations

from amaranth.hdl import Cat, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.sore.config import SoreConfig
from hwsim.wuve.config import WuveConfig
from hwsim.wuve.pregeneration import check_pair
from rtl.sore import layouts as sore_layouts
from rtl.sore.engine import Sore
from rtl.wuve import layouts as wuve_layouts
from rtl.wuve.engine import Wuve


class UpdateAndSelect(wiring.Component):
    """Update weights and select N:M of the new ones. Ports with backpressure: ``u`` hyper-parameters, ``i`` operands,
    ``p`` slices; ``o`` updated tensors, ``f`` and ``b`` selected weights. One row a cycle; no register between WUVE's
    result and SORE: a row leaves when ``o`` is ready and SORE takes it.

    SORE's ``ready`` does not fall before a row has come, so ``o`` does not withdraw an offer.

    Raises:
        InputError: engines of different lanes or data types.
    """

    def __init__(self, wuve: WuveConfig, sore: SoreConfig):
        check_pair(wuve, sore)
        self.wuve, self.sore = wuve, sore
        beat = sore_layouts.result_beat(sore)
        super().__init__({
            "u": In(stream.Signature(wuve_layouts.parameters(wuve))),
            "i": In(stream.Signature(wuve_layouts.operands(wuve))),
            "p": In(stream.Signature(sore_layouts.descriptor(sore))),
            "o": Out(stream.Signature(wuve_layouts.result_beat(wuve))),
            "f": Out(stream.Signature(beat)), "b": Out(stream.Signature(beat))})

    def elaborate(self, platform: object) -> Module:
        """Build both engines and the fork between them."""
        m = Module()
        m.submodules.wuve = wuve = Wuve(self.wuve)
        m.submodules.sore = sore = Sore(self.sore)
        for outer, inner in ((self.u, wuve.p), (self.i, wuve.i), (self.p, sore.p)):
            wiring.connect(m, wiring.flipped(outer), inner)
        for inner, outer in ((sore.f, self.f), (sore.b, self.b)):
            wiring.connect(m, inner, wiring.flipped(outer))
        lanes = wuve.o.payload.lanes
        m.d.comb += [
            self.o.payload.eq(wuve.o.payload), self.o.valid.eq(wuve.o.valid & sore.i.ready),
            sore.i.payload.eq(Cat(lanes[n].compute for n in range(self.wuve.lanes))),
            sore.i.valid.eq(wuve.o.valid & self.o.ready), wuve.o.ready.eq(self.o.ready & sore.i.ready)]
        return m
