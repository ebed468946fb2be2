"""The figure: seconds per GEMM, hwsim beside SCALE-Sim, on a logarithmic axis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.tables import case_name, joined

SERIES = (("SCALE-Sim 3.0.0", "s", "#c1440e"), ("hwsim, best tiling searched", "o", "#1f5fa8"),
          ("hwsim, one tiling", "D", "#5aa9e6"), ("reading the 2:4 pattern once", "|", "#444444"))


def points(sections: dict[str, Any]) -> list[tuple[str, list[tuple[float, float, float] | None], str]]:
    """Per case: its name, (CPU, least wall, most wall) seconds of each of `SERIES` or None, why the peer has none."""
    reads = {row["size"]: row["ways"]["count_nonzero of the mask"]
             for row in sections.get("pattern", {}).get("results", [])}
    found = []
    for row in joined(sections):
        peer = row["scalesim"]
        theirs = (peer["cpu_s"], peer["wall_s"], peer["wall_s"]) if peer["status"] == "measured" else None
        samples = [row["hwsim"]["search"]["warm"], row["hwsim"]["fixed"]["warm"],
                   reads.get(row["case"]["k"]) if row["case"]["ratio"] != "1:1" else None]
        ours = [None if s is None else (s["cpu_median_s"], s["min_s"], s["max_s"]) for s in samples]
        found.append((case_name(row["case"]), [theirs, *ours], "" if theirs else peer["status"].partition(":")[0]))
    return found


def _draw(axes: Axes, cases: list[tuple[str, list[tuple[float, float, float] | None], str]]) -> None:
    for index, (label, marker, colour) in enumerate(SERIES):
        rows = [(line, seen[index]) for line, (_, seen, _) in enumerate(cases) if seen[index] is not None]
        if rows:
            lines = [line for line, _ in rows]
            axes.hlines(lines, [min(s) for _, s in rows], [max(s) for _, s in rows], color=colour, linewidth=1.2,
                        alpha=0.6)
            axes.plot([s[0] for _, s in rows], lines, marker, color=colour, label=label, markersize=8,
                      markeredgewidth=2 if marker == "|" else 0.5)
    for line, (_, _, why) in enumerate(cases):
        if why:
            axes.annotate(f"SCALE-Sim {why}", (0.99, line), xycoords=("axes fraction", "data"), ha="right",
                          va="center", fontsize=9, color=SERIES[0][2])


def figure(sections: dict[str, Any], file: Path) -> None:
    """Write the PNG: one line per GEMM, CPU time as marks, a line over all wall times."""
    cases = points(sections)
    fig, axes = plt.subplots(figsize=(8, 1.6 + 0.36 * len(cases)), layout="constrained")
    _draw(axes, cases)
    axes.set_xscale("log")
    axes.set_yticks(range(len(cases)), [name for name, _, _ in cases])
    axes.invert_yaxis()
    axes.set_xlabel("time to simulate one GEMM (s, logarithmic)\nmarks: CPU time, median; lines: wall clock, least to "
                    "most", fontsize=10)
    axes.set_ylabel("GEMM on a 32 × 32 array, dataflow, weights", fontsize=10)
    axes.tick_params(labelsize=10)
    axes.grid(axis="x", which="major", color="#dddddd")
    axes.set_axisbelow(True)
    fig.legend(loc="outside upper center", ncols=2, fontsize=10, frameon=False)
    fig.savefig(file, dpi=160, metadata={"Software": None})
    plt.close(fig)
