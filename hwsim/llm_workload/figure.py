"""Panels of a generation: time by kind of layer, and time without each of the design's ideas."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from hwsim.llm.simulate import PS_PER_MS
from hwsim.llm_workload.generation import Ablation, Generation
from hwsim.report.figure import DPI, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 7.2, 3.4


def overview_png(name: str, ablation: Ablation) -> bytes:
    """(a) time by kind of layer of the full design, (b) without each idea; PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        _draw_layers(left, next(iter(ablation.cases.values())))
        _draw_ablation(right, ablation)
        figure.suptitle(name, fontsize=8.5, fontweight="bold")
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _draw_layers(axes: Axes, generation: Generation) -> None:
    """Milliseconds of prefill and of all decoding by kind of layer, as bars side by side."""
    kinds = list(dict.fromkeys([*generation.decode.layer_ps, *generation.prefill.layer_ps]))
    for offset, (label, time, colour) in enumerate((("prefill", generation.prefill, "#0072b2"),
                                                    ("decode, all tokens", generation.decode, "#e69f00"))):
        shares = [100 * time.layer_ps.get(kind, 0) / time.total_ps for kind in kinds]
        places = [number + 0.4 * offset for number in range(len(kinds))]
        axes.barh(places, shares, height=0.38, color=colour, label=f"{label}, {time.total_ps / PS_PER_MS:.4g} ms")
    axes.set_yticks([number + 0.2 for number in range(len(kinds))], kinds, fontsize=6)
    axes.invert_yaxis()
    axes.set_xlabel("% of the time")
    axes.set_title("(a) time by kind of layer", fontsize=8)
    axes.legend(fontsize=6, frameon=False)


def _draw_ablation(axes: Axes, ablation: Ablation) -> None:
    """Tokens per second of a generation, all in, by what is left out; in the bars prefill and bytes of instructions."""
    names = list(ablation.cases)
    rates = [case.tokens_per_s for case in ablation.cases.values()]
    for place, (name, case) in enumerate(ablation.cases.items()):
        stored = ablation.stored[name]
        size = f"{stored / 1e9:.3g} GB" if stored >= 1e9 else f"{stored / 1e6:.3g} MB"
        axes.text(0.02 * max(rates), place, f"prefill {case.prefill.total_ms:.0f} ms, instructions {size}",
                  va="center", fontsize=5.5, color="white")
    axes.barh(range(len(names)), rates, color=["#222222", *["#666666"] * (len(names) - 1)])
    for place, rate in enumerate(rates):
        axes.text(rate, place, f" {rate:.1f}", va="center", fontsize=6)
    axes.set_yticks(range(len(names)), names, fontsize=6)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(rates))
    axes.set_xlabel("tokens/s, prefill included")
    axes.set_title("(b) one idea less each", fontsize=8)
