"""What floating-point units are made of: unpacking, shifts, counting, rounding, and registers in between."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned

from hwsim.errors import InputError
from hwsim.floats import FP32, FloatFormat


class Cuts:
    """Places in a unit where registers may stand, numbered along the data; those of the chosen places do.

    Args:
        m: the unit's module.
        places: with registers. They have no reset: what travels beside the data says whether it counts.
    """

    def __init__(self, m: Module, places: Collection[int]):
        self._m, self._places = m, places

    def __call__(self, place: int, **values: Value) -> list[Value]:
        """The values behind this place, in the order given."""
        behind: list[Value] = []
        for name, value in values.items():
            held = Signal(value.shape(), name=f"{name}_{place}", reset_less=True)
            self._m.d["sync" if place in self._places else "comb"] += held.eq(value)
            behind.append(held)
        return behind


def places(stages: int, table: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    """The row of a unit's table for that many registers, or `InputError`."""
    if not isinstance(stages, int) or not 0 <= stages < len(table):
        raise InputError("stages", f"0 to {len(table) - 1}", stages)
    return table[stages]


@dataclass(frozen=True)
class Unpacked:
    """A number taken apart. ``exponent`` is the field, but 1 for subnormal numbers and zero, as their place demands.

    ``significand`` has the hidden bit on top. ``magnitude`` is the number without its sign; it orders as its value.
    """

    sign: Value
    exponent: Value
    significand: Value
    magnitude: Value
    infinite: Value
    nan: Value


def unpack(m: Module, bits: Value, fmt: FloatFormat, name: str, flush: bool = False) -> Unpacked:
    """Take a number apart; with ``flush`` a subnormal one is zero."""
    fraction = bits[: fmt.fraction_bits]
    field = bits[fmt.fraction_bits : fmt.bits - 1]
    normal, highest, some = (Signal(name=f"{name}_{what}") for what in ("normal", "highest", "some"))
    kept = Mux(normal, fraction, 0) if flush else fraction
    parts = Unpacked(
        sign=bits[fmt.bits - 1],
        exponent=Signal(fmt.exponent_bits, name=f"{name}_exponent"),
        significand=Signal(fmt.significand_bits, name=f"{name}_significand"),
        magnitude=Signal(fmt.bits - 1, name=f"{name}_magnitude"),
        infinite=Signal(name=f"{name}_infinite"),
        nan=Signal(name=f"{name}_nan"),
    )
    m.d.comb += [
        normal.eq(field.any()),
        highest.eq(field.all()),
        some.eq(fraction.any()),
        parts.exponent.eq(field | ~normal),
        parts.significand.eq(Cat(kept, normal)),
        parts.magnitude.eq(Cat(kept, field)),
        parts.infinite.eq(highest & ~some),
        parts.nan.eq(highest & some),
    ]
    return parts


def leading_zeros(m: Module, value: Value, name: str) -> Value:
    """Zeros above the topmost 1; a value of zero gives anything from its width up. A tree: each level halves the word.

    A pair of halves has the upper one's count, or, when that half is zero, its width and the lower one's count.
    """
    width = 1 << max(len(value) - 1, 1).bit_length()
    padded = Cat(Const(0, width - len(value)), value)
    nodes = [(padded[i], Const(0, 0)) for i in range(width)]
    for level in range(width.bit_length() - 1):
        pairs = zip(nodes[::2], nodes[1::2], strict=True)
        nodes = [_pair(m, low, high, f"{name}_{level}_{k}") for k, (low, high) in enumerate(pairs)]
    some, count = nodes[0]
    result = Signal(len(count) + 1, name=name)
    m.d.comb += result.eq(Cat(count, ~some))
    return result


def _pair(m: Module, low: tuple[Value, Value], high: tuple[Value, Value], name: str) -> tuple[Value, Value]:
    some, count = Signal(name=f"{name}_some"), Signal(len(low[1]) + 1, name=f"{name}_count")
    m.d.comb += [some.eq(low[0] | high[0]), count.eq(Cat(Mux(high[0], high[1], low[1]), ~high[0]))]
    return some, count


