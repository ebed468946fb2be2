"""Chain and processing unit with stream ports."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain import timing
from hwsim.dsp_chain.config import ChainConfig, MpuConfig
from rtl.dsp_chain import layouts
from rtl.dsp_chain.chain import CsdChain
from rtl.dsp_chain.intake import Intake
from rtl.dsp_chain.line import line
from rtl.dsp_chain.outputs import OutputQueue
from rtl.dsp_chain.vpu import Vpu
from rtl.parts.registers import Make, built, chain, controlled, delayed
from rtl.parts.result_queue import ResultQueue


class SparseChain(wiring.Component):
    """A `CsdChain` with ports: ``a`` slices of activations, ``w`` weight beats, ``o`` M / N sums for each beat. One
    beat a cycle; from a step to its sums `hwsim.dsp_chain.timing.chain` cycles; backpressure on all ports.

    Args:
        config: the same object that the reference and the cycle model take.
        make: makes each part that is there many times; see `rtl.parts.registers`.
        primitive: DSP slices as instances of DSP48E2.
    """

    def __init__(self, config: ChainConfig, make: Make = built, primitive: bool = False):
        self.config, self.make, self.primitive = config, make, primitive
        super().__init__({"a": In(stream.Signature(layouts.activations(config))),
                          "w": In(stream.Signature(layouts.weight_beat(config))),
                          "o": Out(stream.Signature(layouts.sums(config)))})

    def elaborate(self, platform: object) -> Module:
        """Build the device."""
        m, config = Module(), self.config
        m.submodules.intake = intake = Intake(config)
        m.submodules.chain = csd = CsdChain(config, self.make, self.primitive)
        m.submodules.results = results = ResultQueue(layouts.sums(config), config.o_depth, 1)
        wiring.connect(m, wiring.flipped(self.a), intake.a[0])
        wiring.connect(m, wiring.flipped(self.w), intake.w[0])
        wiring.connect(m, results.o, wiring.flipped(self.o))
        written = chain(m, intake.step, 2, timing.ISSUE + timing.sums(config), "written")[-1]
        m.d.comb += [intake.room.eq(results.free != 0), results.reserve.eq(intake.step),
                     csd.activations.eq(intake.slices[0]), csd.weights.eq(intake.weights[0]),
                     csd.mode.eq(intake.control.mode), csd.single.eq(intake.control.single),
                     results.write.eq(written), results.data.eq(csd.sums)]
        return m


class Mpu(wiring.Component):
    """Chains side by side, with accumulators. Ports: ``a`` slices and ``w`` weight beats, one each a chain; ``o``
    results, one output of every chain a beat, output 0 of the column first. One weight beat a cycle; from the step that
    completes an output to the port `hwsim.dsp_chain.timing.mpu` cycles; backpressure on all ports.

    Args:
        config: the same object that the reference and the cycle model take.
        make: makes each part that is there many times; see `rtl.parts.registers`.
        primitive: DSP slices as instances of DSP48E2.
    """

    def __init__(self, config: MpuConfig, make: Make = built, primitive: bool = False):
        self.config, self.make, self.primitive = config, make, primitive
        super().__init__({"a": In(stream.Signature(layouts.activations(config))).array(config.vpus),
                          "w": In(stream.Signature(layouts.weight_beat(config))).array(config.vpus),
                          "o": Out(stream.Signature(layouts.result(config)))})

    def elaborate(self, platform: object) -> Module:
        """Build the unit."""
        m, config = Module(), self.config
        m.submodules.intake = intake = Intake(config)
        m.submodules.results = results = OutputQueue(config, self.make)
        wiring.connect(m, results.o, wiring.flipped(self.o))
        for chain_number in range(config.vpus):
            wiring.connect(m, wiring.flipped(self.a[chain_number]), intake.a[chain_number])
            wiring.connect(m, wiring.flipped(self.w[chain_number]), intake.w[chain_number])
        needs = intake.now.last
        late, hits = self._late(m, intake)
        m.d.comb += [results.mode.eq(intake.now.mode), intake.room.eq(~needs | results.room),
                     results.reserve.eq(intake.step & needs), results.write_mode.eq(delayed(m, late.mode, "after")),
                     results.writes.eq(controlled(m, Mux(late.last, hits, 0), "writes"))]
        for i in range(config.vpus):
            m.submodules[f"vpu{i}"] = vpu = Vpu(config, self.make, self.primitive)
            m.d.comb += [vpu.activations.eq(intake.slices[i]), vpu.weights.eq(intake.weights[i]),
                         vpu.mode.eq(intake.control.mode), vpu.single.eq(intake.control.single),
                         vpu.late_mode.eq(late.mode), vpu.first.eq(late.first), vpu.hits.eq(hits),
                         results.totals[i].eq(vpu.totals)]
        return m

    def _late(self, m: Module, intake: Intake) -> tuple[Any, Signal]:
        """Beside the sums of a beat: its control, and which of the M outputs they belong to; none without a beat."""
        config, wait = self.config, timing.sums(self.config)
        late = layouts.control(config)(line(m, intake.control.as_value(), wait, "late")[-1])
        valid = chain(m, intake.step, 2, timing.ISSUE + wait, "valid")[-1]
        beat, final, hits = Signal(config.index_bits), Signal(), Signal(config.m)
        with m.Switch(late.mode):
            for i, n in enumerate(config.modes):
                with m.Case(i):
                    m.d.comb += [final.eq(beat == n - 1),
                                 *(hits[o].eq(valid & (beat == o * n // config.m)) for o in range(config.m))]
        with m.If(valid):
            m.d.sync += beat.eq(Mux(final, 0, beat + 1))
        return late, hits
