"""Figure of the accuracy table: accuracy by ratio and method, a panel for each network."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from hwsim.report.figure import DPI, WIDTH, style
from hwsim.sparsity.ratio import Ratio
from mappers.prune.methods import METHODS
from mappers.prune.table import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"sr-ste": "#0072b2", "sdgp": "#e69f00", "bdwp": "#cc3311", "decay": "#009e73", "asp": "#56b4e9"}
MARKS = {"sr-ste": "o", "sdgp": "s", "bdwp": "D", "decay": "^", "asp": "v"}


def accuracy_png(rows: Sequence[Row]) -> bytes:
    """The figure as the bytes of a PNG: means of the seeds, bars of one standard deviation; equal rows, equal bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    networks = list(dict.fromkeys(row.network for row in rows))
    with style():
        figure = Figure(figsize=(WIDTH, 2.9), dpi=DPI, layout="constrained")
        panels = figure.subplots(1, len(networks), squeeze=False)[0]
        for letter, axes, network in zip("abcdefgh", panels, networks, strict=False):
            draw_network(axes, f"({letter}) {network}", [row for row in rows if row.network == network])
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), handlelength=1.2)
        FigureCanvasAgg(figure)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def draw_network(axes: Axes, title: str, rows: Sequence[Row]) -> None:
    """Accuracy over the ratios, a mark for each method; dense as a line with its spread as a band."""
    sparse = [row for row in rows if not METHODS[row.method].dense]
    ratios = list(dict.fromkeys(row.ratio for row in sparse))
    ratios.sort(key=Ratio.parse, reverse=True)
    for row in (row for row in rows if METHODS[row.method].dense):
        axes.axhline(row.mean, color="black", linewidth=0.8, label="dense")
        axes.axhspan(row.mean - (row.spread or 0), row.mean + (row.spread or 0), color="#dddddd", linewidth=0)
    methods = list(dict.fromkeys(row.method for row in sparse))
    for number, method in enumerate(methods):
        shown = [row for row in sparse if row.method == method]
        places = [ratios.index(row.ratio) + (number - (len(methods) - 1) / 2) * 0.13 for row in shown]
        axes.errorbar(places, [row.mean for row in shown], [row.spread or 0 for row in shown], linestyle="none",
                      marker=MARKS[method], markersize=3.5, elinewidth=0.7, capsize=1.5, color=COLOURS[method],
                      label=METHODS[method].title)  # fmt: skip
    axes.set_xticks(range(len(ratios)), ratios)
    axes.set_xlim(-0.5, max(1, len(ratios)) - 0.5)
    axes.set_xlabel("N:M of the weights")
    axes.set_ylabel("accuracy on held-out images (%)")
    axes.set_title(f"{title}: mean and standard deviation of the seeds", loc="left")
