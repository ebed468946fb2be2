"""The report's figures for print: front, gains over the baselines, energy and stalls of the points on the front.

One page for each workload (PDF), or the largest workload alone (PNG). Equal data give equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from hwsim.report.figure import DPI, style
from hwsim.report.panels import STALLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#8a8a8a")
STATES = {**STALLS, "memory only": "#56b4e9"}
WIDTH, HEIGHT = 7.2, 5.4
"""Inches of a page's text width."""
MOST_BARS = 10
UNITS = {"J": "J", "s": "s", "J s": "J s", "bytes of on-chip buffers": "B", "bytes over the DRAM channel": "B"}

Data = Mapping[str, Any]


def figure_bytes(data: Data, kind: str) -> bytes:
    """The figures as a ``pdf`` of one page a workload, or as a ``png`` of the workload with most points (or layers)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import PdfPages

    codes = data["groups"]["codes"]
    layers = {code: len(data["layers"]["sets"][own]) for code, own in zip(codes, data["layers"]["codes"], strict=True)}
    groups = sorted(layers, key=lambda group: (-codes.count(group), -layers[group]))
    buffer = BytesIO()
    with style():
        if kind == "png":
            figure = draw(data, groups[0])
            FigureCanvasAgg(figure)
            figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        else:
            with PdfPages(buffer, metadata={"CreationDate": None, "Producer": None, "Creator": None}) as pages:
                for group in groups:
                    pages.savefig(draw(data, group))
    return buffer.getvalue()


def draw(data: Data, group: int) -> Figure:
    """The figure of one workload; call it inside `hwsim.report.figure.style`."""
    from matplotlib.figure import Figure

    rows = [row for row, code in enumerate(data["groups"]["codes"]) if code == group]
    shown = on_front(data, rows)
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=(1.25, 1.0))
    _scatter(figure.add_subplot(grid[0, :2]), data, rows, shown)
    _gains(figure.add_subplot(grid[0, 2]), data, shown)
    _stacked(figure.add_subplot(grid[1, :2]), data["energy"], shown, "(c) Energy by component", share=False)
    _stacked(figure.add_subplot(grid[1, 2]), data["stalls"], shown, "(d) States or parts (% of cycles)", share=True)
    figure.suptitle(f"{data['name']}: {data['groups']['levels'][group]}, {len(rows):,} points", fontsize=8.5,
                    fontweight="bold", parse_math=False)
    return figure


def on_front(data: Data, rows: Sequence[int]) -> list[int]:
    """Up to `MOST_BARS` points of the front, evenly along its first objective."""
    values = _metric(data, data["objectives"][0]["name"]) if data["objectives"] else None
    front = sorted((row for row in rows if data["front"][row]), key=lambda row: values[row] if values else row)
    count = min(len(front), MOST_BARS)
    return [front[round(k * (len(front) - 1) / max(count - 1, 1))] for k in range(count)]


def _metric(data: Data, name: str) -> list[Any] | None:
    return next((each["values"] for each in data["metrics"] if each["key"] == name), None)


def _scale(values: Sequence[Any], rows: Sequence[int]) -> str:
    """Logarithmic for more than a decade of values."""
    known = [values[row] for row in rows]
    return "log" if known and min(known) > 0 and max(known) > 10 * min(known) else "linear"


def _ticks(axis: Axis, unit: str) -> None:
    """Round values with prefix and unit."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    if axis.get_scale() == "log":
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(EngFormatter(unit))


