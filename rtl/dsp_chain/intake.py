"""What stands before the chains: queues of slices and weight beats, and the step that takes from them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from hwsim.dsp_chain.config import SparseChainConfig
from rtl.dsp_chain import layouts


class Intake(wiring.Component):
    """Take a weight beat and, with ``load``, slices of activations, from all chains' queues that the mode needs, at
    once; ``step`` tells of it and ``now`` what the beat wants. One cycle later the chains' operands stand in registers:
    ``slices``, ``weights``, ``control``. One beat a cycle; a beat waits while ``room`` is 0.

    Only the first port's control counts. In MM mode all chains get the first port's weights and each its own slice; in
    MV mode (``single``) each its own weights and all the first port's slice. Slices stay until the next are loaded.
    """

    def __init__(self, config: SparseChainConfig):
        self.config = config
        count, control = config.chains, layouts.control(config)
        super().__init__({
            "a": In(stream.Signature(layouts.activations(config))).array(count),
            "w": In(stream.Signature(layouts.weight_beat(config))).array(count),
            "room": In(1), "now": Out(control), "step": Out(1), "control": Out(control),
            "slices": Out(ArrayLayout(layouts.activations(config), count)),
            "weights": Out(ArrayLayout(layouts.weights(config), count))})

    def elaborate(self, platform: object) -> Module:
        """Build queues and registers."""
        m, config = Module(), self.config
        slices = [self._queue(m, port, config.a_slots, f"a{i}") for i, port in enumerate(self.a)]
        beats = [self._queue(m, port, config.w_slots, f"w{i}") for i, port in enumerate(self.w)]
        heads = [layouts.weight_beat(config)(queue.r_data) for queue in beats]
        control = heads[0].control
        there = [Cat(queue.r_rdy for queue in queues) for queues in (slices, beats)]
        m.d.comb += [
            self.now.eq(control),
            self.step.eq(there[1][0] & (~control.single | there[1].all()) & self.room
                         & (~control.load | (there[0][0] & (control.single | there[0].all()))))]
        for i in range(config.chains):
            own = Mux(control.single, heads[i].weights.as_value(), heads[0].weights.as_value())
            self._take(m, i, slices[i], beats[i], own)
        held = Signal.like(self.control, name="held_control", reset_less=True)
        m.d.sync += held.eq(control)
        m.d.comb += self.control.eq(held)
        return m

    def _take(self, m: Module, chain: int, slices: SyncFIFO, beats: SyncFIFO, weights: Value) -> None:
        """Registers of one chain."""
        control = self.now
        held = Signal(layouts.activations(self.config), name=f"slice{chain}", reset_less=True)
        used = Signal(layouts.weights(self.config), name=f"weights{chain}", reset_less=True)
        loads = self.step & control.load & ~(control.single & (chain > 0))
        m.d.comb += [slices.r_en.eq(loads), beats.r_en.eq(self.step & (control.single | (chain == 0)))]
        with m.If(loads):
            m.d.sync += held.as_value().eq(slices.r_data)
        m.d.sync += used.as_value().eq(weights)
        shared = held if chain == 0 else layouts.activations(self.config)(
            Mux(self.control.single, self.slices[0].as_value(), held.as_value()))
        m.d.comb += [self.slices[chain].eq(shared), self.weights[chain].eq(used)]

    def _queue(self, m: Module, port: Any, depth: int, name: str) -> SyncFIFO:
        """A queue behind a port."""
        payload = port.payload.as_value()
        m.submodules[name] = queue = SyncFIFO(width=len(payload), depth=depth)
        m.d.comb += [queue.w_data.eq(payload), queue.w_en.eq(port.valid), port.ready.eq(queue.w_rdy)]
        return queue
