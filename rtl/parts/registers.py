"""Registers, and the hook through which each repeated part is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

Make = Callable[[str, Callable[[], wiring.Component]], Any]
"""``make(name, build)``: a part with the ports of ``build()``. All parts of one name in one array are equal."""


def built(name: str, build: Callable[[], wiring.Component]) -> wiring.Component:
    """The part itself."""
    return build()


def delayed(m: Module, source: Any, name: str, cycles: int = 1) -> Any:
    """Data so many cycles later. Its registers have no reset: what travels with it says whether it counts."""
    for i in range(cycles):
        held = Signal.like(source, name=f"{name}_{i}" if cycles > 1 else name, reset_less=True)
        m.d.sync += held.eq(source)
        source = held
    return source


def controlled(m: Module, source: Any, name: str) -> Any:
    """Control one cycle later, in a register with reset."""
    held = Signal.like(source, name=name, reset_less=False)
    m.d.sync += held.eq(source)
    return held


def chain(m: Module, source: Any, count: int, hop: int, name: str) -> list[Any]:
    """``count`` signals: the source, then each ``hop`` cycles behind the one before; registers with reset."""
    signals = [source]
    for i in range(1, count):
        held = signals[-1]
        for stage in range(hop):
            after = Signal.like(source, name=f"{name}{i}_{stage}" if hop > 1 else f"{name}{i}", reset_less=False)
            m.d.sync += after.eq(held)
            held = after
        signals.append(held)
    return signals
