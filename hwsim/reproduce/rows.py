"""Rows of a reproduction: a published figure, ours beside it, where the published one comes from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hwsim.report.columns import aligned

Mark = Literal["paper", "artifact", "second", "derived", "unknown"]
"""Of the published figure: read in the paper; shipped with or printed by the authors' program; told by others;
arithmetic on what is known; not known to us (null)."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity. ``published`` is None where no figure is known, ``ours`` where we have none."""

    quantity: str
    published: float | None
    ours: float | None
    mark: Mark
    source: str

    @property
    def error_percent(self) -> float | None:
        """Of ours against the published figure, relative; None where either is missing."""
        if self.published is None or self.ours is None or not self.published:
            return None
        return 100 * (self.ours - self.published) / abs(self.published)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"quantity": self.quantity, "published": self.published, "ours": self.ours,
                "error_percent": self.error_percent, "mark": self.mark, "source": self.source}


def rows_json(rows: Sequence[Row]) -> dict[str, Any]:
    """The form of every ``hwsim reproduce --json``."""
    return {"rows": [row.to_dict() for row in rows]}


def rows_text(rows: Sequence[Row]) -> str:
    """The rows as JSON text that ends in a line feed: equal inputs, equal bytes."""
    return json.dumps(rows_json(rows), indent=2, allow_nan=False) + "\n"


def rows_table(rows: Sequence[Row]) -> str:
    """The rows as a text table; sources are numbered and listed below."""
    sources = list(dict.fromkeys(row.source for row in rows))
    lines = [("quantity", "published", "ours", "error", "mark", "source")]
    for row in rows:
        error = "" if row.error_percent is None else f"{row.error_percent:+.1f} %"
        lines.append((row.quantity, _number(row.published), _number(row.ours), error, row.mark,
                      f"[{sources.index(row.source) + 1}]"))
    notes = [f"[{number}] {source}" for number, source in enumerate(sources, start=1)]
    return "\n".join([*aligned(lines), "", *notes])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
