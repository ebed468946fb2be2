"""Kernels on GPUs: the model of `hwsim.gpu` beside published times, and where it is off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from hwsim.config import Configuration
from hwsim.gpu.board import GpuBoard
from hwsim.gpu.calibration import Errors, bitmap_share, errors
from hwsim.gpu.constants import GpuConstants, default_constants
from hwsim.gpu.decoder import generation, step
from hwsim.gpu.model import predict
from hwsim.gpu.points import BOARD, MEASURED, Point, points
from hwsim.gpu.shape import GemmShape
from hwsim.gpu.training import training_step
from hwsim.report.columns import aligned
from hwsim.reproduce.published import load_published
from hwsim.reproduce.rows import Row, rows_json, rows_table
from hwsim.workload.decoder import load_model
from hwsim.workload.zoo_training import NETWORKS

WIDTH = 120
SWEEP = GemmShape(36864, 9216, 8)
SERVED = "a100-80g"
"""The artifact's log shows 7,449 blocks of 16 tokens for the cache, 62 GB in FP16: an A100 of 80 GB."""
PROMPT = 128
CELLS = "arXiv 2309.10285, kernel figure, A100 (digitised)"


@dataclass(frozen=True, kw_only=True)
class GpuExperiment(Configuration):
    """The constants that the comparison is made with."""

    constants: GpuConstants = default_constants()
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class GpuOutcome:
    """Our figures.

    Attributes:
        ours: by key of ``gpu.toml``.
        cells: every point of the kernel figure with our microseconds by kernel.
        errors: by kernel, on both halves of the points.
    """

    experiment: GpuExperiment
    ours: Mapping[str, float]
    cells: tuple[tuple[Point, Mapping[str, float]], ...]
    errors: tuple[Errors, ...]


def run(experiment: GpuExperiment) -> GpuOutcome:
    """Everything; under a second."""
    constants, board = experiment.constants, GpuBoard.preset(BOARD)
    cells = tuple((point, {kernel: predict(board, kernel, point.shape, point.sparsity, constants).us
                           for kernel in MEASURED}) for point in points())
    return GpuOutcome(experiment=experiment, ours={**_kernels(constants, cells), **_models(constants)}, cells=cells,
                      errors=tuple(errors(constants)))


def _kernels(constants: GpuConstants, cells: tuple[tuple[Point, Mapping[str, float]], ...]) -> dict[str, float]:
    ours: dict[str, float] = {}
    for sparsity in (0.7, 0.8, 0.9):
        gains = [us["cublas"] / us["flash_llm"] for point, us in cells if point.sparsity == sparsity]
        ours[f"mean {sparsity}"] = sum(gains) / len(gains)
    for key in load_published("gpu"):
        kind, *words = key.split()
        if kind == "sweep":
            sparsity = float(words[0])
            kernel = "flash_llm" if sparsity else "cublas"
            ours[key] = predict(GpuBoard.preset(BOARD), kernel, SWEEP, sparsity, constants).us / 1e3
        elif kind == "2:4":
            board, shape = GpuBoard.preset(words[0]), GemmShape.parse(words[1])
            times = [predict(board, kernel, shape, zeros, constants).us
                     for kernel, zeros in (("cublas", 0.0), ("semi_structured", 0.5))]
            ours[key] = times[0] / times[1]
        elif kind == "spmv":
            ours[key] = bitmap_share(float(words[0]), constants)
    return ours