def _scatter(axes: Axes, data: Data, rows: Sequence[int], shown: Sequence[int]) -> None:
    """(a): the first two objectives of all points; the front is dark, its shown points have the bars' letters."""
    names = [each["name"] for each in data["objectives"]][:2] or ["cycles", "energy_joules"]
    names = names if len(names) == 2 else [names[0], "energy_joules"]
    columns = [_metric(data, name) for name in names]
    axes.set_title("(a) Design space and front", loc="left")
    x, y = columns
    if x is None or y is None:
        return
    known = [row for row in rows if x[row] is not None and y[row] is not None]
    for front, area, colour in ((False, 5, "#9aa3ab"), (True, 13, OKABE_ITO[0])):
        own = [row for row in known if data["front"][row] == front]
        axes.scatter([x[row] for row in own], [y[row] for row in own], linewidth=0, rasterized=len(own) > 3000,
                     label="on the front" if front else "dominated", s=area, color=colour)
    for place, row in enumerate(shown):
        offset = (3, 3) if place % 2 == 0 else (-7, -8)  # neighbours on a front may lie close together
        axes.annotate(letter(place), (x[row], y[row]), textcoords="offset points", xytext=offset, fontsize=6)
    axes.set_xscale(_scale(x, known))
    axes.set_yscale(_scale(y, known))
    shown_as = {each["key"]: (each["label"], UNITS.get(each["unit"], "")) for each in data["metrics"]}
    for axis, name in ((axes.xaxis, names[0]), (axes.yaxis, names[1])):
        label, unit = shown_as[name]
        _ticks(axis, unit)
        axis.set_label_text(label)
    axes.legend(loc="best", handletextpad=0.2)


def letter(place: int) -> str:
    """Name of a shown point."""
    return chr(ord("A") + place)


def _gains(axes: Axes, data: Data, shown: Sequence[int]) -> None:
    """(b): speedup and energy gain over each baseline."""
    series = [each for each in data["metrics"] if each["key"].startswith(("speedup_", "energy_gain_"))
              and any(each["values"][row] is not None for row in shown)]
    axes.set_title("(b) Over the baselines (×)", loc="left")
    width = 0.8 / max(len(series), 1)
    values = [value for each in series for row in shown if (value := each["values"][row])]
    apart = bool(values) and max(*values, 1.0) > 15 * min(*values, 1.0)
    start = 1.0 if apart else 0.0  # bars on a logarithmic scale begin where nothing is gained
    if apart:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    for number, each in enumerate(series):
        places = [place + (number - (len(series) - 1) / 2) * width for place in range(len(shown))]
        axes.bar(places, [(each["values"][row] or start) - start for row in shown], 0.92 * width, bottom=start,
                 color=OKABE_ITO[number % 8], label=each["label"], linewidth=0)
    axes.axhline(1, color="black", linewidth=0.5, linestyle=(0, (4, 3)))
    _name(axes, shown)
    if series:
        _room_above(axes, 0.09 * len(series))
        axes.legend(loc="upper left", handlelength=1.0, borderaxespad=0.1, labelspacing=0.2, fontsize=6)


def _room_above(axes: Axes, share: float) -> None:
    """Leave this share of the height free of bars, for the legend."""
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        axes.set_ylim(low, low * (high / low) ** (1 / (1 - share)))
    else:
        axes.set_ylim(low, low + (high - low) / (1 - share))


def _stacked(axes: Axes, columns: Sequence[Mapping[str, Any]], shown: Sequence[int], title: str, *,
             share: bool) -> None:
    from matplotlib.ticker import EngFormatter

    axes.set_title(title, loc="left")
    columns = [each for each in columns if any(each["values"][row] for row in shown)]
    sums = [sum(each["values"][row] for each in columns) or 1.0 for row in shown]
    bottom = [0.0] * len(shown)
    for number, each in enumerate(columns):
        heights = [each["values"][row] / (total / 100 if share else 1) for row, total in zip(shown, sums, strict=True)]
        axes.bar(range(len(shown)), heights, 0.7, bottom=bottom, linewidth=0, label=each["key"],
                 color=STATES.get(each["key"], OKABE_ITO[number % 8]))
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    _name(axes, shown)
    if not share:
        axes.yaxis.set_major_formatter(EngFormatter("J"))
    if columns:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3 if share else 5, handlelength=1.0,
                    columnspacing=0.8)


def _name(axes: Axes, shown: Sequence[int]) -> None:
    axes.set_xticks(range(len(shown)), [letter(place) for place in range(len(shown))])
    axes.set_xlim(-0.6, max(len(shown), 4) - 0.4)
