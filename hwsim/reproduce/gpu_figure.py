"""Figure of ``hwsim reproduce gpu``: ours against published rates, and time by sparsity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from hwsim.gpu.board import GpuBoard
from hwsim.gpu.model import predict
from hwsim.gpu.points import BOARD, MEASURED
from hwsim.report.figure import DPI, style
from hwsim.reproduce.gpu import SWEEP, GpuOutcome
from hwsim.reproduce.published import load_published

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 7.2, 3.2
COLOURS = {"cublas": "#444444", "flash_llm": "#0072b2", "sparta": "#e69f00", "sputnik": "#cc79a7"}
MARKERS = {"cublas": "o", "flash_llm": "D", "sparta": "s", "sputnik": "^"}


def kernels_png(outcome: GpuOutcome) -> bytes:
    """(a) every cell of the kernel figure, hollow where it calibrates; (b) time of one product by sparsity; PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        _draw_cells(left, outcome)
        _draw_sweep(right, outcome)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _draw_cells(axes: Axes, outcome: GpuOutcome) -> None:
    ends = np.array([4.0, 130.0])
    axes.plot(ends, ends, color="black", linewidth=0.7, label="equal; band: 10 %")
    axes.fill_between(ends, 0.9 * ends, 1.1 * ends, color="#dddddd", linewidth=0)
    for kernel in MEASURED:
        for calibrates in (True, False):
            cells = [(point.shape.flops / point.us[kernel] / 1e6, point.shape.flops / us[kernel] / 1e6)
                     for point, us in outcome.cells if point.calibrates is calibrates]
            axes.plot(*zip(*cells, strict=True), linestyle="none", marker=MARKERS[kernel], markersize=3,
                      markeredgewidth=0.6, color=COLOURS[kernel], label=None if calibrates else kernel,
                      markerfacecolor="white" if calibrates else COLOURS[kernel])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("published, TFLOP/s (zeros counted)")
    axes.set_ylabel("model, TFLOP/s")
    axes.set_title("(a) A100; hollow: calibrates, filled: held out", loc="left")
    axes.grid(visible=True, linewidth=0.3, alpha=0.6)
    axes.legend(loc="upper left", fontsize=6.5)


def _draw_sweep(axes: Axes, outcome: GpuOutcome) -> None:
    board, constants = GpuBoard.preset(BOARD), outcome.experiment.constants
    sparsities = np.linspace(0.5, 0.995, 100)
    for kernel in MEASURED:
        ms = [predict(board, kernel, SWEEP, float(part), constants).us / 1e3 for part in sparsities]
        axes.plot(100 * sparsities, ms, color=COLOURS[kernel], linewidth=1, label=f"{kernel}, model")
    published = {float(key.split()[1]): figure.value or 0.0 for key, figure in load_published("gpu").items()
                 if key.startswith("sweep")}
    for kernel, parts in (("flash_llm", [part for part in published if part]), ("cublas", [0.0])):
        axes.plot([100 * part or 50 for part in parts], [published[part] for part in parts], linestyle="none",
                  marker=MARKERS[kernel], markersize=4, color=COLOURS[kernel], label=f"{kernel}, published")
    axes.set_ylim(0, 1.0)
    axes.set_xlabel("zeros among the weights, %")
    axes.set_ylabel("time, ms")
    axes.set_title(f"(b) {SWEEP.m} x {SWEEP.k} weights, {SWEEP.n} columns", loc="left")
    axes.grid(visible=True, linewidth=0.3, alpha=0.6)
    axes.legend(loc="upper right", fontsize=6.5)


FIGURES: Mapping[str, Callable[[GpuOutcome], bytes]] = {"kernels.png": kernels_png}
"""By file name."""
