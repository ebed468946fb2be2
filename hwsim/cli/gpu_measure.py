"""``hwsim gpu measure``: time the kernels on a GPU, or walk the same path in Triton's interpreter."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwsim.cli.arguments import settings_of
from hwsim.cli.output import ProgressBar
from hwsim.gpu.shape import GemmShape

if TYPE_CHECKING:
    from hwsim.gpu.measure.file import MeasuredPoint, Measurement

HELP = """\
measure: times the Triton kernels, and PyTorch's cublas, compiled and semi_structured, on the GPU of this machine. Wants
the extra gpu (pip install 'hwsim[gpu]': PyTorch, Triton, NVML). Every result is compared with NumPy first; a wrong one
ends the command with status 1. Each call is timed by CUDA events after the L2 cache was flushed; the figure is the
median without outliers. Then calls run back to back while NVML is asked for power and clock: J per call. Lock the
clocks if you may (nvidia-smi -lgc), and leave the GPU to this command. Without --kernel all kernels run; without
--shape and --sparsity each at usual ones. Shapes of keys, values and attention are channels x tokens x query heads of
a KV head x KV heads of the batch. --set: dtype, warm_up, repeats, power_seconds, seed.
  hwsim gpu measure -o points.json
  hwsim gpu measure --kernel cublas,bitmap --shape 4096x4096x1,9216x9216x1 --sparsity 0.7 -o points.json
  hwsim gpu calibrate --gpu h100-sxm --points points.json -o constants.toml
  hwsim gpu measure --interpret -o dry.json   # no GPU: the same path; calibrate refuses its times
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of the action."""
    parser.add_argument("--interpret", action="store_true",
                        help="measure: a dry run on the CPU, with small shapes; its times say nothing about a GPU")


def run(arguments: argparse.Namespace) -> tuple[Mapping[str, Any], str, int]:
    """(plain data, text, exit status)."""
    from hwsim.gpu.measure.config import MeasureConfig
    from hwsim.gpu.measure.run import measure, open_bench, plan

    defaults: dict[str, Any] = {"warm_up": 1, "repeats": 3} if arguments.interpret else {}
    config = MeasureConfig.from_mapping({**defaults, **settings_of(arguments.settings)}, "--set")
    shapes = [GemmShape.parse(word, "--shape") for word in _words(arguments.shape)]
    bench = open_bench(arguments.interpret)
    sparsities = [] if arguments.sparsity is None else [arguments.sparsity]
    jobs = plan(_words(arguments.kernel), shapes, sparsities, config.dtype, bench)
    with ProgressBar(quiet=arguments.json) as progress:
        found = measure(config, jobs, bench, progress)
    if arguments.output is not None:
        from hwsim.report.files import write_file

        write_file(arguments.output, found.to_json(), force=arguments.force)
    return found.to_dict(), _text(found), int(not all(point.right for point in found.points))


def _words(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _text(found: Measurement) -> str:
    head = f"{'kernel':<16} {'shape':>20} {'zeros':>6} {'us':>10} {'+-':>6} {'GB/s':>8} {'mJ':>8}"
    lines = [f"{found.gpu['name']}, {found.config.dtype}, timed by: {found.timing}", head, *map(_line, found.points)]
    return "\n".join(lines)


def _line(point: MeasuredPoint) -> str:
    shape, times = point.shape, point.times
    size = "x".join(str(one) for one in (shape.m, shape.k, shape.n, *([shape.batch] if shape.batch > 1 else [])))
    energy = "" if point.joules is None else f"{1e3 * point.joules:.3g}"
    wrong = "" if point.right else f"  WRONG: error {point.error:.2g} of the largest element"
    return (f"{point.kernel:<16} {size:>20} {point.sparsity:>6.0%} {times.us:>10.1f} {times.deviation:>6.1%} "
            f"{point.gigabytes_per_s:>8.3g} {energy:>8}{wrong}")
