"""Figures of ``hwsim reproduce mustafar``: storage by sparsity; gain of attention by batch and by units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from hwsim.kv_workload.figure import COLOURS
from hwsim.kv_workload.machine import Engine
from hwsim.kv_workload.step import Step
from hwsim.report.figure import DPI, style
from hwsim.reproduce.mustafar_outcome import SHARED, MustafarOutcome, gain
from hwsim.reproduce.published import load_published

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 7.2, 3.0
POINTS = {"synthetic": ("o", "#0072b2"), "minilm": ("^", "#009e73")}
LINES = {0.5: "-", 0.7: "--"}
OTHERS: tuple[Engine, ...] = ("decoded", "skip")


def _png(draw: Callable[[Sequence[Axes]], None], panels: int) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw([figure.add_subplot(1, panels, number + 1) for number in range(panels)])
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def storage_png(outcome: MustafarOutcome) -> bytes:
    """Bytes over dense bytes by sparsity: arithmetic, encoded caches, published; beside it the difference in points."""
    return _png(lambda axes: _draw_storage(axes, outcome), 2)


def _draw_storage(panels: Sequence[Axes], outcome: MustafarOutcome) -> None:
    left, right = panels
    parts = list(outcome.expected)
    percent = [100 * part for part in parts]
    left.plot(percent, [100 * outcome.expected[part] for part in parts], color="black", linewidth=0.8,
              label="the format's arithmetic")
    for name, by_part in outcome.measured.items():
        marker, colour = POINTS[name]
        left.plot(percent, [100 * by_part[part].mean for part in parts], marker=marker, markersize=3.5, color=colour,
                  linestyle="none", label=f"encoded, {name}")
        right.plot(percent, [100 * (by_part[part].mean - outcome.expected[part]) for part in parts], marker=marker,
                   markersize=3.5, color=colour, linewidth=0.8, label=name)
    figures = load_published("mustafar")
    published = [figures[f"storage {100 * part:.0f}"].value or 0.0 for part in SHARED]
    left.plot([100 * part for part in SHARED], [100 * value for value in published], marker="D", markersize=6,
              markerfacecolor="none", color="#cc3311", linestyle="none", label="published")
    left.plot(percent, [100 - value for value in percent], color="#999999", linewidth=0.6, linestyle=":",
              label="non-zeros alone")
    left.set_ylabel("compressed / dense bytes, %")
    left.set_ylim(0, 100)
    left.set_title("(a) storage of compressed tokens", loc="left")
    right.axhspan(-0.5, 0.5, color="#eeeeee", zorder=0, label="half a point")
    right.set_ylabel("encoded - arithmetic, points")
    right.set_title("(b) encoded beside arithmetic", loc="left")
    for axes in panels:
        axes.set_xlabel("sparsity of keys and values, %")
        axes.legend(loc="upper right" if axes is left else "upper left")


def gain_png(outcome: MustafarOutcome) -> bytes:
    """Time of attention on the dense engine over that on the others: by batch, and by units at the largest batch."""
    return _png(lambda axes: _draw_gain(axes, outcome), 2)


def _draw_gain(panels: Sequence[Axes], outcome: MustafarOutcome) -> None:
    experiment = outcome.experiment
    _draw_lines(panels[0], outcome.by_batch, "batch")
    panels[0].set_title(f"(a) Llama-2-7B, T = {experiment.context}, {experiment.accelerator.units} units", loc="left")
    _draw_lines(panels[1], outcome.by_units, f"units of {experiment.accelerator.macs} MACs")
    panels[1].set_title(f"(b) batch {experiment.batches[-1]}", loc="left")
    for axes in panels:
        axes.axhline(1.0, color="black", linewidth=0.6)
        axes.set_ylim(0.8, 2.6)
    panels[0].legend(loc="upper left", ncols=2)


def _draw_lines(axes: Axes, found: Mapping[float, Mapping[int, Mapping[Engine, Step]]], label: str) -> None:
    for part, listed in found.items():
        for engine in OTHERS:
            axes.plot(list(listed), [gain(steps, engine) for steps in listed.values()], marker="o", markersize=3,
                      color=COLOURS[engine], linewidth=1, linestyle=LINES[part], label=f"{engine}, {part:.0%}")
    axes.set_xscale("log", base=2)
    places = list(next(iter(found.values())))
    axes.set_xticks(places, [str(place) for place in places])
    axes.set_xlabel(label)
    axes.set_ylabel("time of attention, dense / engine")


FIGURES: Mapping[str, Callable[[MustafarOutcome], bytes]] = {"storage.png": storage_png, "gain.png": gain_png}
"""By file name."""
