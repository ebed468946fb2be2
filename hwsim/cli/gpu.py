"""``hwsim gpu``: the reference GPU path."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.cli import gpu_measure
from hwsim.cli.arguments import add_json, add_set, settings_of
from hwsim.cli.output import print_json, print_text
from hwsim.errors import InputError
from hwsim.fields import one_of

if TYPE_CHECKING:
    from hwsim.gpu import GpuBoard, Prediction

_EXAMPLES = """\
M x K are the weights, N the columns that they are multiplied with. Kernels: cublas (dense), flash_llm, sparta, sputnik,
semi_structured (2:4), bitmap, marlin (INT4 weights, FP16 activations; 2:4 at a sparsity of 0.5). GPUs: v100s-32g,
a100-40g, a100-80g, h100-sxm, rtx6000-ada. What lies outside of the published points is marked as extrapolated.

examples:
  hwsim gpu predict --gpu a100-80g --kernel flash_llm --shape 21504x7168x8 --sparsity 0.8
  hwsim gpu predict --gpu h100-sxm --kernel semi_structured --shape 8192x8192x8192 --json
  hwsim gpu predict --gpu a100-80g --kernel semi_structured --data-type int4 --shape 4096x4096x4096
  hwsim gpu predict --gpu a100-80g --set board_watts=300 --kernel cublas --shape 4096x4096x1
  hwsim gpu calibrate