def shift_right_sticky(m: Module, value: Value, amount: Value, name: str) -> Value:
    """``value >> amount``, its last bit 1 if a 1 was shifted out; gathered level by level."""
    sticky: Value = Const(0, 1)
    for level in range(len(amount)):
        step = min(1 << level, len(value))
        shifted = Signal(len(value), name=f"{name}_{level}")
        lost = Signal(name=f"{name}_lost_{level}")
        m.d.comb += [
            shifted.eq(Mux(amount[level], value[step:], value)),
            lost.eq(sticky | (amount[level] & value[:step].any())),
        ]
        value, sticky = shifted, lost
    return Cat(value[0] | sticky, value[1:])


def shift_left(m: Module, value: Value, amount: Value, name: str) -> Value:
    """``value << amount`` at the width of the value, the largest step first."""
    for level in reversed(range(len(amount))):
        step = 1 << level
        shifted = Signal(len(value), name=f"{name}_{level}")
        moved: Value = Cat(Const(0, step), value[:-step]) if step < len(value) else Const(0, len(value))
        m.d.comb += shifted.eq(Mux(amount[level], moved, value))
        value = shifted
    return value


def normalising_shift(m: Module, value: Value, limit: Value) -> Value:
    """How far to shift left until the top bit is 1, but no further than subnormal numbers allow.

    Args:
        m: module.
        value: what will be shifted.
        limit: biased exponent of its top bit, less one.
    """
    zeros = leading_zeros(m, value, "zeros")
    shift = Signal(max(len(zeros), len(limit)), name="normalising")
    m.d.comb += shift.eq(Mux(zeros > limit, limit, zeros))
    return shift[: (len(value) - 1).bit_length()]


@dataclass(frozen=True)
class Unrounded:
    """A result before rounding.

    ``exponent`` is the biased exponent *less one*, to which the top bit of ``value`` adds itself; ``value`` has that
    top bit, the fraction, the rounding bit, and below it what only matters as a whole. ``zero_sign`` is the sign of an
    exact zero, ``sign`` that of anything else.
    """

    sign: Value
    zero_sign: Value
    exponent: Value
    value: Value
    infinite: Value
    nan: Value


def rounded(m: Module, given: Unrounded, fmt: FloatFormat = FP32, flush: bool = False) -> Value:
    """Bits of the result: to nearest, ties to even.

    *One addition*: exponent and fraction form one number, so that a fraction that rounds up to the next power of two
    carries into the exponent, and the largest number into infinity.
    """
    width = fmt.significand_bits
    value = given.value
    if len(value) < width + 2:
        value = Cat(Const(0, width + 2 - len(value)), value)
    kept, rounding, rest = value[-width:], value[-width - 1], value[: -width - 1]
    up, overflow, zero = Signal(name="round_up"), Signal(name="overflow"), Signal(name="zero")
    field = Signal(unsigned(len(given.exponent) + 1), name="field")
    packed = Signal(fmt.fraction_bits + len(field), name="packed")
    m.d.comb += [
        up.eq(rounding & (rest.any() | kept[0])),
        packed.eq(Cat(Const(0, fmt.fraction_bits), given.exponent) + kept + up),
        field.eq(packed[fmt.fraction_bits :]),
        overflow.eq(field >= 2**fmt.exponent_bits - 1),
        zero.eq(~value.any()),
    ]
    magnitude = packed[: fmt.bits - 1]
    if flush:
        magnitude = Mux(kept[-1], magnitude, 0)
    result = Signal(fmt.bits, name="result")
    with m.If(given.nan):
        m.d.comb += result.eq(fmt.nan)
    with m.Elif(given.infinite | (overflow & ~zero)):
        m.d.comb += result.eq(Cat(Const(fmt.infinity, fmt.bits - 1), given.sign))
    with m.Elif(zero):
        m.d.comb += result.eq(Cat(Const(0, fmt.bits - 1), given.zero_sign))
    with m.Else():
        m.d.comb += result.eq(Cat(magnitude, given.sign))
    return result
