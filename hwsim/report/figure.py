"""Overview of one run for print: cycles by layer, speedup, energy and the roofline, as one PNG.

The figure is drawn by Agg with matplotlib's own fonts and carries no date and no version: equal results, equal bytes.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from hwsim.report.outcome import Outcome, Run
from hwsim.report.panels import draw_cycles, draw_energy, draw_roofline, draw_speedup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 7.2, 5.2, 220
"""Inches of a page's text width, and dots per inch."""
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
}


def style() -> AbstractContextManager[None]:
    """Fonts and lines of the figure, whatever the user's own settings of matplotlib are."""
    import matplotlib

    settings: dict[Any, Any] = {**matplotlib.rcParamsDefault, **_STYLE, "backend": "agg"}
    return matplotlib.rc_context(settings)


def overview(outcome: Outcome, run: Run) -> Figure:
    """The figure: (a) cycles by layer, (b) speedup, (c) energy, (d) roofline; call it and draw it inside `style`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=(1.0, 1.0), width_ratios=(0.9, 1.05, 1.35))
    draw_cycles(figure.add_subplot(grid[0, :]), outcome, run)
    draw_speedup(figure.add_subplot(grid[1, 0]), outcome, run)
    draw_energy(figure.add_subplot(grid[1, 1]), outcome)
    draw_roofline(figure.add_subplot(grid[1, 2]), outcome, run)
    result = run.result
    title = f"{result.workload} on {result.accelerator}, {run.ratio}, {result.clock_hz / 1e6:g} MHz"
    figure.suptitle(title, fontsize=8.5, fontweight="bold")
    return figure


def overview_png(outcome: Outcome, run: Run) -> bytes:
    """The figure as the bytes of a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with style():
        figure = overview(outcome, run)
        FigureCanvasAgg(figure)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
