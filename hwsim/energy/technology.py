"""Technologies that the cost table is scaled to: factors by kind of cost, with source, mark and range, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from hwsim.config import Configuration, in_range, load_toml, one_of, positive
from hwsim.errors import InputError

DEFAULT = "45nm"
"""The technology that the table is written for."""
_DATA = Path(__file__).with_name("technologies.toml")


@dataclass(frozen=True, kw_only=True)
class Rule(Configuration):
    """Costs whose names begin so, times a factor; `low` and `high` are factors of a cost's own low and high ends."""

    begins: tuple[str, ...]
    value: float
    low: float
    high: float
    mark: Literal["scaled", "assumption"]
    source: str
    range: str
    nm: float
    voltage: float | None = None

    def check(self) -> None:
        """Refuse factors that are not positive or out of order, and an empty source."""
        in_range("low", positive("low", self.low), None, self.value)
        in_range("high", self.high, self.value, None)
        if not self.source or not self.range:
            raise InputError("source, range", "where the figures come from", "empty text")

    def meets(self, name: str) -> bool:
        """Whether the rule is for that cost."""
        return name.startswith(self.begins)


@cache
def technologies() -> Mapping[str, tuple[Rule, ...]]:
    """Rules by technology; of the default one there are none. The first rule that meets a cost applies."""
    found: dict[str, tuple[Rule, ...]] = {DEFAULT: ()}
    for entry in load_toml(_DATA)["technology"]:
        shared = {key: entry[key] for key in ("nm", "voltage") if key in entry}
        found[entry["name"]] = tuple(Rule.from_mapping({**shared, **rule}, f"{_DATA.name}: {entry['name']}")
                                     for rule in entry["rule"])
    return found


DEFAULT_NODE = (45, 0.9)
"""Node (nm) and supply (V) that the table is written for."""


def logic_factor(nm: int, voltage: float) -> float:
    """Energy of an action of logic at a node (nm) and supply (V) over that of the table's own.

    Source: the polynomials of Stillmaker and Baas (Integration 58, 2017).

    Raises:
        InputError: a node without a polynomial, or a voltage so low that its polynomial has no meaning there.
    """
    known = {int(node): terms for node, terms in load_toml(_DATA)["energy_polynomials"].items()}
    one_of("nm", nm, sorted(known))
    positive("voltage", voltage)
    (at, of) = (known[node][0] * volts**2 + known[node][1] * volts + known[node][2]
                for node, volts in ((nm, voltage), DEFAULT_NODE))
    lowest = -known[nm][1] / (2 * known[nm][0])  # below it the polynomial falls with the voltage
    if at <= 0 or voltage <= lowest:
        raise InputError("voltage", f"more than {lowest:.2g} V at {nm} nm", voltage)
    return at / of


@dataclass(frozen=True, kw_only=True)
class EnergyChoice(Configuration):
    """Section ``[energy]`` of an experiment.

    Schedules are chosen with the table as it is written (45 nm), so that technologies price the same actions.
    """

    technology: str = DEFAULT

    def check(self) -> None:
        """Refuse unknown technologies."""
        one_of("technology", self.technology, technologies())
