"""SAT's training step beside dense FP16 steps on GPUs, by the model of `hwsim.gpu`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from textwrap import fill
from typing import Any

from hwsim.gpu.calibration import held_out_text
from hwsim.gpu.training import GpuTrainingStep, training_step
from hwsim.report.columns import aligned
from hwsim.training.outcome import TrainingExperiment, TrainingOutcome
from hwsim.workload.zoo_training import NETWORKS

WIDTH = 120


@cache
def on_gpus(experiment: TrainingExperiment) -> Mapping[str, tuple[GpuTrainingStep, ...]]:
    """By network, its step on each board of the experiment."""
    return {name: tuple(training_step(NETWORKS[name], experiment.batch, board) for board in experiment.gpu.chosen)
            for name in experiment.networks}


def gpu_lines(outcome: TrainingOutcome) -> list[str]:
    """A line for each network and board, and what the figures are."""
    experiment = outcome.experiment
    clock, unit = experiment.machine.clock_hz, "images/s"
    lines: list[tuple[str, ...]] = [("network", "GPU (model)", "ms", unit, "speedup", "inverse", "J", "energy gain",
                                     f"{unit}/$")]
    for name, steps in on_gpus(experiment).items():
        ours = outcome.sparse[experiment.detail][name]
        seconds, joules = ours.cycles / clock, float(ours.energy.total)
        for gpu in steps:
            rate = gpu.batch / gpu.seconds
            cost = "-" if gpu.board.dollars is None else f"{rate / gpu.board.dollars:.3g}"
            lines.append((NETWORKS[name].name, gpu.board.name, f"{1e3 * gpu.seconds:.4g}", f"{rate:.4g}",
                          f"{gpu.seconds / seconds:.3g}x", f"{seconds / gpu.seconds:.3g}x", f"{gpu.joules[1]:.3g}",
                          f"{gpu.joules[1] / joules:.3g}x", cost))
    note = (f"speedup: the GPU's time over ours at {experiment.detail}; energy gain: joules of the whole board over "
            "those of array, engines and DRAM. Predicted, not measured: dense FP16 steps, kernels one after the other "
            f"with a launch each. {held_out_text()}; a step holds much else.")
    return [*aligned(lines), fill(note, WIDTH)]


def gpu_dict(outcome: TrainingOutcome) -> dict[str, Any]:
    """Plain data by network: each board, speedup and energy gain in favour of our array at the ratio of the detail."""
    clock, detail = outcome.experiment.machine.clock_hz, outcome.sparse[outcome.experiment.detail]
    return {name: [{**gpu.to_dict(), "speedup": gpu.seconds * clock / detail[name].cycles,
                    "energy_gain": gpu.joules[1] / float(detail[name].energy.total)} for gpu in steps]
            for name, steps in on_gpus(outcome.experiment).items()}
