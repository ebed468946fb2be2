"""Chain and processing unit with stream ports."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain import timing
from hwsim.dsp_chain.config import ChainConfig, MpuConfig
from rtl.dsp_chain import layouts
from rtl.dsp_chain.chain import CsdChain
from rtl.dsp_chain.intake import Intake
from rtl.dsp_chain.line import line
from rtl.dsp_chain.vpu import Vpu
from rtl.parts.registers import Make, built, chain
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
        m.submodules.results = results = ResultQueue(layouts.result_entry(config), config.o_depth, 1)
        for chain_number in range(config.vpus):
            wiring.connect(m, wiring.flipped(self.a[chain_number]), intake.a[chain_number])
            wiring.connect(m, wiring.flipped(self.w[chain_number]), intake.w[chain_number])
        needs = intake.now.last
        m.d.comb += [intake.room.eq(~needs | (results.free != 0)), results.reserve.eq(intake.step & needs)]
        late, valid, beat, final = self._late(m, intake)
        after = Signal(layouts.control(config), reset_less=True)
        ended, written = Signal(reset_less=True), Signal()
        m.d.sync += [after.eq(late), ended.eq(final), written.eq(valid & late.last)]
        for i in range(config.vpus):
            m.submodules[f"vpu{i}"] = vpu = Vpu(config, self.make, self.primitive)
            m.d.comb += [vpu.activations.eq(intake.slices[i]), vpu.weights.eq(intake.weights[i]),
                         vpu.mode.eq(intake.control.mode), vpu.single.eq(intake.control.single),
                         vpu.late_mode.eq(late.mode), vpu.beat.eq(beat), vpu.first.eq(late.first),
                         vpu.valid.eq(valid), results.data.totals[i].eq(vpu.totals)]
        m.d.comb += [results.write.eq(written), results.data.mode.eq(after.mode), results.data.last.eq(ended)]
        self._leave(m, results)
        return m

    def _late(self, m: Module, intake: Intake) -> tuple[Any, Signal, Signal, Signal]:
        """Beside the sums of a beat: its control, whether there is one, its number in its block, whether the last."""
        config, wait = self.config, timing.sums(self.config)
        late = layouts.control(config)(line(m, intake.control.as_value(), wait, "late")[-1])
        valid = chain(m, intake.step, 2, timing.ISSUE + wait, "valid")[-1]
        beat, final = Signal(config.index_bits), Signal()
        with m.Switch(late.mode):
            for i, n in enumerate(config.modes):
                with m.Case(i):
                    m.d.comb += final.eq(beat == n - 1)
        with m.If(valid):
            m.d.sync += beat.eq(Mux(final, 0, beat + 1))
        return late, valid, beat, final

    def _leave(self, m: Module, results: ResultQueue) -> None:
        """Entries of the queue, lane by lane."""
        config, entry = self.config, results.o.payload
        lane, end = Signal(unsigned(max((config.lanes - 1).bit_length(), 1))), Signal()
        with m.Switch(entry.mode):
            for i, n in enumerate(config.modes):
                with m.Case(i):
                    m.d.comb += end.eq(lane == config.m // n - 1)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += lane.eq(Mux(end, 0, lane + 1))
        m.d.comb += [self.o.valid.eq(results.o.valid), results.o.ready.eq(self.o.ready & end),
                     self.o.payload.last.eq(entry.last & end)]
        for i in range(config.vpus):
            lanes = Array(entry.totals[i][place].as_value() for place in range(config.lanes))
            m.d.comb += self.o.payload.totals[i].as_value().eq(lanes[lane])
