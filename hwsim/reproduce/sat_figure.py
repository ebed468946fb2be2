"""Figures of ``hwsim reproduce sat``: speedups beside bound and published average, time split, schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from hwsim.report.figure import DPI, style
from hwsim.reproduce.published import load_published
from hwsim.training.outcome import TrainingOutcome, mean
from hwsim.workload.zoo_training import NETWORKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 7.2, 3.0
RATIOS = ("#9ecae1", "#4292c6", "#084594", "#08306b")
PARTS = {"FF": "#0072b2", "BP": "#56b4e9", "WU": "#009e73", "SORE": "#e69f00", "update": "#cc3311"}
NETWORK_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc3311", "#56b4e9")
MARKERS = "osD^v"


def _png(draw: Callable[[Axes], None]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure.add_subplot())
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def speedup_png(outcome: TrainingOutcome) -> bytes:
    """Speedup of a step over dense by network and ratio; the bound of its own layers, the published average at 2:8."""
    return _png(lambda axes: _draw_speedup(axes, outcome))


def _draw_speedup(axes: Axes, outcome: TrainingOutcome) -> None:
    names, ratios = outcome.experiment.networks, list(outcome.sparse)
    width = 0.8 / len(ratios)
    figures = load_published("sat")
    for column, ratio in enumerate(ratios):
        colour = RATIOS[column % len(RATIOS)]
        values = [*outcome.speedups(ratio).values(), outcome.average(ratio)]
        bounds = [*outcome.bounds[ratio].values(), mean(outcome.bounds[ratio].values())]
        places = [index + (column - (len(ratios) - 1) / 2) * width for index in range(len(values))]
        bars = axes.bar(places, values, 0.92 * width, color=colour, label=str(ratio))
        axes.bar_label(bars, fmt="%.2f", fontsize=5.5, label_type="center", color="white" if column else "black")
        for place, bound in zip(places, bounds, strict=True):
            axes.plot([place - 0.46 * width, place + 0.46 * width], [bound, bound], color="black", linewidth=1.0,
                      label="bound of its layers' MACs" if (column, place) == (0, places[0]) else None)
        published = figures.get(f"average {ratio}")
        if published is not None and published.value is not None:
            axes.plot([places[-1]], [published.value], marker="D", color="#cc3311", markersize=4, linestyle="none",
                      label=f"published average, {ratio}")
    axes.set_xticks(range(len(names) + 1), [*(NETWORKS[name].name for name in names), "average"])
    axes.set_ylabel("speedup over dense")
    axes.set_ylim(0, 1.22 * max(max(bounds.values()) for bounds in outcome.bounds.values()))
    axes.set_title(f"Training step, dense → N:M, batch {outcome.experiment.batch}", loc="left")
    axes.legend(ncols=len(ratios) + 2, loc="upper right")


def split_png(outcome: TrainingOutcome) -> bytes:
    """Time of a step by FF, BP, WU, SORE and update, of the dense step's time; dense, then each ratio."""
    return _png(lambda axes: _draw_split(axes, outcome))


def _draw_split(axes: Axes, outcome: TrainingOutcome) -> None:
    places, labels, steps = [], [], []
    columns = 1 + len(outcome.sparse)
    for index, name in enumerate(outcome.experiment.networks):
        for column, (label, of) in enumerate([("dense", outcome.dense),
                                              *((str(ratio), of) for ratio, of in outcome.sparse.items())]):
            places.append(index * (columns + 1) + column)
            labels.append(label)
            steps.append((of[name], outcome.dense[name].cycles))
    bottom = [0.0] * len(steps)
    for part, colour in PARTS.items():
        heights = [step.split[part] / whole for step, whole in steps]
        axes.bar(places, heights, 0.85, bottom=bottom, color=colour, label=part, linewidth=0)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    axes.set_xticks(places, labels, rotation=90, fontsize=5.5)
    for index, name in enumerate(outcome.experiment.networks):
        axes.text(index * (columns + 1) + (columns - 1) / 2, 1.03, NETWORKS[name].name, ha="center", fontsize=6.5)
    axes.set_ylim(0, 1.22)
    axes.set_ylabel("time / dense step")
    axes.set_title("Where a step's time goes (SORE and update: only where the array waits)", loc="left")
    axes.legend(ncols=len(PARTS), loc="upper right")


def schedules_png(outcome: TrainingOutcome) -> bytes:
    """Time of a step under the baselines of the schedule, of the scheduled step's: a point for each network."""
    return _png(lambda axes: _draw_schedules(axes, outcome))


def _draw_schedules(axes: Axes, outcome: TrainingOutcome) -> None:
    names, detail = outcome.experiment.networks, outcome.experiment.detail
    scheduled = outcome.sparse[detail]
    for index, name in enumerate(names):
        values = [steps[name].cycles / scheduled[name].cycles for steps in outcome.baselines.values()]
        places = [column + 0.12 * (index - (len(names) - 1) / 2) for column in range(len(values))]
        axes.plot(places, values, linestyle="none", marker=MARKERS[index % len(MARKERS)], markersize=5,
                  color=NETWORK_COLOURS[index % len(NETWORK_COLOURS)], label=NETWORKS[name].name)
    for column, steps in enumerate(outcome.baselines.values()):
        value = mean(steps[name].cycles / scheduled[name].cycles for name in names)
        axes.annotate(f"{value:.3f}", (column, 4.6), ha="center", fontsize=6.5)
    axes.axhline(1.0, color="black", linewidth=0.6)
    axes.set_yscale("log")
    ticks = (1, 1.1, 1.2, 1.5, 2, 3, 4)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylim(0.97, 5.2)
    axes.set_xticks(range(len(outcome.baselines)), [label.replace(", ", ",\n") for label in outcome.baselines],
                    fontsize=6)
    axes.set_ylabel("time / scheduled")
    axes.set_title(f"Other schedules at {detail}; on top the average", loc="left")
    axes.legend(loc="center right", bbox_to_anchor=(1.0, 0.6))


FIGURES: Mapping[str, Callable[[TrainingOutcome], bytes]] = {
    "speedup.png": speedup_png, "split.png": split_png, "schedules.png": schedules_png}
"""By file name."""
