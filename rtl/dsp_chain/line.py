"""Delay lines: one wide register that shifts, so that long delays stay few lines of Verilog."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value


def line(m: Module, source: Value, cycles: int, name: str, reset_less: bool = True) -> list[Value]:
    """The source as it was 0, 1, ... ``cycles`` cycles ago."""
    if not cycles:
        return [source]
    bits = len(source)
    held = Signal(bits * cycles, name=name, reset_less=reset_less)
    m.d.sync += held.eq(Cat(source, held))
    return [source, *(held.word_select(i, bits) for i in range(cycles))]
