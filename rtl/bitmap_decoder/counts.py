"""Counting ones: how many lie before each place of a bitmap."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Signal, Value


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
