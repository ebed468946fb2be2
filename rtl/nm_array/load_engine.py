"""The engine that brings weights into the PEs ahead of a pass."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.timing import weight_gap
from rtl.nm_array import layouts


class LoadEngine(wiring.Component):
    """Take descriptors; ws: read a weight tile, one beat a cycle, and hand the pass on when the PEs hold it.

    Holds one pass at a time: the next is taken one cycle after ``started``. Weights of a ws pass come later: after
    the gap that keeps them behind the operands of the pass before, without shadow weights when that pass has been
    issued, and so too after an os pass.
    """

    def __init__(self, config: NmArrayConfig):
        self.config = config
        super().__init__({
            "i": In(stream.Signature(layouts.descriptor(config))),
            "w_filled": In(range(config.w_slots + 1)), "w_take": Out(1),
            "beat": Out(layouts.bits_for(config.w_depth)), "slot": Out(layouts.bits_for(config.w_slots)),
            "release": Out(layouts.bits_for(config.w_slots + 1)), "valid": Out(1),
            "computing": In(1), "started": In(1), "output_stationary": In(1),
            "loaded": Out(1), "descriptor": Out(layouts.descriptor(config))})

    def elaborate(self, platform: object) -> Module:
        """Build the engine."""
        m = Module()
        pending, fire, here = Signal(), Signal(), Signal()
        m.d.comb += [self.i.ready.eq(~pending & self._may_load(m, here)), fire.eq(self.i.valid & self.i.ready)]
        with m.If(self.started):
            m.d.sync += [pending.eq(0), self.loaded.eq(0)]
        with m.If(fire):
            m.d.sync += [pending.eq(1), self.descriptor.eq(self.i.payload), self.loaded.eq(~here)]
        if "ws" in self.config.dataflows:
            self._read_weights(m, fire & here)
        return m

    def _may_load(self, m: Module, here: Signal) -> Value:
        """Whether the next pass can be taken; ``here``: whether it loads weights."""
        config, offered = self.config, self.i.payload
        if config.dataflow == "os":
            return ~here
        m.d.comb += here.eq(1 if config.dataflow == "ws" else ~offered.output_stationary)
        free = (self.w_filled >= offered.w_take) & self._behind_operands(m)
        if not config.shadow_weights:
            free &= ~self.computing
        elif config.dataflow == "both":
            free &= ~(self.computing & self.output_stationary)
        return ~here | free

    def _behind_operands(self, m: Module) -> Value:
        """Whether weights that start now stay behind the operands of the ws pass before."""
        gap = weight_gap(self.config)
        waiting = Signal(range(gap + 1))
        restart = self.started if self.config.shadow_weights else self.computing
        if self.config.dataflow == "both":
            started = ~self.descriptor.output_stationary
            restart &= started if self.config.shadow_weights else ~self.output_stationary
        with m.If(restart):
            m.d.sync += waiting.eq(gap)
        with m.Elif(waiting != 0):
            m.d.sync += waiting.eq(waiting - 1)
        return waiting == 0

    def _read_weights(self, m: Module, fire: Value) -> None:
        """Issue ``rows`` reads, one a cycle, from the cycle after ``fire``."""
        now, finishing = self.descriptor, Signal()
        m.d.comb += [self.w_take.eq(fire & self.i.payload.w_take), self.slot.eq(now.w_slot),
                     finishing.eq(self.valid & (self.beat == now.rows - 1)),
                     self.release.eq(Mux(finishing, now.w_free, 0))]
        with m.If(self.valid):
            m.d.sync += self.beat.eq(self.beat + 1)
        with m.If(finishing):
            m.d.sync += [self.valid.eq(0), self.loaded.eq(1)]
        with m.If(fire):
            m.d.sync += [self.valid.eq(1), self.beat.eq(0)]
