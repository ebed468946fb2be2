"""Sweeps and searches as Markdown and as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.tables import markdown_table, number


def sweep_text(rows: list[dict[str, Any]]) -> str:
    """Points per second by workers."""
    first = rows[0]["points_per_s"]
    text = f"## Sweeps\n\n{rows[0]['points']:,} of the {rows[0]['of']:,} points of `examples/sweep.toml`."
    return f"{text}\n\n" + markdown_table(
        ["workers", "wall s", "points/s", "against one"],
        [[row["workers"], number(row["wall_s"]), number(row["points_per_s"]), number(row["points_per_s"] / first)]
         for row in rows])


def search_text(rows: list[dict[str, Any]]) -> str:
    """Hypervolume by sampler and number of points, the worst of the seeds."""
    cells: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault((row["sampler"], row["points"]), []).append(row)
    text = (f"## Searches\n\nA space of {rows[0]['of']:,} points, of which {rows[0]['front']} are the front of three "
            "objectives: part of the true front's hypervolume, worst and best of the seeds.")
    return f"{text}\n\n" + markdown_table(
        ["sampler", "points", "of all %", "hypervolume", "points of the front found"],
        [[sampler, points, number(100 * points / found[0]["of"]),
          _span([row["hypervolume"] for row in found], "{:.4f}"),
          _span([row["front_found"] for row in found], "{}")] for (sampler, points), found in cells.items()])


def _span(values: list[Any], form: str) -> str:
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f"{low} to {high}"


def search_figure(rows: list[dict[str, Any]], file: Path) -> None:
    """Hypervolume against points, a line for each seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.4), layout="constrained")
    axes = figure.add_subplot()
    looks = {"tpe": ("#0072B2", "o-", "TPE"), "nsga2": ("#D55E00", "s--", "NSGA-II")}
    for sampler, (colour, style, label) in looks.items():
        for seed in sorted({row["seed"] for row in rows}):
            own = [row for row in rows if row["sampler"] == sampler and row["seed"] == seed]
            axes.plot([100 * row["points"] / row["of"] for row in own], [row["hypervolume"] for row in own], style,
                      color=colour, label=label if not seed else None, markersize=4)
    axes.axhline(0.98, color="#666666", linewidth=0.8)
    axes.annotate("0.98", (5, 0.98), xytext=(0, 3), textcoords="offset points", fontsize=8, color="#666666")
    axes.set_xlabel(f"points evaluated, % of {rows[0]['of']}")
    axes.set_ylabel("hypervolume / true front's")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(file, dpi=150)
