"""What the published points behind the constants cover: a prediction outside of them says along which axis."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from hwsim.gpu.board import GpuBoard
from hwsim.gpu.calibration import SPMV_SHARE, TOKENS, WINDOW
from hwsim.gpu.points import BOARD, points
from hwsim.gpu.shape import GemmShape

LARGE = 16384
"""Ranks of the two products that the efficiencies of tensor cores come from."""
HEAD = 128
"""Channels of a head in Mustafar's measurement."""
_RELATED = {"semi_structured": "sparta", "sparta": "sparta", "cublas": "cublas", "flash_llm": "flash_llm",
            "sputnik": "sputnik"}
"""Kernels, and those whose points their constants come from; `bitmap` has its own, `marlin` none."""


@cache
def covered(kernel: str) -> Mapping[str, tuple[float, float]]:
    """Lowest and highest value of each axis (m, k, n, batch, sparsity) over the points that calibrate a kernel or test
    it; empty where there are none. Zeros make no difference to ``cublas``.
    """
    if kernel == "bitmap":
        heads = (HEAD, TOKENS - WINDOW)
        zeros = (min(SPMV_SHARE), max(SPMV_SHARE))
        return {"m": heads, "k": heads, "n": (1, 1), "batch": (1, 1 << 31), "sparsity": zeros}
    if kernel not in _RELATED:
        return {}
    found = points()
    axes = {axis: [getattr(point.shape, axis) for point in found] for axis in ("m", "k", "n")}
    if kernel in ("cublas", "semi_structured"):
        axes = {axis: [*values, LARGE] for axis, values in axes.items()}
    sparsities = [point.sparsity for point in found]
    ranges: dict[str, tuple[float, float]] = {axis: (min(values), max(values)) for axis, values in axes.items()}
    ranges["batch"] = (1, 1)
    if kernel != "cublas":
        ranges["sparsity"] = (0.5, 0.5) if kernel == "semi_structured" else (min(sparsities), max(sparsities))
    return ranges


def extrapolated(board: GpuBoard, kernel: str, shape: GemmShape, sparsity: float) -> dict[str, str]:
    """By axis, in words, what of a prediction with the stored constants lies outside of what they were made from and
    tested on; empty where all of it lies inside. Ranges are of each axis alone: holes between points are not seen.
    """
    found = {}
    ranges = covered(kernel)
    if not ranges:
        found["kernel"] = f"{kernel}: no published point calibrates it"
    for axis, (low, high) in ranges.items():
        value = sparsity if axis == "sparsity" else getattr(shape, axis)
        if not low <= value <= high:
            span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            found[axis] = f"{value:g}, points have {span}"
    home = GpuBoard.preset("rtx6000-ada" if kernel == "bitmap" else BOARD)
    if board != home:
        other = " by its data sheet" if board.name == home.name else ""
        found["gpu"] = f"{board.name}, points are of {home.name}{other}"
    if shape.data_type != "fp16":
        found["data_type"] = f"{shape.data_type}, points are of fp16"
    return found
