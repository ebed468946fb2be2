"""FP32 to a narrower format."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwsim.errors import InputError
from hwsim.floats import FP32, FloatFormat
from rtl.float.parts import Cuts, Unpacked, Unrounded, places, rounded, shift_right_sticky, unpack

# Registers behind: 1 the shift to the format's exponent, 2 rounding.
_PLACES: tuple[tuple[int, ...], ...] = ((), (2,), (1, 2))


class FloatRound(wiring.Component):
    """z = a, from FP32 to a narrower format, rounded to nearest even; latency ``stages``, a number every cycle,
    no back-pressure.

    Values are those of `hwsim.floats.round_to`. The registers have no reset; the last one is at z.

    Args:
        fmt: of the result.
        stages: registers between operand and result, 0 to 2.
        flush: subnormal numbers are zero (see `hwsim.floats`).

    Raises:
        InputError: another number of stages, or a format that is not narrower.
    """

    def __init__(self, fmt: FloatFormat, stages: int = 1, flush: bool = False):
        if fmt.fraction_bits > FP32.fraction_bits - 2:
            raise InputError("format", f"at most {FP32.fraction_bits - 2} fraction bits", fmt.name)
        self._cuts = places(stages, _PLACES)
        self.fmt, self.latency, self.flush = fmt, stages, flush
        super().__init__({"a": In(32), "z": Out(fmt.bits)})

    def elaborate(self, platform: object) -> Module:
        """Build the converter."""
        m = Module()
        cut = Cuts(m, self._cuts)
        a = unpack(m, self.a, FP32, "a", self.flush)
        exponent, value = self._aligned(m, a)
        sign, nan, infinite, exponent, value = cut(
            1, sign=a.sign, nan=a.nan, infinite=a.infinite, exponent=exponent, value=value)
        (result,) = cut(2, z=rounded(m, Unrounded(sign, sign, exponent, value, infinite, nan), self.fmt, self.flush))
        m.d.comb += self.z.eq(result)
        return m

    def _aligned(self, m: Module, a: Unpacked) -> tuple[Value, Value]:
        """Exponent less one in the format's bias, and the significand; further right if the format's is subnormal."""
        exponent = Signal(8, name="rebiased")
        if self.fmt.exponent_bits == FP32.exponent_bits:
            m.d.comb += exponent.eq(a.exponent - 1)
            return exponent, a.significand
        lowest = FP32.bias - self.fmt.bias + 1
        below, amount = Signal(), Signal(range(self.fmt.significand_bits + 2))
        distance = Signal(8)
        m.d.comb += [
            below.eq(a.exponent < lowest),
            exponent.eq(Mux(below, 0, a.exponent - lowest)),
            distance.eq(Mux(below, lowest - a.exponent, 0)),
            # One place more than the significand has puts all of it below the rounding bit.
            amount.eq(Mux(distance > self.fmt.significand_bits + 1, self.fmt.significand_bits + 1, distance)),
        ]
        room = Cat(Const(0, 1), a.significand)
        return exponent, shift_right_sticky(m, room, amount, "aligned")
