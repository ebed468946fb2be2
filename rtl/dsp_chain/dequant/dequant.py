"""The dequantiser: packed weights and their scales in, INT8 weights out."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.dequant import timing
from hwsim.dsp_chain.dequant.config import WIDEST, WIDTHS, DequantConfig
from rtl.dsp_chain.dequant import layouts
from rtl.dsp_chain.dequant.gearbox import Gearbox
from rtl.dsp_chain.dequant.intake import WordIntake
from rtl.dsp_chain.dequant.lane import ScaleLane
from rtl.parts.registers import Make, built, controlled, delayed
from rtl.parts.result_queue import ResultQueue
from rtl.parts.stop import FAULT, Fault, Stop, watch


class Dequant(wiring.Component):
    """INT8 weights of packed tensors, ``lanes`` a cycle as long as their words are there. Ports with backpressure:
    ``h`` headers, ``w`` words, ``s`` scales, ``o`` weights; from the last word of a beat to the beat 1 +
    `hwsim.dsp_chain.dequant.timing.LATENCY` cycles. ``error`` is offered once when a header or the end of the words
    makes no sense; then no header and no word is taken until the reset, but scales are, so that everything leaves
    that the words taken before are enough for.

    Args:
        config: the same object that the reference and the cycle model take.
        make: makes each lane; see `rtl.parts.registers`.
    """

    def __init__(self, config: DequantConfig, make: Make = built):
        self.config, self.make = config, make
        super().__init__({
            "h": In(stream.Signature(layouts.header(config))), "w": In(stream.Signature(layouts.word_beat(config))),
            "s": In(stream.Signature(layouts.scale(config))),
            "o": Out(stream.Signature(layouts.weight_beat(config))), "error": Out(stream.Signature(FAULT))})

    def elaborate(self, platform: object) -> Module:
        """Build the dequantiser."""
        m, config = Module(), self.config
        m.submodules.stop = stop = Stop()
        m.submodules.intake = intake = WordIntake(config)
        m.submodules.gearbox = gearbox = Gearbox(config)
        m.submodules.scales = scales = SyncFIFO(width=layouts.scale(config).size, depth=config.s_slots)
        m.submodules.results = results = ResultQueue(layouts.weight_beat(config), config.o_depth, 1)
        watch(m, stop, {Fault.HEADER: intake.bad_header, Fault.TRUNCATED: intake.truncated,
                        Fault.OVERLONG: intake.overlong})
        m.d.comb += [intake.run.eq(stop.run), intake.room.eq(gearbox.room), gearbox.write.eq(intake.write),
                     gearbox.data.eq(self.w.payload.bits), self.s.ready.eq(scales.w_rdy),
                     scales.w_en.eq(self.s.valid), scales.w_data.eq(self.s.payload)]
        step = self._steps(m, intake, gearbox, scales, results)
        scale = Signal(layouts.scale(config))
        m.d.comb += scale.eq(scales.r_data)
        self._lanes(m, gearbox, scale, step, results)
        for inner, port in ((intake.h, self.h), (intake.w, self.w)):
            wiring.connect(m, wiring.flipped(port), inner)
        for inner, port in ((results.o, self.o), (stop.error, self.error)):
            wiring.connect(m, inner, wiring.flipped(port))
        return m

    def _steps(self, m: Module, intake: WordIntake, gearbox: Gearbox, scales: SyncFIFO, results: ResultQueue) -> Value:
        """Walk through the beats of one tensor after the other; a step whenever bits, scale and room are there."""
        config = self.config
        now, active = Signal(layouts.header(config)), Signal()
        step, final, start, group_end = (Signal(name=name) for name in ("step", "final", "start", "group_end"))
        beats = config.group // config.lanes
        beat = Signal(range(beats))  # of the group
        m.d.comb += [
            final.eq(now.weights <= config.lanes), group_end.eq(beat == beats - 1), gearbox.code.eq(now.code),
            gearbox.count.eq(Mux(final, now.weights, config.lanes)), gearbox.final.eq(final), gearbox.take.eq(step),
            step.eq(active & gearbox.there & scales.r_rdy & (results.free != 0)), results.reserve.eq(step),
            scales.r_en.eq(step & (final | group_end)), start.eq(intake.begun & Mux(active, step & final, 1)),
            intake.next.eq(start)]
        with m.If(step):
            m.d.sync += [now.weights.eq(now.weights - config.lanes), active.eq(~final),
                         beat.eq(Mux(final | group_end, 0, beat + 1))]
        with m.If(start):
            m.d.sync += [now.eq(intake.header), active.eq(1)]
        return step

    def _lanes(self, m: Module, gearbox: Gearbox, scale: Any, step: Value, results: ResultQueue) -> None:
        """From the bits of a beat to its weights: unpack, then scale in each lane."""
        config = self.config
        window, code = delayed(m, gearbox.window, "window"), delayed(m, gearbox.code, "code")
        # A lane behind the end gets no bits of the next tensor: its weight is 0.
        used = delayed(m, Cat(gearbox.count > lane for lane in range(config.lanes)), "used")
        late = timing.WINDOW + timing.UNPACK
        multiplier = delayed(m, scale.multiplier, "multiplier", late)
        shift = delayed(m, scale.shift, "shift", late + timing.MULTIPLY)
        valid, last = step, gearbox.final
        for cycle in range(late + timing.MULTIPLY + timing.SHIFT + timing.ROUND):
            valid, last = controlled(m, valid, f"valid_{cycle}"), delayed(m, last, f"last_{cycle}")
        m.d.comb += [results.write.eq(valid), results.data.last.eq(last)]
        for number in range(config.lanes):
            weight = Signal(signed(WIDEST), name=f"weight{number}", reset_less=True)
            choices = Array(window[number * width:(number + 1) * width].as_signed() for width in WIDTHS)
            m.d.sync += weight.eq(Mux(used[number], choices[code], 0))
            m.submodules[f"lane{number}"] = lane = self.make("lane", lambda: ScaleLane(config))
            m.d.comb += [lane.weight.eq(weight), lane.multiplier.eq(multiplier), lane.shift.eq(shift),
                         results.data.weights[number].eq(lane.o)]
