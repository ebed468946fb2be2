"""2^d for d <= 0."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.bitmap_decoder.attention import exponential as spec


class Exponential(wiring.Component):
    """z = 2^d, FP32 numbers d <= 0 (the sign is not looked at); latency `hwsim.bitmap_decoder.attention.timing`
    ``EXPONENTIAL`` (3), a result every cycle, no back-pressure.

    Registers behind the fixed-point number, behind the inner product of the parabola, and at z. A table of 64 rows.
    Values are those of `hwsim.bitmap_decoder.attention.exponential.exp2`. The registers have no reset.
    """

    def __init__(self) -> None:
        super().__init__({"d": In(32), "z": Out(32)})

    def elaborate(self, platform: object) -> Module:
        """Build the pipeline."""
        m, point, rest = Module(), spec.POINT, spec.REST_BITS
        field, number = self.d[23:31], Signal(signed(point + 8))
        significand = Cat(self.d[:23], Const(1, 1))
        left, right, cut = Signal(4), Signal(5), Signal(point + 7)
        base = 127 + 23 - point
        m.d.comb += [left.eq(field - base), right.eq(Mux(base - field > 24, 24, base - field)),
                     cut.eq(Mux(field >= base, significand << left, significand >> right))]
        large, subnormal = Signal(), Signal()
        m.d.comb += subnormal.eq(field == 0)
        m.d.sync += [number.eq(-Mux(subnormal, 0, cut)), large.eq(field >= spec.LARGEST)]
        rows = [Array(Const(int(value), bits) for value in table)[number[rest:point]]
                for table, bits in zip(spec.tables(), (spec.OUT_BITS + 1, spec.B_BITS + 1, spec.C_BITS), strict=True)]
        e, r, a = Signal(signed(8)), Signal(rest), Signal(spec.OUT_BITS + 1)
        slope, zero, y = Signal(spec.B_BITS + 2), Signal(), Signal(spec.OUT_BITS + 1)
        inner = Signal(spec.C_BITS)
        m.d.comb += inner.eq((number[:rest] * rows[2]) >> spec.C_BITS)
        m.d.sync += [e.eq(number[point:]), r.eq(number[:rest]), a.eq(rows[0]), slope.eq(rows[1] + inner),
                     zero.eq(large | (number[point:].as_signed() < spec.LOWEST))]
        m.d.comb += y.eq(a + ((r * slope) >> (spec.B_BITS + point - spec.OUT_BITS)))
        packed = Signal(32)
        m.d.comb += packed.eq(Cat(Const(0, 23), (e + 127)[:8]) + ((y[:spec.OUT_BITS] + 64) >> 7))
        m.d.sync += self.z.eq(Mux(zero, 0, packed))
        return m
