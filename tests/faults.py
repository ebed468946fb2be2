"""What tests that put faults into RTL, models and references share: ``from faults import …``."""

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import pytest
from amaranth.hdl import Module, Signal

from rtl.verify.report import Report


def overridden(monkeypatch: pytest.MonkeyPatch, modules: Iterable[ModuleType], name: str,
               change: Callable[[Any, Module], Any]) -> None:
    """Elaborate a component as it is, then let ``change(component, m)`` drive some of its signals again: last wins.

    Args:
        monkeypatch: puts all back after the test.
        modules: the first has the component; it is replaced in all of them that know its name.
        name: of its class.
        change: gives statements for ``m.d.comb``, or adds statements itself and gives nothing.
    """
    modules = list(modules)

    class Mutant(getattr(modules[0], name)):
        def elaborate(self, platform: object) -> Module:
            m: Module = super().elaborate(platform)
            m.d.comb += change(self, m) or []
            return m

    Mutant.__name__ = name
    for module in modules:
        if hasattr(module, name):
            monkeypatch.setattr(module, name, Mutant)


def withdrawn(component: Any, m: Module) -> None:
    """A change for `overridden`: stream ``o`` takes back what it offers in every fourth cycle."""
    beat = Signal(2)
    m.d.sync += beat.eq(beat + 1)
    with m.If(beat == 3):
        m.d.comb += component.o.valid.eq(0)


def truncated(rounding: Any, m: Module) -> None:
    """A change for `overridden`: a registered ``FloatRound`` cuts the significand off in place of rounding it."""
    held = Signal(32)
    m.d.sync += held.eq(rounding.a)
    m.d.comb += rounding.z[:10].eq(held[13:23])


def shifted(module: ModuleType, name: str, by: int) -> Callable[[pytest.MonkeyPatch], None]:
    """A fault: a constant of that module is off."""
    def fault(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, name, getattr(module, name) + by)

    fault.__name__ = f"{name} {by:+}"
    return fault


def assert_caught(report: Report) -> None:
    """The comparison says that something differs, and shows what."""
    found = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert not report.passed and any(found) and report.failures
