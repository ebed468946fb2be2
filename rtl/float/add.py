"""FP32 addition."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, EnableInserter, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.floats import FP32
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

# Registers behind: 1 ordering the operands, 2 alignment and sum, 3 normalisation, 4 rounding.
_PLACES: tuple[tuple[int, ...], ...] = ((), (4,), (2, 4), (1, 2, 4), (1, 2, 3, 4))
_EXTRA = 3
"""Bits below the last place: guard, rounding and sticky."""


class FloatAdd(wiring.Component):
    """z = a + b in FP32, rounded to nearest even; latency ``stages``, a new sum every cycle, no back-pressure.

    Values are those of `hwsim.floats.add`. The registers have no reset; the last one is at z.

    Args:
        stages: registers between operands and result, 0 to 4.
        flush: subnormal numbers are zero (see `hwsim.floats`).

    Raises:
        InputError: another number of stages.
    """

    def __init__(self, stages: int = 4, flush: bool = False):
        self._cuts = places(stages, _PLACES)
        self.latency, self.flush = stages, flush
        super().__init__({"a": In(32), "b": In(32), "z": Out(32)})

    def elaborate(self, platform: object) -> Module:
        """Build the adder."""
        m = Module()
        cut = Cuts(m, self._cuts)
        a, b = unpack(m, self.a, FP32, "a", self.flush), unpack(m, self.b, FP32, "b", self.flush)
        sign, exponent, large, small, distance = _ordered(m, a, b)
        subtract = a.sign ^ b.sign
        nan = a.nan | b.nan | (a.infinite & b.infinite & subtract)
        infinite = a.infinite | b.infinite
        sign, zero_sign, nan, infinite, exponent, large, small, distance, subtract = cut(
            1, sign=sign, zero_sign=a.sign & b.sign, nan=nan, infinite=infinite, exponent=exponent, large=large,
            small=small, distance=distance, subtract=subtract)
        total = _sum(m, large, small, distance, subtract)
        sign, zero_sign, nan, infinite, exponent, total = cut(
            2, sign=sign, zero_sign=zero_sign, nan=nan, infinite=infinite, exponent=exponent, total=total)
        # The carry is the top bit, so that its biased exponent is one above that of the larger operand.
        shift = normalising_shift(m, total, exponent)
        total = shift_left(m, total, shift, "normalised")
        sign, zero_sign, nan, infinite, exponent, total = cut(
            3, sign=sign, zero_sign=zero_sign, nan=nan, infinite=infinite, exponent=(exponent - shift)[:8], total=total)
        result = rounded(m, Unrounded(sign, zero_sign, exponent, total, infinite, nan), FP32, self.flush)
        (result,) = cut(4, z=result)
        m.d.comb += self.z.eq(result)
        return m


def _ordered(m: Module, a: Unpacked, b: Unpacked) -> tuple[Value, Value, Value, Value, Value]:
    """Sign and exponent of the operand of larger magnitude, both significands, and how far apart they lie."""
    swap, distance = Signal(), Signal(8)
    large, small = Signal(24), Signal(24)
    sign, exponent = Signal(name="larger_sign"), Signal(8, name="larger_exponent")
    m.d.comb += [
        swap.eq(a.magnitude < b.magnitude),
        sign.eq(Mux(swap, b.sign, a.sign)),
        exponent.eq(Mux(swap, b.exponent, a.exponent)),
        large.eq(Mux(swap, b.significand, a.significand)),
        small.eq(Mux(swap, a.significand, b.significand)),
        # Both differences, so that none waits for the comparison.
        distance.eq(Mux(swap, b.exponent - a.exponent, a.exponent - b.exponent)),
    ]
    return sign, exponent, large, small, distance


def _sum(m: Module, large: Value, small: Value, distance: Value, subtract: Value) -> Value:
    """28 bits: carry, significand, guard, rounding, sticky. Beyond 31 places only the sticky bit is left."""
    amount, aligned, total = Signal(5), Signal(24 + _EXTRA), Signal(25 + _EXTRA)
    m.d.comb += amount.eq(distance[:5] | distance[5:].any().replicate(5))
    shifted = shift_right_sticky(m, Cat(Const(0, _EXTRA), small), amount, "aligned")
    first = Cat(Const(0, _EXTRA), large)
    m.d.comb += [aligned.eq(shifted), total.eq(Mux(subtract, first - aligned, first + aligned))]
    return total


def float_sum(m: Module, stages: int, x: Value, y: Value, name: str, enable: Value | None = None) -> Value:
    """FP32 sum, so many cycles later; without ``enable`` nothing moves."""
    unit = FloatAdd(stages=stages)
    m.submodules[name] = unit if enable is None else EnableInserter(enable)(unit)
    m.d.comb += [unit.a.eq(x), unit.b.eq(y)]
    return unit.z
