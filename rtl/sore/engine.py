"""The whole engine: intake, a bank of sorters for each direction, the transposer before the second, two queues."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.sore.config import SoreConfig
from rtl.parts.registers import Make, built
from rtl.parts.result_queue import ResultQueue
from rtl.sore import layouts
from rtl.sore.intake import Intake
from rtl.sore.sorter import SorterBank
from rtl.sore.transposer import Transposer


class Sore(wiring.Component):
    """Keep the N largest of every M weights, along rows and along lanes at once. Ports with backpressure: ``p``
    slices, ``i`` rows of weights, ``f`` and ``b`` results of the two directions. One row a cycle; from a group's last
    row to its first result 5 cycles (``f``) and M + 7 cycles (``b``); see `hwsim.sore.timing`.

    Args:
        config: the same object that the reference and the cycle model take.
        make: makes each part that is there many times; see `rtl.parts.registers`.
    """

    def __init__(self, config: SoreConfig, make: Make = built):
        self.config, self.make = config, make
        beat = layouts.result_beat(config)
        super().__init__({"p": In(stream.Signature(layouts.descriptor(config))),
                          "i": In(stream.Signature(layouts.row(config))),
                          "f": Out(stream.Signature(beat)), "b": Out(stream.Signature(beat))})

    def elaborate(self, platform: object) -> Module:
        """Build the engine."""
        m, config = Module(), self.config
        m.submodules.intake = intake = Intake(config)
        m.submodules.transposer = transposer = Transposer(config, self.make)
        m.submodules.f_sorters = f_sorters = SorterBank(config, self.make)
        m.submodules.b_sorters = b_sorters = SorterBank(config, self.make)
        wiring.connect(m, wiring.flipped(self.p), intake.p)
        wiring.connect(m, wiring.flipped(self.i), intake.i)
        for sink in (f_sorters, transposer):
            m.d.comb += [sink.step.eq(intake.step), sink.row.eq(intake.row)]
        m.d.comb += [f_sorters.step.valid.eq(intake.step.valid & intake.forward),
                     transposer.step.valid.eq(intake.step.valid & intake.backward),
                     b_sorters.step.eq(transposer.o_step), b_sorters.row.eq(transposer.o_row)]
        queues = (("f", f_sorters, intake.f_free, intake.f_reserve, self.f),
                  ("b", b_sorters, intake.b_free, intake.b_reserve, self.b))
        for name, bank, free, reserve, port in queues:
            m.submodules[f"{name}_queue"] = queue = ResultQueue(self.f.payload.shape(), config.o_depth, config.kept)
            m.d.comb += [free.eq(queue.free), queue.reserve.eq(reserve), queue.write.eq(bank.write),
                         queue.data.eq(bank.data)]
            wiring.connect(m, queue.o, wiring.flipped(port))
        return m
