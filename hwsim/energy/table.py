"""The table of unit costs: energy of one action, or power of what stands, with source and range; from ``costs.toml``.

Energies are `Joules` and powers `Watts` everywhere in the program; `hwsim.energy.units` makes them from numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from hwsim.config import Configuration, in_range, load_toml, one_of, positive
from hwsim.energy.technology import DEFAULT, Rule, technologies
from hwsim.energy.units import POWER_UNITS, Joules, Seconds, energy_of, power_of, spent
from hwsim.errors import InputError
from hwsim.fields import nearest

Mark = Literal["paper", "data sheet", "tool", "scaled", "assumption"]

SMALLEST_SRAM = 64
"""Smallest memory (bytes) that the SRAM curve is used for; below it, count registers."""
LARGEST_SRAM = 64 * 2**20
"""Largest memory (bytes) that the SRAM curve is used for."""

_DATA = Path(__file__).with_name("costs.toml")


@dataclass(frozen=True, kw_only=True)
class Cost(Configuration):
    """One row of the table; the columns are explained at the head of ``costs.toml``."""

    name: str
    value: float
    unit: Literal["pJ", "nJ", "pW", "nW", "uW", "mW", "W"]
    mark: Mark
    source: str
    low: float
    high: float
    range: str
    bits: int | None = None
    piece: str | None = None
    capacity_bytes: int | None = None
    technology_nm: float | None = None
    voltage: float | None = None

    def check(self) -> None:
        """Refuse values that are not positive, a range without the value, an empty source, a power of nothing."""
        positive("value", self.value)
        in_range("low", positive("low", self.low), None, self.value)
        in_range("high", self.high, self.value, None)
        for field in ("bits", "capacity_bytes", "technology_nm", "voltage"):
            if getattr(self, field) is not None:
                positive(field, getattr(self, field))
        if not self.source or not self.range:
            raise InputError("source, range", "where the figures come from", "empty text")
        if self.standing != (self.piece is not None):
            raise InputError("piece", "what has the power, with a unit of power alone", f"{self.piece}, {self.unit}")

    @property
    def standing(self) -> bool:
        """Whether this is a power, which costs for as long as something is there, and not the energy of an action."""
        return self.unit in POWER_UNITS

    @property
    def per(self) -> str:
        """What is counted: ``"bit"`` or ``"operation"``; of a power its piece times seconds, as ``"bit s"``."""
        if self.standing:
            return f"{self.piece} s"
        return "operation" if self.bits is None else "bit"

    @property
    def energy(self) -> Joules:
        """Energy of one operation or of one bit; of a power that of one piece in one second."""
        return self._of(self.value)

    @property
    def bounds(self) -> tuple[Joules, Joules]:
        """Plausible lowest and highest `energy`."""
        return self._of(self.low), self._of(self.high)

    def scaled(self, rule: Rule) -> Cost:
        """The same cost in another technology."""
        mark: Mark = "assumption" if "assumption" in (rule.mark, self.mark) else "scaled"
        return self.replace(value=self.value * rule.value, low=self.low * rule.low, high=self.high * rule.high,
                            mark=mark, source=f"{self.source}; x {rule.value:g}: {rule.source}",
                            range=f"{self.range}; x {rule.low:g} to {rule.high:g}: {rule.range}",
                            technology_nm=rule.nm, voltage=rule.voltage)

    def _of(self, value: float) -> Joules:
        whole = spent(power_of(value, self.unit), Seconds(1)) if self.standing else energy_of(value, self.unit)
        return Joules(whole / (self.bits or 1))


@dataclass(frozen=True, kw_only=True)
class Area(Configuration):
    """Silicon of one operator, or of so many ``bits`` of it, um2 at 40 to 45 nm: the base of its leakage."""

    name: str
    value: float
    mark: Mark
    source: str
    bits: int = 1

    def check(self) -> None:
        """Refuse what is not positive, and an empty source."""
        positive("value", self.value)
        positive("bits", self.bits)
        if not self.source:
            raise InputError("source", "where the figure comes from", "empty text")


@dataclass(frozen=True, kw_only=True)
class CostTable(Configuration):
    """Costs by name, with one curve for SRAM of any capacity."""

    costs: tuple[Cost, ...]
    areas: tuple[Area, ...] = ()

    def check(self) -> None:
        """Refuse two costs of one name (SRAM: of one capacity) and an SRAM curve that does not rise."""
        seen: set[tuple[str, int | None]] = set()
        for cost in self.costs:
            key = (cost.name, cost.capacity_bytes)
            if key in seen or (cost.name == "sram") != (cost.capacity_bytes is not None):
                raise InputError("costs", "each name once, and a capacity for sram only", str(key))
            seen.add(key)
        energies = [cost.energy for cost in self._sram_points()]
        if energies != sorted(set(energies)) or len(energies) == 1:
            raise InputError("costs", "two or more sram entries whose energy grows with capacity", energies)

    @property
    def names(self) -> tuple[str, ...]:
        """Names that `cost` knows, without ``"sram"``."""
        return tuple(cost.name for cost in self.costs if cost.name != "sram")

    def cost(self, name: str, place: str = "cost") -> Cost:
        """The cost of that name; `InputError` at `place` with the known names when there is none."""
        for cost in self.costs:
            if cost.name == name and name != "sram":
                return cost
        wanted = f"one of {', '.join(self.names)}{nearest(name, self.names)}"
        raise InputError(place, wanted, f"{name} without a capacity" if name == "sram" else name)

    def area(self, name: str) -> float:
        """Area of one operator, or of one bit of it, um2 at 40 to 45 nm whatever the technology.

        Raises:
            InputError: the table has no such area.
        """
        for area in self.areas:
            if area.name == name:
                return area.value / area.bits
        raise InputError("area", f"one of {', '.join(area.name for area in self.areas)}", name)

    def scaled(self, technology: str) -> CostTable:
        """The table in another technology; what does not scale with logic (DRAM, boards) stays.

        Raises:
            InputError: an unknown technology.
        """
        rules = technologies()[one_of("technology", technology, technologies())]
        found = ((cost, next((rule for rule in rules if rule.meets(cost.name)), None)) for cost in self.costs)
        return self.replace(costs=tuple(cost if rule is None else cost.scaled(rule) for cost, rule in found))

    def sram(self, capacity_bytes: int, place: str = "capacity_bytes") -> Cost:
        """Cost of one bit read from or written to an SRAM of that capacity.

        Energy per bit is interpolated on log-log axes between the table's capacities and keeps the slope of the nearest
        pair beyond them; there the mark is ``"assumption"`` and the range reaches back to the last of them. Width does
        not enter: the cost is per bit accessed.

        Raises:
            InputError: below `SMALLEST_SRAM` or above `LARGEST_SRAM` bytes, or the table has no SRAM.
        """
        in_range(place, capacity_bytes, SMALLEST_SRAM, LARGEST_SRAM)
        points = self._sram_points()
        if not points:
            raise InputError(place, "a cost table with sram entries", "none")
        for point in points:
            if point.capacity_bytes == capacity_bytes:
                return point
        below = max((k for k, p in enumerate(points[:-1]) if _capacity(p) < capacity_bytes), default=0)
        return _between(points[below], points[below + 1], capacity_bytes)

    def _sram_points(self) -> list[Cost]:
        return sorted((cost for cost in self.costs if cost.name == "sram"), key=_capacity)


def _capacity(cost: Cost) -> int:
    return cost.capacity_bytes or 0


@lru_cache(maxsize=4096)
def _between(small: Cost, large: Cost, capacity_bytes: int) -> Cost:
    """Cost at a capacity on the log-log line through two entries; value and range are each interpolated, per bit."""
    share = math.log(capacity_bytes / _capacity(small)) / math.log(_capacity(large) / _capacity(small))

    def at(first: float, second: float) -> float:
        return first * (second / first) ** share * 1e12

    inside = 0 < share < 1
    ends = f"{_capacity(small)} and {_capacity(large)} bytes"
    value = at(small.energy, large.energy)
    low, high = (at(a, b) for a, b in zip(small.bounds, large.bounds, strict=True))
    if share < 0:  # no source says how far the curve goes on: a smaller memory may cost as much as the smallest known
        high = small.bounds[1] * 1e12
    elif share > 1:
        low = large.bounds[0] * 1e12
    return small.replace(
        value=value,
        unit="pJ",
        bits=1,
        capacity_bytes=capacity_bytes,
        low=min(low, value),
        high=max(high, value),
        mark="scaled" if inside else "assumption",
        source=f"{'interpolated' if inside else 'extrapolated'} on log-log axes from {ends}: {small.source}",
    )


def mux_bits(ways: int, width_bits: int) -> int:
    """2:1 multiplexer bits switched when one of `ways` values of `width_bits` is selected: a tree of ways - 1."""
    return (in_range("ways", ways, 1) - 1) * in_range("width_bits", width_bits, 1)


def load_costs(path: str | Path | None = None, *, technology: str = DEFAULT) -> CostTable:
    """The cost table of the package, or a user's own file of the same form, in a technology.

    A user's values are taken to be for 40 to 45 nm; a technology is a name of ``technologies.toml``.

    Raises:
        InputError: the file cannot be read, an entry is refused (the place names both), an unknown technology.
    """
    if path is None:
        return _built_in(technology)
    table = _read(Path(path))
    return table if technology == DEFAULT else table.scaled(technology)


@cache
def _built_in(technology: str) -> CostTable:
    return _read(_DATA) if technology == DEFAULT else _built_in(DEFAULT).scaled(technology)


def _read(path: Path) -> CostTable:
    data: dict[str, Any] = load_toml(path)
    data.pop("check", None)  # cross-checks that the tests read
    return CostTable.from_mapping({"costs": data.pop("cost", []), "areas": data.pop("area", []), **data}, str(path))
