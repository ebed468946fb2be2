"""Axes of a sweep: a configuration key and the values it takes, perhaps only under a condition.

    [axes]
    accelerator.rows = [16, 32, 64]                          # a list
    accelerator.cols = { log2 = [8, 64] }                    # 8, 16, 32, 64
    clock_hz = { range = [100e6, 300e6, 50e6] }              # first, last, step
    accelerator.interleave = { values = [1, 2], when = 'accelerator.dataflow == "os"' }

The path of an axis may name a whole section, whose values are then tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.errors import InputError
from hwsim.sweep.expression import Expression
from hwsim.sweep.keys import Path, dotted
from hwsim.sweep.rows import compact

_FORMS = ("values", "range", "log2")
MOST_VALUES = 100_000


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One key and its values; where ``when`` does not hold, the key stays as the base has it."""

    path: Path
    values: tuple[Any, ...]
    when: Expression | None = None

    @property
    def name(self) -> str:
        """The key as text."""
        return dotted(self.path)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"key": self.name, "values": list(self.values), **({"when": self.when.text} if self.when else {})}


def parse_axes(table: Any, place: str) -> tuple[Axis, ...]:
    """Axes of a table, in its order.

    Raises:
        InputError: no axis, or one without values.
    """
    if not isinstance(table, Mapping) or not table:
        raise InputError(place, "a table of at least one key and its values", table)
    return tuple(_axes(table, (), place))


def _axes(table: Mapping[str, Any], path: Path, place: str) -> Iterator[Axis]:
    for key, value in table.items():
        own, here = (*path, key), f"{place}.{dotted((key,))}"
        if isinstance(value, Mapping) and not set(value) & {*_FORMS, "when"}:
            if not value:
                raise InputError(here, "values", "an empty table")
            yield from _axes(value, own, here)
        else:
            yield _axis(own, value, here)


def _axis(path: Path, value: Any, place: str) -> Axis:
    form = value if isinstance(value, Mapping) else {"values": value}
    given = [name for name in form if name in _FORMS]
    other = [name for name in form if name not in (*_FORMS, "when")]
    if len(given) != 1 or other:
        raise InputError(place, "one of values, range, log2; and perhaps when", ", ".join(form))
    values = {"values": _listed, "range": _stepped, "log2": _doubled}[given[0]](form[given[0]], place)
    if len({compact(one) for one in values}) < len(values):
        raise InputError(place, "each value once", values)
    when = Expression.parse(form["when"], f"{place}.when") if "when" in form else None
    return Axis(path=path, values=tuple(values), when=when)


def _listed(values: Any, place: str) -> list[Any]:
    if not isinstance(values, list) or not values:
        raise InputError(place, "a list of at least one value", values)
    try:
        compact(values)
    except TypeError:
        raise InputError(place, "numbers, text, lists and tables", values) from None
    return values


def _stepped(values: Any, place: str) -> list[Any]:
    """First, last, step: integers stay integers."""
    first, last, step = _numbers(values, 3, place, "range = [first, last, step], a step above 0")
    if step <= 0 or last < first:
        raise InputError(place, "range = [first, last, step], first to last in steps above 0", values)
    count = math.floor((last - first) / step * (1 + 1e-12)) + 1
    if count > MOST_VALUES:
        raise InputError(place, f"at most {MOST_VALUES} values", count)
    return [first + number * step for number in range(count)]


def _doubled(values: Any, place: str) -> list[Any]:
    """From the first, doubled as long as it is not above the last."""
    first, last = _numbers(values, 2, place, "log2 = [first, last]")
    if first <= 0 or last < first:
        raise InputError(place, "log2 = [first, last], above 0 and rising", values)
    return [first * 2**number for number in range(math.floor(math.log2(last / first) + 1e-9) + 1)]


def _numbers(values: Any, count: int, place: str, wanted: str) -> list[Any]:
    numbers = isinstance(values, list) and len(values) == count and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) for value in values)
    if not numbers:
        raise InputError(place, wanted, values)
    return list(values)
