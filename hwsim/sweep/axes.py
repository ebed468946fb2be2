"""Axes of a sweep: a key of the configuration and the values that it takes.

    "accelerator.rows" = [8, 16, 32]
    "accelerator.cols" = { range = [8, 32, 8] }                  # 8, 16, 24, 32
    "accelerator.multipliers" = { log2 = [1, 8] }                # 1, 2, 4, 8
    "clock_hz" = { log = [1e8, 1e9, 3] }                         # three values, equal ratios
    "accelerator.a_slots" = { list = [4, 8], when = "accelerator.dataflow == 'os'" }

An axis with ``when`` counts only where the expression holds; elsewhere the base's own value stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwsim.errors import InputError
from hwsim.fields import nearest
from hwsim.sweep.expression import Expression

LONGEST = 100_000
"""Most values of one axis."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A dotted key, its values in order, and when it counts."""

    key: str
    values: tuple[Any, ...]
    when: Expression | None = None

    @classmethod
    def parse(cls, key: str, given: Any, place: str) -> Axis:
        """From what the file says; `InputError` for anything that gives no values."""
        if not key or not all(part.strip() for part in key.split(".")):
            raise InputError(place, "a dotted key of the configuration", key)
        when = None
        if isinstance(given, Mapping):
            given = dict(given)
            if "when" in given:
                when = Expression(given.pop("when"), f"{place}.when")
            given = _generated(given, place)
        if not isinstance(given, Sequence) or isinstance(given, str) or not given:
            raise InputError(place, "a list of values, or one of {range}, {log2}, {log}, {list}", given)
        values = tuple(given)
        if len({repr(value) for value in values}) != len(values):
            raise InputError(place, "each value once", list(values))
        return cls(key=key, values=values, when=when)


def _generated(given: Mapping[str, Any], place: str) -> Sequence[Any]:
    if len(given) != 1:
        raise InputError(place, f"exactly one of {', '.join(_FORMS)}, and when", ", ".join(given) or "none")
    form, arguments = next(iter(given.items()))
    if form not in _FORMS:
        raise InputError(place, f"one of {', '.join(_FORMS)}{nearest(form, _FORMS)}", f"key {form!r}")
    if not isinstance(arguments, list):
        raise InputError(f"{place}.{form}", "a list", arguments)
    return _FORMS[form](arguments, f"{place}.{form}")


def _numbers(given: list[Any], count: int, what: str, place: str) -> list[Any]:
    legal = len(given) == count and all(
        isinstance(each, (int, float)) and not isinstance(each, bool) and math.isfinite(each) for each in given)
    if not legal:
        raise InputError(place, what, given)
    return given


def _range(given: list[Any], place: str) -> list[Any]:
    low, high, step = _numbers(given, 3, "[first, last, step], three numbers", place)
    if step <= 0 or high < low or (high - low) / step > LONGEST:
        raise InputError(place, f"first <= last and a step above 0, at most {LONGEST} values", given)
    count = int((high - low) / step + 1e-9) + 1
    return [low + k * step for k in range(count)]


def _log2(given: list[Any], place: str) -> list[int]:
    low, high = _numbers(given, 2, "[first, last], two powers of two", place)
    for each in (low, high):
        if not isinstance(each, int) or each < 1 or each & (each - 1):
            raise InputError(place, "powers of two of at least 1", each)
    if high < low:
        raise InputError(place, "first <= last", given)
    return [1 << k for k in range(low.bit_length() - 1, high.bit_length())]


def _log(given: list[Any], place: str) -> list[float]:
    low, high, count = _numbers(given, 3, "[first, last, count], three numbers", place)
    if not isinstance(count, int) or not 2 <= count <= LONGEST or not 0 < low < high:
        raise InputError(place, f"0 < first < last and a count from 2 to {LONGEST}", given)
    return [float(f"{low * (high / low) ** (k / (count - 1)):.12g}") for k in range(count)]


def _list(given: list[Any], place: str) -> list[Any]:
    return given


_FORMS: dict[str, Callable[[list[Any], str], Sequence[Any]]] = {
    "list": _list, "range": _range, "log2": _log2, "log": _log}


def combinations(axes: Sequence[Axis], known: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every choice of values by key, the last axis fastest; axes whose condition does not hold are left out.

    Args:
        axes: in order; a condition sees the axes before it.
        known: values of the base by dotted key, which conditions see too.
    """
    if not axes:
        yield {}
        return
    yield from _below(axes, 0, dict(known), {})


def _below(axes: Sequence[Axis], place: int, seen: dict[str, Any], chosen: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if place == len(axes):
        yield dict(chosen)
        return
    axis = axes[place]
    if axis.when is not None and not axis.when(seen):
        yield from _below(axes, place + 1, seen, chosen)
        return
    for value in axis.values:
        yield from _below(axes, place + 1, {**seen, axis.key: value}, {**chosen, axis.key: value})
