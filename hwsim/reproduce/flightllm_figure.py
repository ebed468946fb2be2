"""Figures of the reproduction: the artifact's steps beside ours; time by kind of layer and what each idea brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from hwsim.llm_workload.figure import overview_png
from hwsim.report.figure import DPI, style
from hwsim.reproduce.flightllm_outcome import FlightllmOutcome, artifact_steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUEUES = {"LD": "#0072b2", "MV": "#e69f00", "MM": "#d55e00", "MISC": "#009e73"}
WIDTH, HEIGHT = 7.2, 3.2


def artifact_png(outcome: FlightllmOutcome) -> bytes:
    """Total and busy times by length: ours as lines, the artifact's as rings; PNG."""

    def draw(axes: list[Axes]) -> None:
        for panel, stage in zip(axes, ("decode", "prefill"), strict=True):
            _draw_steps(panel, outcome, stage)

    return _png(draw)


def ablation_png(outcome: FlightllmOutcome) -> bytes:
    """The overview of the first model on the U280, as ``hwsim run`` draws it; PNG."""
    model, ablation = next(iter(outcome.ablations.items()))
    card = outcome.experiment.card
    return overview_png(f"U280, {model}, prompt of {card.prompt}, {card.tokens} tokens", ablation)


def _draw_steps(axes: Axes, outcome: FlightllmOutcome, stage: str) -> None:
    from hwsim.llm.isa import Opcode
    from hwsim.llm.simulate import PS_PER_MS

    published = [step for step in artifact_steps() if step.stage == stage]
    lengths = [step.length for step in published]
    ours = [outcome.steps[stage, length] for length in lengths]
    axes.plot(lengths, [step.total_ms for step in ours], color="#222222", label="total")
    axes.plot(lengths, [step.total for step in published], "o", mfc="none", color="#222222", ms=5)
    for queue in ("LD", "MV" if stage == "decode" else "MM", "MISC"):
        axes.plot(lengths, [step.busy[Opcode[queue]] / PS_PER_MS for step in ours], color=QUEUES[queue], label=queue)
        axes.plot(lengths, [step.busy.to_mapping()[queue] for step in published], "o", mfc="none", color=QUEUES[queue],
                  ms=5)
    axes.set_title(f"{stage}: ours (lines), artifact (rings)", fontsize=8)
    axes.set_xlabel("tokens")
    axes.set_ylabel("ms")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=6.5, frameon=False)


def _png(draw: Callable[[list[Axes]], None]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(list(figure.subplots(1, 2)))
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


FIGURES: Mapping[str, Callable[[FlightllmOutcome], bytes]] = {"artifact.png": artifact_png,
                                                              "ablation.png": ablation_png}
