"""The whole engine: queue of hyper-parameters, intake, lanes, result queue."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.wuve import timing
from hwsim.wuve.config import WuveConfig
from rtl.parts.registers import Make, built, controlled, delayed
from rtl.parts.result_queue import ResultQueue
from rtl.wuve import layouts
from rtl.wuve.lane import Lane


class Wuve(wiring.Component):
    """Update weights with SGD, momentum, weight decay and SR-STE's decay. Ports with backpressure: ``p``
    hyper-parameters of a tensor, ``i`` operands, ``o`` results. One beat a cycle, tensor after tensor; from ``i`` to
    ``o`` `hwsim.wuve.timing.latency` cycles. A beat is taken when the result queue has room for it.

    Args:
        config: the same object that the reference and the cycle model take.
        make: makes each lane; see `rtl.parts.registers`.
    """

    def __init__(self, config: WuveConfig, make: Make = built):
        self.config, self.make = config, make
        super().__init__({"p": In(stream.Signature(layouts.parameters(config))),
                          "i": In(stream.Signature(layouts.operands(config))),
                          "o": Out(stream.Signature(layouts.result_beat(config)))})

    def elaborate(self, platform: object) -> Module:
        """Build the engine."""
        m, config = Module(), self.config
        m.submodules.results = results = ResultQueue(layouts.result_beat(config), config.o_depth, 1)
        now, taken, last = self._intake(m, results)
        operands = delayed(m, self.i.payload, "operands")
        factors = delayed(m, now.factors, "factors")
        valid, final = controlled(m, taken, "valid"), delayed(m, last, "final")
        for cycle in range(timing.pipeline(config)):
            valid, final = controlled(m, valid, f"valid_{cycle}"), delayed(m, final, f"final_{cycle}")
        m.d.comb += [results.write.eq(valid), results.data.last.eq(final)]
        momentum = delayed(m, factors.momentum, "factor", config.add_stages)
        rate = delayed(m, factors.learning_rate, "rate", timing.momentum_at(config))
        for n in range(config.lanes):
            m.submodules[f"lane{n}"] = lane = self.make("lane", lambda: Lane(config))
            m.d.comb += [lane.i.eq(operands[n]), lane.scale.eq(factors.scale), lane.kept_decay.eq(factors.kept_decay),
                         lane.dropped_decay.eq(factors.dropped_decay), lane.factor.eq(momentum),
                         lane.rate.eq(Cat(rate[:31], ~rate[31])), results.data.lanes[n].eq(lane.o)]
        wiring.connect(m, results.o, wiring.flipped(self.o))
        return m

    def _intake(self, m: Module, results: ResultQueue) -> tuple[Any, Signal, Signal]:
        """Hyper-parameters in use; whether a beat is taken; whether it is the tensor's last."""
        layout = layouts.parameters(self.config)
        m.submodules.queue = queue = SyncFIFO(width=layout.size, depth=self.config.p_slots)
        now, active = Signal(layout), Signal()
        taken, last, load = (Signal(name=name) for name in ("taken", "last", "load"))
        m.d.comb += [
            queue.w_data.eq(self.p.payload), queue.w_en.eq(self.p.valid), self.p.ready.eq(queue.w_rdy),
            self.i.ready.eq(active & (results.free != 0)), taken.eq(self.i.valid & self.i.ready),
            results.reserve.eq(taken), last.eq(now.beats == 1),
            load.eq(queue.r_rdy & Mux(active, taken & last, 1)), queue.r_en.eq(load)]
        with m.If(taken):
            m.d.sync += [now.beats.eq(now.beats - 1), active.eq(~last)]
        with m.If(load):
            m.d.sync += [now.eq(queue.r_data), active.eq(1)]
        return now, taken, last
