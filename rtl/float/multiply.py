"""Widening multiplication to FP32."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.floats import FP32, FloatFormat
from rtl.float.parts import Cuts, Unpacked, Unrounded, leading_zeros, places, rounded, shift_left, unpack

# Registers behind: 1 the operands, 2 the product, 3 normalisation, 4 rounding.
_PLACES: tuple[tuple[int, ...], ...] = ((), (4,), (2, 4), (2, 3, 4), (1, 2, 3, 4))
_ROOM = FP32.significand_bits + 1
"""Zeros above a product, so that one left shift serves subnormal results too: with none, all of it is below the
rounding bit."""


class FloatMultiply(wiring.Component):
    """z = a · b, from a format to FP32, rounded to nearest even; latency ``stages``, a product every cycle,
    no back-pressure.

    Values are those of `hwsim.floats.multiply`; FP16 products are exact. The registers have no reset; the last is at z.

    Args:
        fmt: of the operands.
        stages: registers between operands and result, 0 to 4.
        flush: subnormal numbers are zero (see `hwsim.floats`).

    Raises:
        InputError: another number of stages.
    """

    def __init__(self, fmt: FloatFormat, stages: int = 2, flush: bool = False):
        self._cuts = places(stages, _PLACES)
        self.fmt, self.latency, self.flush = fmt, stages, flush
        super().__init__({"a": In(fmt.bits), "b": In(fmt.bits), "z": Out(32)})

    def elaborate(self, platform: object) -> Module:
        """Build the multiplier."""
        m = Module()
        cut = Cuts(m, self._cuts)
        held = cut(1, a=self.a, b=self.b)
        a, b = (unpack(m, bits, self.fmt, name, self.flush) for bits, name in zip(held, "ab", strict=True))
        sign, nan, infinite, exponent, product = cut(
            2, sign=a.sign ^ b.sign, nan=invalid_product(a, b), infinite=a.infinite | b.infinite,
            exponent=product_exponent(m, a, b, self.fmt), product=a.significand * b.significand)
        exponent, value = self._normalised(m, exponent, product)
        sign, nan, infinite, exponent, value = cut(
            3, sign=sign, nan=nan, infinite=infinite, exponent=exponent, value=value)
        (result,) = cut(4, z=rounded(m, Unrounded(sign, sign, exponent, value, infinite, nan), FP32, self.flush))
        m.d.comb += self.z.eq(result)
        return m

    def _normalised(self, m: Module, exponent: Value, product: Value) -> tuple[Value, Value]:
        """Exponent less one, as `Unrounded` wants it, and the product with its first 1 on top."""
        less_one, value = Signal(9, name="less_one"), Signal(len(product), name="normalised")
        if self.flush:
            # Both operands are normal: at most one place. A result below the smallest normal number is nothing.
            after = Signal(signed(11))
            m.d.comb += [after.eq(exponent - Mux(product[-1], 1, 2)), less_one.eq(after)]
            with m.If(after >= 0):
                m.d.comb += value.eq(Mux(product[-1], product, product << 1))
            return less_one, value
        zeros = leading_zeros(m, product, "zeros")
        if always_normal(self.fmt):
            m.d.comb += less_one.eq(exponent - 1 - zeros)
            return less_one, shift_left(m, product, zeros, "normalised")
        limit, shift = Signal(9), Signal(range(_ROOM + len(product) + 1))
        enough = Signal(range(_ROOM + 2 * len(product)))
        m.d.comb += [
            limit.eq(Mux(exponent > -_ROOM, exponent + (_ROOM - 1), 0)),
            enough.eq(zeros + _ROOM),
            shift.eq(Mux(enough > limit, limit, enough)),
            less_one.eq(limit - shift),
        ]
        return less_one, shift_left(m, Cat(product, Const(0, _ROOM)), shift, "normalised")


def invalid_product(a: Unpacked, b: Unpacked) -> Value:
    """Whether a product is NaN: of a NaN, or of zero and infinity."""
    nothing = ~a.significand.any(), ~b.significand.any()
    return a.nan | b.nan | (a.infinite & nothing[1]) | (b.infinite & nothing[0])


def product_exponent(m: Module, a: Unpacked, b: Unpacked, fmt: FloatFormat) -> Value:
    """Biased FP32 exponent of the top bit of a product of significands: −124 to 382."""
    exponent = Signal(signed(10), name="product_exponent")
    m.d.comb += exponent.eq(a.exponent + b.exponent + (FP32.bias + 1 - 2 * fmt.bias))
    return exponent


def always_normal(fmt: FloatFormat) -> bool:
    """Whether every product of numbers that are not zero is a normal FP32 number."""
    return 2 * (fmt.bias + fmt.fraction_bits - 1) < FP32.bias and 2 * (fmt.bias + 1) <= FP32.bias
