"""Numbers, tables, and the rows of hwsim and SCALE-Sim joined by case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SHAPE = ("m", "k", "n", "rows", "cols", "dataflow", "ratio")


def number(value: object) -> str:
    """Three significant digits for fractions, thousands with commas; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return "0" if value == 0 else f"{value:.3g}"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table, numbers in it already as text."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def case_name(case: dict[str, Any]) -> str:
    """For example ``1024³ WS 2:4``."""
    ratio = "dense" if case["ratio"] == "1:1" else case["ratio"]
    cube = len({case["m"], case["k"], case["n"]}) == 1
    shape = f"{case['m']}³" if cube else f"{case['m']} × {case['k']} × {case['n']}"
    return f"{shape} {case['dataflow'].upper()} {ratio}"


def joined(sections: dict[str, Any]) -> list[dict[str, Any]]:
    """Cases that both have: ``case``, ``scalesim`` (its record), ``hwsim`` (rows by variant)."""
    ours: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sections["gemm"]["results"]:
        ours.setdefault(_key(row["case"]), {})[row["variant"]] = row
    return [{"case": record["case"], "scalesim": record, "hwsim": ours[_key(record["case"])]}
            for record in sections["scalesim"]["results"] if _key(record["case"]) in ours]


def _key(case: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(case[name] for name in SHAPE)


def speedup(peer: dict[str, Any], row: dict[str, Any]) -> float:
    """CPU seconds of SCALE-Sim's process over the median CPU seconds of ours; both run on one core.

    Unlike wall time, neither grows with what else wants the core.
    """
    return float(peer["cpu_s"] / row["warm"]["cpu_median_s"])
