"""Figure of one run with caches: memory, tokens per second and joules per token by context, crossings marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from hwsim.kv_workload.gpu import GPU_PATHS, GpuPath, GpuStep
from hwsim.kv_workload.machine import ENGINES, Engine
from hwsim.kv_workload.outcome import KvOutcome, KvRun
from hwsim.kv_workload.step import Step
from hwsim.report.figure import DPI, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 7.2, 5.4
COLOURS: Mapping[Engine, str] = {"dense": "#444444", "decoded": "#e69f00", "skip": "#0072b2"}
MARKERS: Mapping[Engine, str] = {"dense": "o", "decoded": "s", "skip": "D"}
GPU_COLOURS: Mapping[GpuPath, str] = {"gpu dense": "#999999", "gpu bitmap": "#cc79a7"}
GPU_MARKERS: Mapping[GpuPath, str] = {"gpu dense": "^", "gpu bitmap": "v"}


def overview_png(outcome: KvOutcome, run: KvRun) -> bytes:
    """(a) memory, (b) tokens/s of attention alone, (c) tokens/s of the whole token, (d) J/token; PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    workload = outcome.experiment.workload
    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(2, 2)
        _draw_memory(axes[0, 0], outcome, run)
        _draw_lines(axes[0, 1], run, "attention_tokens_per_s", "(b) attention alone", "tokens/s", run.faster)
        _draw_lines(axes[1, 0], run, "tokens_per_s", "(c) whole token, weights included", "tokens/s", run.faster)
        _draw_lines(axes[1, 1], run, "joules_per_token", "(d) energy of a whole token (GPU: board power)", "J / token",
                    run.cheaper)
        figure.suptitle(f"{workload.kv.name}, batch {workload.batch}, KV cache {run.sparsity:.0%} sparse",
                        fontsize=8.5, fontweight="bold")
        _legend(figure)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _contexts(axes: Axes, steps: list[Step]) -> None:
    contexts = [step.context for step in steps]
    axes.set_xscale("log", base=2)
    shown = contexts[::max(1, len(contexts) // 6)]
    axes.set_xticks(shown, [f"{context // 1024}k" if context % 1024 == 0 else str(context) for context in shown])
    axes.set_xlabel("context, tokens of each sequence")
    axes.set_yscale("log")
    axes.grid(visible=True, linewidth=0.3, alpha=0.6)


def _draw_memory(axes: Axes, outcome: KvOutcome, run: KvRun) -> None:
    model, capacity = outcome.experiment.workload.kv, outcome.experiment.capacity_bytes
    caches: dict[str, Engine] = {"dense cache": "dense", "bitmap cache": "skip"}
    for name, engine in caches.items():
        steps = run.steps[engine]
        axes.plot([step.context for step in steps], [step.cache_bytes / 1e9 for step in steps],
                  color=COLOURS[engine], marker=MARKERS[engine], markersize=3, linewidth=1, label=name)
    room = (capacity - model.weight_bytes) / 1e9
    axes.axhline(room, color="#cc3311", linewidth=0.8, linestyle="--",
                 label=f"{capacity / 1e9:g} GB less {model.weight_bytes / 1e9:.1f} GB of weights")
    _contexts(axes, list(run.steps["dense"]))
    low, high = axes.get_xlim()
    for name, colour in (("dense", COLOURS["dense"]), ("bitmap", COLOURS["skip"])):
        if low < run.longest[name] < high:
            axes.plot([run.longest[name]], [room], marker="*", markersize=9, color=colour, linestyle="none",
                      label=f"{name} full at {run.longest[name]} tokens")
    equal = outcome.weights_equal_cache
    if low < equal < high:
        axes.axvline(equal, color="#009e73", linewidth=0.8, linestyle=":",
                     label=f"dense caches = weights, at {equal:.0f} tokens")
    axes.set_ylabel("KV cache of the batch, GB")
    axes.set_title("(a) memory", loc="left")
    axes.set_ylim(top=axes.get_ylim()[1] * 300)
    axes.legend(loc="upper left", fontsize=5.8)


def _draw_lines(axes: Axes, run: KvRun, what: str, title: str, unit: str, crossings: Mapping[Engine, int | None]
                ) -> None:
    for path, passes in run.gpu.items():
        _draw_line(axes, passes, what, GPU_COLOURS[path], GPU_MARKERS[path], "--")
    for engine, steps in run.steps.items():
        _draw_line(axes, steps, what, COLOURS[engine], MARKERS[engine], "-")
    _contexts(axes, list(run.steps["dense"]))
    if what != "attention_tokens_per_s":
        axes.set_yscale("linear")
        axes.set_ylim(bottom=0)
    _draw_crossings(axes, crossings, up=what == "joules_per_token")
    axes.set_ylabel(unit)
    axes.set_title(title, loc="left")


def _draw_line(axes: Axes, steps: Sequence[Step | GpuStep], what: str, colour: str, marker: str,
               line: str) -> None:
    values, contexts = [getattr(step, what) for step in steps], [step.context for step in steps]
    axes.plot(contexts, values, color=colour, linewidth=1, linestyle=line)
    for fits, face in ((True, colour), (False, "white")):
        points = [number for number, step in enumerate(steps) if step.fits is fits]
        axes.plot([contexts[number] for number in points], [values[number] for number in points], color=colour,
                  marker=marker, markersize=3, markerfacecolor=face, linestyle="none")


def _draw_crossings(axes: Axes, crossings: Mapping[Engine, int | None], *, up: bool) -> None:
    low, high = axes.get_xlim()
    for engine, place in crossings.items():
        height = {"decoded": 0.12, "skip": 0.04}[engine] + (0.78 if up else 0.0)
        text = f"{engine}: {'never better' if place is None else f'better from {place} tokens on'}"
        axes.annotate(text, (0.03, height), xycoords="axes fraction", fontsize=6.5, color=COLOURS[engine],
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.9}, zorder=5)
        if place is not None and low < place < high:
            axes.axvline(place, color=COLOURS[engine], linewidth=0.8, linestyle=":" if engine == "decoded" else "--")


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=COLOURS[engine], marker=MARKERS[engine], markersize=3, linewidth=1, label=label)
             for engine, label in ENGINES.items()]
    lines += [Line2D([], [], color=GPU_COLOURS[path], marker=GPU_MARKERS[path], markersize=3, linewidth=1,
                     linestyle="--", label=f"{label} (model)") for path, label in GPU_PATHS.items()]
    lines.append(Line2D([], [], color="black", marker="o", markersize=3, markerfacecolor="white", linestyle="none",
                        label="hollow: does not fit in the DRAM"))
    figure.legend(handles=lines, loc="outside lower center", ncols=2)
