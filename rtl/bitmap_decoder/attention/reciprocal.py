"""The reciprocal of the sum of weights."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Reciprocal(wiring.Component):
    """z = 1 / a in FP32, rounded to nearest, for normal a from 1 on; `hwsim.bitmap_decoder.attention.timing` ``DIVIDE``
    (27) cycles after ``start``, when ``done`` rises and stays until ``clear``. One at a time.

    *A bit a cycle*: floor(2^48 / significand), restoring; one bit more than the result has. A tie cannot be, as no
    fraction of a significand other than a power of two ends.
    """

    def __init__(self) -> None:
        super().__init__({"start": In(1), "clear": In(1), "a": In(32), "z": Out(32), "busy": Out(1), "done": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the divider."""
        m = Module()
        divisor, rest, quotient, count = Signal(24), Signal(25), Signal(26), Signal(range(26))
        field, fits, last = Signal(8), Signal(), Signal()
        m.d.comb += [fits.eq(rest >= divisor), last.eq(count == 25),
                     self.z.eq(Cat(Const(0, 23), (252 - field)[:8]) + ((quotient + 1) >> 1))]
        with m.If(self.clear):
            m.d.sync += self.done.eq(0)
        with m.If(self.busy):
            m.d.sync += [rest.eq((rest - Mux(fits, divisor, 0)) << 1), quotient.eq(Cat(fits, quotient[:25])),
                         count.eq(count + 1), self.busy.eq(~last), self.done.eq(last)]
        with m.If(self.start):
            m.d.sync += [self.busy.eq(1), count.eq(0), rest.eq(1 << 23), quotient.eq(0), field.eq(self.a[23:31]),
                         divisor.eq(Cat(self.a[:23], Const(1, 1)))]
        return m
