"""Where the constants of the kernels come from, and their error on points that they were not made from.

Four kernels are fitted, one after the other, to half of Flash-LLM's 48 published points (`hwsim.gpu.points`): least
squares of the logarithm of the time. Three constants come from one published figure each, `ONE_POINT`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from hwsim.gpu.board import GpuBoard
from hwsim.gpu.constants import GpuConstants, default_constants
from hwsim.gpu.model import KERNELS
from hwsim.gpu.points import BOARD, Point, points
from hwsim.gpu.shape import HALF

FITTED: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "cublas": {"cublas_launch_us": (10.0, 0.1, 60.0), "memory_efficiency": (0.8, 0.3, 1.0)},
    "flash_llm": {"flash_launch_us": (10.0, 0.1, 60.0), "flash_tile_cycles": (400.0, 1.0, 5000.0),
                  "flash_column_cycles": (4.0, 0.01, 100.0), "flash_overlap": (2.0, 1.0, 20.0)},
    "sputnik": {"sputnik_launch_us": (10.0, 0.1, 60.0), "sputnik_value_cycles": (1.0, 0.01, 20.0),
                "sputnik_column_cycles": (0.02, 1e-4, 1.0)},
    "sparta": {"sparta_launch_us": (10.0, 0.1, 60.0), "sparta_step_cycles": (40.0, 0.1, 1000.0),
               "sparta_value_cycles": (2.0, 0.01, 20.0)},
}  # fmt: skip
"""By kernel, in the order of fitting: constants with first guess, lowest and highest value."""

ONE_POINT: Mapping[str, tuple[float, str]] = {
    "dense_efficiency": (302 / 312, "A100, 16384^3 dense: 302 TFLOPS of 312 (public issue thread on 2:4 kernels)"),
    "sparse_efficiency": (484 / 624, "A100, 16384^3 at 2:4: 484 TFLOPS of 624 (the same)"),
}
"""Constants that are one measured figure over the data sheet's."""

SPMV_SHARE = {0.5: 0.8107, 0.7: 0.6187}
"""Mustafar (arXiv 2505.22913, told by others): SpMV of keys and values over the dense batched MV, Llama-2-7B, 2,048
tokens of which 32 stay dense, RTX 6000 Ada, by sparsity. The first calibrates `bitmap_element_cycles`, the second tests
it."""
TOKENS, WINDOW = 2048, 32