"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = "Time and energy of products on GPUs, by a model calibrated on published times, or measured."
    parser.epilog = _EXAMPLES + gpu_measure.HELP
    parser.add_argument("action", metavar="ACTION", choices=list(_ACTIONS),
                        help="predict: one product; calibrate: fit constants anew, show errors; measure: below")
    parser.add_argument("--gpu", metavar="NAME", default="a100-80g", help="preset of a board (default: a100-80g)")
    parser.add_argument("--kernel", metavar="NAME",
                        help="default: cublas; of measure: some, with commas (default: all)")
    parser.add_argument("--shape", metavar="MxKxN", help="or MxKxNxBATCH; of measure: some, with commas")
    parser.add_argument("--sparsity", metavar="S", type=float,
                        help="fraction of weights that are zero (default: 0; 0.5 of semi_structured)")
    parser.add_argument("--data-type", metavar="TYPE",
                        help="of predict: fp16 (default), int8 or int4; the last two dense or 2:4")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path,
                        help="calibrate: write the constants; measure: the points")
    parser.add_argument("--points", metavar="FILE", type=Path,
                        help="calibrate: on points of measure, for the GPU named by --gpu")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    add_set(parser, "a figure of the board; of measure: a setting")
    gpu_measure.configure(parser)
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Predict, calibrate or measure. Status 1: a measured kernel gave a wrong result."""
    if arguments.data_type is not None and arguments.action != "predict":
        raise InputError("--data-type", "predict", arguments.action)
    data, text, status = _ACTIONS[arguments.action](arguments)
    if arguments.json:
        print_json(data)
    else:
        print_text(text)
    return status


def _board(arguments: argparse.Namespace) -> GpuBoard:
    from hwsim.gpu import GpuBoard

    preset = GpuBoard.preset(one_of("--gpu", arguments.gpu, GpuBoard.presets))
    return GpuBoard.from_mapping({**preset.to_mapping(), **settings_of(arguments.settings)}, "--set")


def _predict(arguments: argparse.Namespace) -> tuple[Mapping[str, Any], str, int]:
    from hwsim.gpu import KERNELS, GemmShape, predict
    from hwsim.gpu.coverage import extrapolated
    from hwsim.gpu.shape import BITS

    if arguments.shape is None:
        raise InputError("--shape", "MxKxN", "none")
    board = _board(arguments)
    kernel = one_of("--kernel", arguments.kernel or "cublas", KERNELS)
    sparsity = arguments.sparsity
    if sparsity is None:
        sparsity = 0.5 if kernel == "semi_structured" else 0.0
    shape = GemmShape.parse(arguments.shape, "--shape", one_of("--data-type", arguments.data_type or "fp16", BITS))
    found = predict(board, kernel, shape, sparsity)
    dense, outside = predict(board, "cublas", shape), extrapolated(board, kernel, shape, sparsity)
    data = {**found.to_dict(), "speedup_over_cublas": dense.us / found.us, "extrapolated": bool(outside),
            "extrapolated_axes": outside}
    lines = [_prediction(found, dense), *(f"  extrapolated along {axis}: {text}" for axis, text in outside.items())]
    return data, "\n".join(lines), 0


def _prediction(found: Prediction, dense: Prediction) -> str:
    shape, parts = found.shape, found.parts
    low, nominal, high = (_si(value, "J") for value in found.joules)
    batch = f" x {shape.batch}" if shape.batch > 1 else ""
    scale, unit = next((each for each in ((1e6, "s"), (1e3, "ms")) if found.us >= each[0]), (1.0, "us"))
    # As many digits for each part as the whole needs for four: what is printed adds up.
    places = max(1, 3 - math.floor(math.log10(found.us / scale)))
    named = {"launch": parts.launch, "memory": parts.memory, "multiplications": parts.compute, "decoding": parts.decode}
    joined = " + ".join(f"{name} {value / scale:,.{places}f}" for name, value in named.items() if value)
    return "\n".join([
        f"{found.gpu}, {found.kernel}: {shape.m} x {shape.k} x {shape.n}{batch} in {shape.data_type}, "
        f"{100 * found.sparsity:.4g} % zeros",
        f"  {found.us / scale:,.{places}f} {unit}, {_si(1e12 * found.tflops, 'FLOP/s')} with zeros counted, "
        f"{dense.us / found.us:.3g}x over cublas",
        f"  bound by {found.bound}: {joined} - overlap {parts.overlap / scale:,.{places}f} {unit}",
        f"  {parts.rule}",
        f"  {nominal} ({low} to {high})"])


def _si(value: float, unit: str) -> str:
    """Three digits and the prefix that shows them, from pico to tera."""
    prefixes = {1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k", 1.0: "", 1e-3: "m", 1e-6: "u", 1e-9: "n", 1e-12: "p"}
    size = next((each for each in prefixes if abs(value) >= each), 1e-12)
    return f"{float(f'{value / size:.3g}'):,g} {prefixes[size]}{unit}"


def _calibrate(arguments: argparse.Namespace) -> tuple[Mapping[str, Any], str, int]:
    from hwsim.gpu.calibration import calibrate, constants_text, errors
    from hwsim.gpu.measure.file import read_points
    from hwsim.gpu.measure.fit import calibrate_measured
    from hwsim.report.files import write_file

    if arguments.points is None:
        constants = calibrate()
        kernels = errors(constants)
    else:
        board = _board(arguments)
        points = read_points(arguments.points, board)
        constants, kernels = calibrate_measured(points, board, str(arguments.points))
    found = [one.to_dict() for one in kernels]
    text = constants_text(constants)
    if arguments.output is not None:
        write_file(arguments.output, text.encode(), force=arguments.force)
    lines = [f"{'kernel':<10} {'calibrated on':>22} {'held out':>22}"]
    for row in found:
        halves = [f"{100 * row[half]['median']:.1f} % / {100 * row[half]['worst']:.1f} %"
                  for half in ("calibrated", "held_out")]
        lines.append(f"{row['kernel']:<10} {halves[0]:>22} {halves[1]:>22}")
    source = "24 published points each" if arguments.points is None else arguments.points
    lines.append(f"median / worst error of the time, {source}, split by shape")
    return {"constants": constants.to_mapping(), "errors": found}, "\n".join([text, *lines]), 0


_ACTIONS: Mapping[str, Callable[[argparse.Namespace], tuple[Mapping[str, Any], str, int]]] = {
    "predict": _predict, "calibrate": _calibrate, "measure": gpu_measure.run}
