"""How a component stops: the first fault is told once at port ``error``, and nothing more is taken until the reset."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Fault(IntEnum):
    """Why a component has stopped."""

    NONE = 0
    HEADER = 1      # a tile of another size than the component's, or no rows or elements
    BITMAP = 2      # ones behind the end of a row
    TRUNCATED = 3   # port v was told to be at its end before all announced values had come
    OVERLONG = 4    # the beat with the last announced value was not told to be the last
    TOO_MANY = 5    # more ones than values announced
    TOO_FEW = 6     # fewer ones than values announced
    OPERAND = 7     # another number of rows of X than elements


FAULT = unsigned(3)
"""Shape of a `Fault`: the payload of port ``error``."""


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
