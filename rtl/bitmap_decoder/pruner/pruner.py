"""The pruner: dense vectors in, bitmaps and packed values of their largest elements out."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from rtl.bitmap_decoder import layouts as family_layouts
from rtl.bitmap_decoder.pruner import layouts
from rtl.bitmap_decoder.pruner.intake import VectorIntake
from rtl.bitmap_decoder.pruner.pack import Packer
from rtl.bitmap_decoder.pruner.select import Selector
from rtl.bitmap_decoder.pruner.turn import KeyTurner
from rtl.parts.registers import Make, built
from rtl.parts.result_queue import ResultQueue
from rtl.parts.stop import FAULT, Fault, Stop, watch


class BitmapPruner(wiring.Component):
    """The ``keep`` largest of each vector, compressed. Ports with backpressure: ``p`` descriptors, ``i`` elements;
    ``h`` headers, ``b`` bitmaps and ``v`` values as `BitmapDecoder` takes them, ``c`` count and offset of each tile;
    ``error`` is offered once when a descriptor makes no sense, and then nothing more is taken until the reset.

    Latency from a vector's last beat: `hwsim.bitmap_decoder.pruner.timing.latency`; cycles a vector: `interval` there.
    Three vectors are under way: in the intake, in selection, in packing. A vector moves to selection only when the
    queues have room for its header and all its bitmaps, so that its header never waits for its bitmaps to be taken.

    Args:
        config: the same object that the reference and the cycle model take.
        make: how the banks of the transposing memory are made.
    """

    def __init__(self, config: PrunerConfig, make: Make = built):
        self.config, self.make = config, make
        super().__init__({
            "p": In(stream.Signature(layouts.descriptor(config))),
            "i": In(stream.Signature(layouts.input_beat(config))),
            "h": Out(stream.Signature(family_layouts.header())), "b": Out(stream.Signature(config.tile)),
            "c": Out(stream.Signature(layouts.record(config))),
            "v": Out(stream.Signature(family_layouts.value_beat(config))),
            "error": Out(stream.Signature(FAULT))})

    def elaborate(self, platform: object) -> Module:
        """Build intake and selection, and what follows for this side."""
        m, config = Module(), self.config
        m.submodules.stop = stop = Stop()
        m.submodules.intake = intake = VectorIntake(config)
        m.submodules.selector = selector = Selector(config)
        watch(m, stop, {Fault.HEADER: intake.bad})
        free = intake.full & (~selector.busy | selector.release)
        m.d.comb += [intake.run.eq(stop.run), selector.move.eq(intake.move), selector.given.eq(intake.vector),
                     selector.given_about.eq(intake.about)]
        if config.side == "keys":
            m.d.comb += intake.move.eq(free)
            self._keys(m, selector)
        else:
            m.d.comb += intake.move.eq(free & self._values(m, intake, selector))
        for inner, port in ((intake.p, self.p), (intake.i, self.i)):
            wiring.connect(m, wiring.flipped(port), inner)
        wiring.connect(m, stop.error, wiring.flipped(self.error))
        return m

    def _values(self, m: Module, intake: VectorIntake, selector: Selector) -> Value:
        """Tiles are told as they are marked, and the vector is packed; whether there is room for all that is told."""
        config, tiles, move = self.config, intake.about.tiles, intake.move
        m.submodules.packer = packer = Packer(config)
        m.submodules.headers = headers = ResultQueue(family_layouts.header(), config.o_depth, 1)
        m.submodules.bitmaps = bitmaps = ResultQueue(config.tile, config.b_slots, config.most_tiles)
        m.submodules.records = records = ResultQueue(layouts.record(config), config.b_slots, config.most_tiles)
        m.d.comb += [
            selector.release.eq(selector.done & packer.free),
            headers.reserve.eq(move), bitmaps.reserve.eq(Mux(move, tiles, 0)), records.reserve.eq(Mux(move, tiles, 0)),
            headers.write.eq(selector.final), headers.data.eq(selector.header), bitmaps.write.eq(selector.mark),
            bitmaps.data.eq(selector.bitmap), records.write.eq(selector.mark), records.data.eq(selector.record),
            packer.accept.eq(selector.release), packer.given.eq(selector.vector), packer.mask.eq(selector.mask),
            packer.values.eq(selector.values), packer.elements.eq(selector.about.elements)]
        for inner, port in ((headers.o, self.h), (bitmaps.o, self.b), (records.o, self.c), (packer.v, self.v)):
            wiring.connect(m, inner, wiring.flipped(port))
        return (headers.free != 0) & (bitmaps.free >= tiles) & (records.free >= tiles)

    def _keys(self, m: Module, selector: Selector) -> None:
        """The vector goes to the transposing memory; groups are told and packed behind it."""
        m.submodules.turner = turner = KeyTurner(self.config, self.make)
        m.d.comb += [
            selector.release.eq(selector.done & turner.free), turner.accept.eq(selector.release),
            turner.given.eq(selector.vector), turner.mask.eq(selector.mask), turner.about.eq(selector.about)]
        for inner, port in ((turner.h, self.h), (turner.b, self.b), (turner.c, self.c), (turner.v, self.v)):
            wiring.connect(m, inner, wiring.flipped(port))
