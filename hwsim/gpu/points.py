"""The published kernel times that constants are calibrated on, and those that they are tested on."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hwsim.gpu.shape import GemmShape

BOARD = "a100-80g"
"""The GPU of the points: Flash-LLM names an A100, and its cuBLAS points need more than the 40 GB board's bandwidth."""
MEASURED = ("cublas", "flash_llm", "sparta", "sputnik")
_PATH = Path(__file__).with_name("flash_llm_kernels.csv")


@dataclass(frozen=True)
class Point:
    """One shape at one sparsity: microseconds by kernel, and whether calibration may see it."""

    shape: GemmShape
    sparsity: float
    us: dict[str, float]
    calibrates: bool


@cache
def points() -> tuple[Point, ...]:
    """All published points of ``flash_llm_kernels.csv``.

    Held out by shape: sorted by the size of the weights, every other shape calibrates, beginning with the smallest,
    with all its columns and sparsities.
    """
    with _PATH.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    weights = sorted({(int(row["m"]) * int(row["k"]), row["m"], row["k"]) for row in rows})
    seen = {(m, k) for _, m, k in weights[::2]}
    return tuple(_point(row, (row["m"], row["k"]) in seen) for row in rows)


def _point(row: dict[str, str], calibrates: bool) -> Point:
    shape = GemmShape(int(row["m"]), int(row["k"]), int(row["n"]))
    us = {kernel: shape.flops / float(row[f"{kernel}_tflops"]) / 1e6 for kernel in MEASURED}
    return Point(shape, int(row["sparsity_percent"]) / 100, us, calibrates)
