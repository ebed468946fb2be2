"""Fused multiplication and addition."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hwsim.floats import FP32, FloatFormat
from rtl.float.multiply import always_normal, invalid_product, product_exponent
from rtl.float.parts import (
    Cuts,
    Unpacked,
    Unrounded,
    normalising_shift,
    places,
    rounded,
    shift_left,
    shift_right_sticky,
    unpack,
)

# Registers behind: 1 exponents, 2 product and alignment, 3 sum, 4 distance to the first 1, 5 normalisation, 6 rounding.
_PLACES: tuple[tuple[int, ...], ...] = (
    (), (6,), (3, 6), (2, 4, 6), (2, 3, 5, 6), (1, 2, 3, 5, 6), (1, 2, 3, 4, 5, 6),
)
_ROOM = FP32.significand_bits + 2
"""From the top of the sum down to the product: c, and two zeros below it. With c in its topmost place the product is
less than a quarter of c's last place, so that wherever it would truly lie it decides no more than the direction."""
_FLAGS = data.StructLayout({"negative": 1, "subtract": 1, "zero_sign": 1, "c_infinite": 1, "infinite": 1, "nan": 1})
"""``negative`` is the product's sign."""


class FloatMultiplyAdd(wiring.Component):
    """z = a · b + c, from a format and FP32 to FP32, rounded once to nearest even; latency ``stages``, a result every
    cycle, no back-pressure.

    Values are those of `hwsim.floats.multiply_add`. The registers have no reset; the last one is at z.

    The product stands still and c is shifted right from a place wholly above it; what c loses below is the sticky bit.

    Args:
        fmt: of a and b.
        stages: registers between operands and result, 0 to 6.
        flush: subnormal numbers are zero (see `hwsim.floats`).

    Raises:
        InputError: another number of stages.
    """

    def __init__(self, fmt: FloatFormat, stages: int = 4, flush: bool = False):
        self._cuts = places(stages, _PLACES)
        self.fmt, self.latency, self.flush = fmt, stages, flush
        self._below = _places_below(fmt, flush)
        self._width = _ROOM + 2 * fmt.significand_bits + self._below
        super().__init__({"a": In(fmt.bits), "b": In(fmt.bits), "c": In(32), "z": Out(32)})

    def elaborate(self, platform: object) -> Module:
        """Build the unit."""
        m = Module()
        cut = Cuts(m, self._cuts)
        a, b = unpack(m, self.a, self.fmt, "a", self.flush), unpack(m, self.b, self.fmt, "b", self.flush)
        c = unpack(m, self.c, FP32, "c", self.flush)
        limit, distance = self._exponents(m, a, b, c)
        flags, limit, distance, x, y, addend = cut(1, flags=_flags(m, a, b, c), limit=limit, distance=distance,
                                                   x=a.significand, y=b.significand, addend=c.significand)
        placed = Cat(Const(0, self._width - len(addend)), addend)
        flags, limit, product, aligned = cut(2, flags=flags, limit=limit, product=x * y,
                                             aligned=shift_right_sticky(m, placed, distance, "aligned"))
        total, c_larger = self._sum(m, product, aligned, flags.subtract)
        sign = flags.negative ^ (flags.subtract & Mux(flags.infinite, flags.c_infinite, c_larger))
        flags, sign, limit, total = cut(3, flags=flags, sign=sign, limit=limit, total=total)
        shift = normalising_shift(m, total, limit)
        flags, sign, exponent, total, shift = cut(4, flags=flags, sign=sign, exponent=(limit - shift)[: len(limit)],
                                                  total=total, shift=shift)
        total = shift_left(m, total, shift, "normalised")
        flags, sign, exponent, total = cut(5, flags=flags, sign=sign, exponent=exponent, total=total)
        result = rounded(m, Unrounded(sign, flags.zero_sign, exponent, total, flags.infinite, flags.nan),
                         FP32, self.flush)
        (result,) = cut(6, z=result)
        m.d.comb += self.z.eq(result)
        return m

    def _exponents(self, m: Module, a: Unpacked, b: Unpacked, c: Unpacked) -> tuple[Value, Value]:
        """Biased exponent of the sum's top bit less one, and how far c, unless alone, lies below the top."""
        product, alone = product_exponent(m, a, b, self.fmt), Signal(name="c_alone")
        ahead, limit = Signal(signed(11)), Signal(9, name="exponent_limit")
        distance = Signal(range(self._width + 1), name="alignment")
        m.d.comb += [
            alone.eq(~a.significand.any() | ~b.significand.any()),
            ahead.eq(product + _ROOM - c.exponent),
        ]
        with m.If(alone | (ahead <= 0)):
            m.d.comb += limit.eq(c.exponent - 1)
        with m.Else():
            far = ahead[len(distance) : 10].any()
            m.d.comb += [limit.eq(product + (_ROOM - 1)), distance.eq(ahead[: len(distance)] | far.replicate(10))]
        return limit, distance

    def _sum(self, m: Module, product: Value, aligned: Value, subtract: Value) -> tuple[Value, Value]:
        """Magnitude of the sum, and whether c is larger than the product.

        *Two subtractions side by side*: the one that does not borrow is the magnitude. A sum never carries, as the top
        bits of both addends cannot be set at once.
        """
        total, c_larger = Signal(self._width, name="sum"), Signal()
        first, second = Signal(self._width, name="product_placed"), Signal(self._width, name="addend_placed")
        over, under = Signal(self._width + 1), Signal(self._width)
        m.d.comb += [
            first.eq(Cat(Const(0, self._below), product)),
            second.eq(aligned),
            over.eq(first - second),
            under.eq(second - first),
            c_larger.eq(over[-1]),
            total.eq(Mux(subtract, Mux(c_larger, under, over[: self._width]), first + second)),
        ]
        return total, c_larger


def _flags(m: Module, a: Unpacked, b: Unpacked, c: Unpacked) -> Any:
    """What the operands decide without arithmetic."""
    flags = Signal(_FLAGS, name="flags")
    product_infinite = a.infinite | b.infinite
    m.d.comb += [
        flags.negative.eq(a.sign ^ b.sign),
        flags.subtract.eq(flags.negative ^ c.sign),
        flags.zero_sign.eq(flags.negative & c.sign),
        flags.c_infinite.eq(c.infinite),
        flags.infinite.eq(product_infinite | c.infinite),
        flags.nan.eq(invalid_product(a, b) | c.nan | (product_infinite & c.infinite & flags.subtract)),
    ]
    return flags


def _places_below(fmt: FloatFormat, flush: bool) -> int:
    """Places below the product that c still reaches as itself, the last of them sticky.

    Where c reaches the sticky bit, the rounding bit of the sum must lie above it: the product's first 1 has to stand
    27 places over the bottom. Normal factors have theirs in the product's two top places. A subnormal and a normal
    factor give as many places as a factor has. Two subnormal ones may give one, but where such a product is below all
    FP32 numbers c never lies under it.
    """
    if flush:
        sure = 2 * fmt.significand_bits - 1
    else:
        sure = 1 if always_normal(fmt) else fmt.significand_bits
    return max(FP32.significand_bits + 3 - sure, 1)
