"""Published figures as data: ``<name>.toml`` beside this file, each with its mark and its source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from hwsim.config import Configuration, load_toml
from hwsim.errors import InputError
from hwsim.reproduce.rows import Mark, Row


@dataclass(frozen=True, kw_only=True)
class Published(Configuration):
    """One published figure; no value where none is known to us (mark ``unknown``)."""

    key: str
    quantity: str
    mark: str
    source: str
    value: float | None = None

    def check(self) -> None:
        """Refuse unknown marks, a value of an unknown figure, and a known figure without one."""
        if self.mark not in get_args(Mark):
            raise InputError("mark", "one of " + ", ".join(get_args(Mark)), self.mark)
        if (self.value is None) != (self.mark == "unknown"):
            raise InputError("value", "a value unless the mark is unknown", self.value)

    def row(self, ours: float | None) -> Row:
        """The row with our figure beside it."""
        mark: Mark = next(mark for mark in get_args(Mark) if mark == self.mark)
        return Row(quantity=self.quantity, published=self.value, ours=ours, mark=mark, source=self.source)


def load_published(name: str) -> dict[str, Published]:
    """The figures of one reproduction by key.

    Raises:
        InputError: an entry is refused, or two have one key.
    """
    path = Path(__file__).with_name(f"{name}.toml")
    found: dict[str, Published] = {}
    for number, entry in enumerate(load_toml(path)["published"]):
        figure = Published.from_mapping(entry, f"{path.name}: published[{number}]")
        if figure.key in found:
            raise InputError(f"{path.name}: published[{number}]", "each key once", figure.key)
        found[figure.key] = figure
    return found
