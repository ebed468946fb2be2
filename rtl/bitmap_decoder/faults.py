"""How a component stops: the first fault is told once at port ``error``, and nothing more is taken until the reset."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bitmap_decoder.layouts import FAULT, Fault


class Stop(wiring.Component):
    """Latch the first fault. ``run`` falls one cycle after it was seen; ``error`` offers it from then on, once.

    Of faults in the same cycle the one with the lowest number counts.
    """

    def __init__(self) -> None:
        super().__init__({"seen": In(FAULT), "run": Out(1), "error": Out(stream.Signature(FAULT))})

    def elaborate(self, platform: object) -> Module:
        """Build it."""
        m, stopped, told = Module(), Signal(), Signal()
        code = Signal(FAULT)
        m.d.comb += [self.run.eq(~stopped), self.error.valid.eq(stopped & ~told), self.error.payload.eq(code)]
        with m.If(~stopped & (self.seen != 0)):
            m.d.sync += [stopped.eq(1), code.eq(self.seen)]
        with m.If(self.error.valid & self.error.ready):
            m.d.sync += told.eq(1)
        return m


def watch(m: Module, stop: Stop, faults: Mapping[Fault, Value]) -> None:
    """Let these conditions stop the component."""
    for fault in sorted(faults, reverse=True):  # the last assignment wins
        with m.If(faults[fault]):
            m.d.comb += stop.seen.eq(int(fault))