@dataclass(frozen=True)
class Errors:
    """Relative errors of one kernel's predictions against published times; shape (points,)."""

    kernel: str
    calibrated: np.ndarray
    held_out: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Median and worst of both halves."""
        return {"kernel": self.kernel, **{
            half: {"points": int(errors.size), "median": float(np.median(np.abs(errors))),
                   "worst": float(np.abs(errors).max())}
            for half, errors in (("calibrated", self.calibrated), ("held_out", self.held_out))}}


def calibrate() -> GpuConstants:
    """Fit all constants anew; the same points give the same constants to about six digits."""
    values = {name: guess for start in FITTED.values() for name, (guess, _, _) in start.items()}
    values.update({name: value for name, (value, _) in ONE_POINT.items()}, bitmap_element_cycles=0.1)
    board, seen = GpuBoard.preset(BOARD), [point for point in points() if point.calibrates]
    for kernel, starts in FITTED.items():
        values.update(fit(kernel, starts, values, board, seen))
    values["bitmap_element_cycles"] = bitmap_cycles(GpuBoard.preset("rtx6000-ada"), values["memory_efficiency"])
    return GpuConstants(**{name: float(f"{value:.6g}") for name, value in values.items()})


def fit(kernel: str, starts: Mapping[str, tuple[float, float, float]], values: Mapping[str, float], board: GpuBoard,
        seen: Sequence[Point]) -> dict[str, float]:
    """Least squares of the logarithm of one kernel's time.

    Args:
        kernel: a name of `KERNELS`, and of the times of the points.
        starts: the constants to fit, as in `FITTED`.
        values: all others.
        board: the GPU of the points.
        seen: points to fit to.
    """
    from scipy.optimize import least_squares

    guess, low, high = (np.array(column) for column in zip(*starts.values(), strict=True))

    def misses(scaled: np.ndarray) -> np.ndarray:
        constants = GpuConstants(**{**values, **dict(zip(starts, map(float, scaled * guess), strict=True))})
        return np.log([_ratio(kernel, board, point, constants) for point in seen])

    found = least_squares(misses, np.ones(len(guess)), bounds=(low / guess, high / guess), xtol=1e-12, ftol=1e-12)
    return dict(zip(starts, map(float, found.x * guess), strict=True))


def _ratio(kernel: str, board: GpuBoard, point: Point, constants: GpuConstants) -> float:
    return KERNELS[kernel](board, point.shape, point.sparsity, constants).total / point.us[kernel]


def bitmap_cycles(board: GpuBoard, memory_efficiency: float) -> float:
    """`GpuConstants.bitmap_element_cycles` from the first of `SPMV_SHARE`: what the bytes do not explain.

    The time over that of the dense product is the ratio of bytes plus the decoding of an element over its two bytes.
    """
    sparsity, share = next(iter(SPMV_SHARE.items()))
    dense_us = 1e6 * HALF / (board.bytes_per_s * memory_efficiency)
    rest = (share - spmv_bytes(sparsity)) / (1 - WINDOW / TOKENS)
    return rest * dense_us * board.multiprocessors * board.cycles_per_us


def spmv_bytes(sparsity: float) -> float:
    """Compressed bytes over all dense bytes, Mustafar's format without the window."""
    from hwsim.sparsity.mustafar import BitmapFormat, kept_channels

    kept = kept_channels(128, sparsity)
    sides = [BitmapFormat().expected(kept, 128, side).ratio for side in ("keys", "values")]
    return (1 - WINDOW / TOKENS) * sum(sides) / 2


def bitmap_share(sparsity: float, constants: GpuConstants) -> float:
    """Time of the bitmap products over that of the dense ones, as in `SPMV_SHARE`: launches not counted."""
    board = GpuBoard.preset("rtx6000-ada")
    dense_us = 1e6 * HALF / (board.bytes_per_s * constants.memory_efficiency)
    decode_us = constants.bitmap_element_cycles / board.multiprocessors / board.cycles_per_us
    return spmv_bytes(sparsity) + (1 - WINDOW / TOKENS) * decode_us / dense_us


def constants_text(constants: GpuConstants) -> str:
    """``constants.toml``."""
    head = ["# Made by: hwsim gpu calibrate -o FILE", "# Meaning and units: constants.py; sources: calibration.py", ""]
    return "\n".join([*head, *(f"{name} = {value!r}" for name, value in constants.to_mapping().items()), ""])


def errors(constants: GpuConstants) -> list[Errors]:
    """Errors of the four kernels on the points that calibrate, and on those held out."""
    return [errors_of(kernel, constants, GpuBoard.preset(BOARD), points()) for kernel in FITTED]


@cache
def held_out(kernel: str) -> tuple[float, float]:
    """(median, worst) relative error of a kernel with the stored constants on the points held out."""
    found = np.abs(errors_of(kernel, default_constants(), GpuBoard.preset(BOARD), points()).held_out)
    return float(np.median(found)), float(found.max())


def held_out_text() -> str:
    """What the tables say of the model's error: that of dense FP16 products."""
    median, worst = held_out("cublas")
    return (f"Dense FP16 products that the model has not seen come out within {100 * median:.1f} % (median) and "
            f"{100 * worst:.1f} % (worst) of published times on an A100")


def errors_of(kernel: str, constants: GpuConstants, board: GpuBoard, found: Sequence[Point]) -> Errors:
    """Errors of one kernel on points of a board."""
    halves = [np.array([_ratio(kernel, board, point, constants) - 1 for point in found if point.calibrates is half])
              for half in (True, False)]
    return Errors(kernel, *halves)
