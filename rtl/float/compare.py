"""Comparison."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.floats import FloatFormat
from rtl.float.parts import Cuts, places, unpack

_PLACES: tuple[tuple[int, ...], ...] = ((), (1,))


class FloatCompare(wiring.Component):
    """Exactly one of lt (a < b), eq, gt and unordered is 1; latency ``stages``, a pair every cycle, no back-pressure.

    Values are those of `hwsim.floats.compare`: −0 equals +0, and a NaN is unordered. The registers have no reset.

    Args:
        fmt: of both operands.
        stages: registers between operands and results, 0 or 1.

    Raises:
        InputError: another number of stages.
    """

    def __init__(self, fmt: FloatFormat, stages: int = 1):
        self._cuts = places(stages, _PLACES)
        self.fmt, self.latency = fmt, stages
        super().__init__({"a": In(fmt.bits), "b": In(fmt.bits), "lt": Out(1), "eq": Out(1), "gt": Out(1),
                          "unordered": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the comparator."""
        m = Module()
        a, b = unpack(m, self.a, self.fmt, "a"), unpack(m, self.b, self.fmt, "b")
        less, equal, unordered = Signal(), Signal(), Signal()
        both_zero = ~(a.magnitude.any() | b.magnitude.any())
        m.d.comb += [
            unordered.eq(a.nan | b.nan),
            equal.eq((self.a == self.b) | both_zero),
            # Sign and magnitude: among negative numbers the larger magnitude is the lesser number.
            less.eq((a.sign & ~b.sign) | ((a.sign == b.sign) & ((a.magnitude < b.magnitude) ^ a.sign))),
        ]
        lt, eq, gt, neither = Cuts(m, self._cuts)(
            1, lt=less & ~equal & ~unordered, eq=equal & ~unordered, gt=~(less | equal | unordered),
            unordered=unordered)
        m.d.comb += [self.lt.eq(lt), self.eq.eq(eq), self.gt.eq(gt), self.unordered.eq(neither)]
        return m