def _models(constants: GpuConstants) -> dict[str, float]:
    """Whole tokens and steps of training: single kernels one after the other, each with its launch."""
    model, board = load_model("llama2-7b"), GpuBoard.preset(SERVED)
    ours = {f"tokens {tokens}": generation(model, board, PROMPT, tokens, constants).tokens_per_s
            for tokens in (512, 1024, 1536)}
    ours |= {f"prefill {prompt}": 1e3 * step(model, board, prompt, prompt, constants)[0] for prompt in (128, 512)}
    for key in load_published("gpu"):
        kind, *words = key.split()
        if kind == "2:4-int4":
            name, gpu, context = words
            times = [step(load_model(name), GpuBoard.preset(gpu), 1, int(context), constants, ("marlin", zeros))[0]
                     for zeros in (0.0, 0.5)]
            ours[key] = times[0] / times[1]
        elif kind == "training":
            found = training_step(NETWORKS[words[0]], int(words[2]), GpuBoard.preset(words[1]), constants)
            ours[key] = found.batch / found.seconds
    return ours | {"watts": generation(model, GpuBoard.preset("v100s-32g"), PROMPT, 512, constants).watts}


def rows(outcome: GpuOutcome) -> list[Row]:
    """Published figures, then every cell of the kernel figure in TFLOP/s."""
    found = [figure.row(outcome.ours[key]) for key, figure in load_published("gpu").items()]
    for point, us in outcome.cells:
        shape = point.shape
        for kernel in MEASURED:
            half = "calibrates" if point.calibrates else "held out"
            found.append(Row(
                quantity=f"{kernel} {shape.m}x{shape.k}x{shape.n} at {point.sparsity:.0%}, TFLOP/s ({half})",
                published=shape.flops / point.us[kernel] / 1e6, ours=shape.flops / us[kernel] / 1e6, mark="paper",
                source=CELLS))
    return found


def text(outcome: GpuOutcome) -> str:
    """Everything that the terminal shows; the cells are in ``result.json`` and the figure."""
    shown = [row for row in rows(outcome) if row.source != CELLS]
    lines: list[tuple[str, ...]] = [("kernel, error of the time", "calibrated on: median", "worst", "held out: median",
                                     "worst")]
    for found in outcome.errors:
        data = found.to_dict()
        lines.append((found.kernel, *(f"{100 * data[half][what]:.1f} %" for half in ("calibrated", "held_out")
                                      for what in ("median", "worst"))))
    return "\n".join(["Kernels on GPUs, by a model of bytes, multiplications and floors", "", rows_table(shown), "",
                      f"{CELLS}: 24 points calibrate, 24 of other shapes test", *aligned(lines), "",
                      explanation(outcome), ""])


def explanation(outcome: GpuOutcome) -> str:
    """What agrees, what does not, and why."""
    ours = outcome.ours
    lines = [
        "2:4 on sparse tensor cores: every sign is right; the size is not. The model has one efficiency a kernel, "
        f"from 16384^3, and gives {ours['2:4 a100-80g 4096x4096x4096']:.2f}x at 4096^3, where 1.11x was measured, and "
        f"{ours['2:4 h100-sxm 8192x8192x8192']:.2f}x on H100, where 1.2x was: libraries of those days ran far below "
        "the peak at such sizes. No constant was fitted to them.",
        "Sputnik at 9216x9216, 8 columns: the published rates lie a fifth below those of smaller and larger shapes; "
        "the model does not know why (time -22 %, rate +28 %).",
        "Tokens: products of weights and attention one after the other with a launch each; norms, rotations, sampling "
        "and the host are not counted. The artifact's plain GPU runs (45 token/s) are bound by the host: no figure.",
        "INT4 weights at 2:4: the sign is right, the gain too small: the model counts a launch for each product, which "
        "the measured program hides. Training: norms are counted as bytes alone, and no host.",
        "Prompts: the model knows no host and no kernels but products, so short prompts come out too fast.",
        "Power: a line between an assumed idle share of the limit and the limit."]
    return "\n".join(fill(line, WIDTH, break_on_hyphens=False) for line in lines)


def to_dict(outcome: GpuOutcome) -> dict[str, Any]:
    """Plain data of the whole outcome."""
    return {**rows_json(rows(outcome)), "errors": [found.to_dict() for found in outcome.errors],
            "constants": outcome.experiment.constants.to_mapping()}
