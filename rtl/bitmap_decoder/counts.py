"""Counting ones: how many lie before each place of a bitmap."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value


def prefix_counts(m: Module, bits: Sequence[Value], name: str) -> list[Value]:
    """Ones before each place, and of all: len(bits) + 1 values. *Sklansky's prefix sums*: log2 levels of adders."""
    sums: list[Value] = list(bits)
    span = 1
    while span < len(bits):
        level = list(sums)
        for i in range(len(bits)):
            if i & span:
                total = Signal(range(min(i + 1, 2 * span) + 1), name=f"{name}_{span}_{i}")
                m.d.comb += total.eq(sums[i] + sums[(i | (span - 1)) - span])
                level[i] = total
        sums, span = level, 2 * span
    return [Const(0, 1), *sums]


def first_ones(m: Module, bits: Sequence[Value], count: int, name: str) -> tuple[list[Value], list[Value], Value]:
    """The first ``count`` ones: their places, whether each is there, and the bits without them. A place that is not
    there is 0.
    """
    before = prefix_counts(m, bits, f"{name}_before")
    places, there = [], []
    for number in range(count):
        hits = [bits[i] & (before[i] == number) for i in range(len(bits))]
        place = Signal(range(len(bits)), name=f"{name}_place{number}")
        for bit in range(len(place)):
            m.d.comb += place[bit].eq(Cat(hit for i, hit in enumerate(hits) if i >> bit & 1).any())
        places.append(place)
        there.append(before[-1] > number)
    rest = Signal(len(bits), name=f"{name}_rest")
    m.d.comb += rest.eq(Cat(bits[i] & (before[i] >= count) for i in range(len(bits))))
    return places, there, rest
