"""``hwsim reproduce``: published figures beside ours."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hwsim.cli.arguments import add_json, add_set, settings_of
from hwsim.cli.output import ProgressBar, print_text
from hwsim.settings import laid_over

if TYPE_CHECKING:
    from hwsim.cli.output import Progress
    from hwsim.config import Configuration
    from hwsim.reproduce.rows import Row

Outcome = TypeVar("Outcome", contravariant=True)

WORKERS = 2
"""Processes at most: what the networks share out well."""
_EXAMPLES = """\
what can be reproduced:
  sat        N:M sparse training on SAT (arXiv 2309.13015): speedup of a training step, five networks, 2:4, 2:8, 2:16
  mustafar   bitmap-compressed KV cache (arXiv 2505.22913): storage, latency shares, batch 1, capacity
  flightllm  LLM inference on sparse DSP chains (arXiv 2401.03868): every row of its artifact, headlines on the U280
  energy     energy of an Eyeriss v2 PE by Sparseloop's counts, normalised costs, watts of FlightLLM's U280, areas
  gpu        kernels on GPUs (Flash-LLM's figure, 2:4, bitmap products), token rates, by the model of hwsim gpu

With --json: {"rows": [{"quantity", "published", "ours", "error_percent", "mark", "source"}]}. A mark says where the
published figure comes from: paper, artifact (the authors' program), second (told by others), derived (arithmetic),
unknown (null).

examples:
  hwsim reproduce sat -o results/sat
  hwsim reproduce sat --set batch=8 --set networks='["resnet18"]' --set machine.dram.channels=1 --json
  hwsim reproduce mustafar -o results/mustafar
"""


class _Report(Protocol[Outcome]):
    """A module of `hwsim.reproduce` that reports one outcome."""

    def rows(self, outcome: Outcome) -> list[Row]:
        """Published figures beside ours."""

    def text(self, outcome: Outcome) -> str:
        """For the terminal and ``table.txt``."""

    def to_dict(self, outcome: Outcome) -> dict[str, Any]:
        """Plain data for ``result.json``."""


class Reproduction:
    """What a reproduction hands to the command: rows as JSON text, text for the terminal, files by name."""

    def __init__(self, *, rows: str, text: str, files: Callable[[], Mapping[str, bytes]]):
        self.rows, self.text, self.files = rows, text, files


def _sat(settings: Mapping[str, Any], progress: Progress) -> Reproduction:
    from hwsim.reproduce import sat
    from hwsim.reproduce.sat_figure import FIGURES
    from hwsim.training.outcome import TrainingExperiment
    from mappers.training.sat import run

    experiment = TrainingExperiment.from_mapping(laid_over(TrainingExperiment().to_mapping(), settings), "")
    outcome = run(experiment, progress, workers=min(WORKERS, os.cpu_count() or 1))
    return _reproduction(sat, FIGURES, outcome, experiment, seed=0)


def _mustafar(settings: Mapping[str, Any], progress: Progress) -> Reproduction:
    from hwsim.reproduce import mustafar
    from hwsim.reproduce.mustafar_figure import FIGURES
    from hwsim.reproduce.mustafar_outcome import MustafarExperiment
    from mappers.kv.mustafar import run

    experiment = MustafarExperiment.from_mapping(laid_over(MustafarExperiment().to_mapping(), settings), "")
    return _reproduction(mustafar, FIGURES, run(experiment, progress), experiment, seed=experiment.seed)


def _flightllm(settings: Mapping[str, Any], progress: Progress) -> Reproduction:
    from hwsim.reproduce import flightllm
    from hwsim.reproduce.flightllm_figure import FIGURES
    from hwsim.reproduce.flightllm_outcome import FlightllmExperiment
    from mappers.llm.flightllm import run

    experiment = FlightllmExperiment.from_mapping(laid_over(FlightllmExperiment().to_mapping(), settings), "")
    return _reproduction(flightllm, FIGURES, run(experiment, progress), experiment, seed=0)


def _gpu(settings: Mapping[str, Any], progress: Progress) -> Reproduction:
    from hwsim.reproduce import gpu
    from hwsim.reproduce.gpu_figure import FIGURES

    experiment = gpu.GpuExperiment.from_mapping(laid_over(gpu.GpuExperiment().to_mapping(), settings), "")
    return _reproduction(gpu, FIGURES, gpu.run(experiment), experiment, seed=experiment.seed)


def _energy(settings: Mapping[str, Any], progress: Progress) -> Reproduction:
    from hwsim.reproduce import energy
    from mappers.llm.generate import Generator

    experiment = energy.EnergyExperiment.from_mapping(laid_over(energy.EnergyExperiment().to_mapping(), settings), "")
    card = experiment.card
    model, assignment = card.loaded()
    generator = Generator(model, card.engine, assignment, card.compiler)
    outcome = energy.EnergyOutcome(experiment=experiment,
                                   generation=generator.generate(card.prompt, card.tokens, progress))
    return _reproduction(energy, {}, outcome, experiment, seed=assignment.seed)


def _reproduction(report: _Report[Outcome], figures: Mapping[str, Callable[[Outcome], bytes]], outcome: Outcome,
                  experiment: Configuration, seed: int) -> Reproduction:
    from hwsim.provenance import provenance
    from hwsim.reproduce.rows import rows_text

    shown = report.text(outcome)

    def files() -> dict[str, bytes]:
        result = {**report.to_dict(outcome), "provenance": provenance(experiment.to_mapping(), seed=seed)}
        return {**{name: draw(outcome) for name, draw in figures.items()}, "table.txt": shown.encode(),
                "result.json": (json.dumps(result, indent=1, allow_nan=False) + "\n").encode()}

    return Reproduction(rows=rows_text(report.rows(outcome)), text=shown, files=files)


TARGETS: dict[str, tuple[Callable[[Mapping[str, Any], Progress], Reproduction], tuple[str, ...]]] = {
    "sat": (_sat, ("speedup.png", "split.png", "schedules.png", "table.txt", "result.json")),
    "mustafar": (_mustafar, ("storage.png", "gain.png", "table.txt", "result.json")),
    "flightllm": (_flightllm, ("artifact.png", "ablation.png", "table.txt", "result.json")),
    "gpu": (_gpu, ("kernels.png", "table.txt", "result.json")),
    "energy": (_energy, ("table.txt", "result.json")),
}
"""By name: what runs it, and the files that it writes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Published figures beside ours, with where each comes from."
    parser.epilog = _EXAMPLES
    parser.add_argument("name", metavar="NAME", choices=list(TARGETS), help=f"one of {', '.join(TARGETS)}")
    add_set(parser, "change a key of the experiment, e.g. batch=8; may be given many times")
    parser.add_argument("-o", "--output", metavar="DIR", help="write result.json, table.txt and figures there")
    parser.add_argument("--force", action="store_true", help="replace existing results")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run, print and write."""
    work, names = TARGETS[arguments.name]
    settings = settings_of(arguments.settings)
    if arguments.output is None:
        _show(_run(work, settings), arguments)
        return 0
    from hwsim.report.files import Staging

    with Staging(arguments.output, names, force=arguments.force) as staging:
        found = _run(work, settings)
        for name, data in found.files().items():
            staging.write(name, data)
    _show(found, arguments)
    return 0


def _run(work: Callable[[Mapping[str, Any], Progress], Reproduction], settings: Mapping[str, Any]) -> Reproduction:
    with ProgressBar() as bar:
        return work(settings, bar)


def _show(found: Reproduction, arguments: argparse.Namespace) -> None:
    print_text(found.rows if arguments.json else found.text)
