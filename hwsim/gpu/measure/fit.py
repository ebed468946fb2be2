"""Constants of the model from points that were measured here, on top of those from published points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hwsim.errors import InputError
from hwsim.gpu.board import GpuBoard
from hwsim.gpu.calibration import FITTED, Errors, errors_of, fit
from hwsim.gpu.constants import GpuConstants, default_constants
from hwsim.gpu.points import Point

MEASURED: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    **FITTED,
    "semi_structured": {"sparta_launch_us": (10.0, 0.1, 60.0), "sparta_step_cycles": (40.0, 0.1, 1000.0)},
    "bitmap": {"bitmap_element_cycles": (0.15, 1e-4, 100.0)},
}
"""By kernel, in the order of fitting: constants with first guess, lowest and highest value."""


def calibrate_measured(points: Sequence[Point], board: GpuBoard, place: str) -> tuple[GpuConstants, list[Errors]]:
    """Fit the constants of every kernel that has points; the others stay as they are.

    Args:
        points: as `hwsim.gpu.measure.file.read_points` gives them.
        board: the GPU that they were measured on.
        place: where they come from, for error messages.

    Returns:
        The constants, and by kernel the errors on points that calibrated and on those held out.

    Raises:
        InputError: no points, or too few of a kernel to fit its constants and hold out a shape.
    """
    values: dict[str, float] = dict(default_constants().to_mapping())
    kernels = [kernel for kernel in MEASURED if any(kernel in point.us for point in points)]
    if not kernels:
        raise InputError(place, f"FP16 points of {', '.join(MEASURED)}", "none")
    for kernel in kernels:
        own = [point for point in points if kernel in point.us]
        seen, needed = [point for point in own if point.calibrates], len(MEASURED[kernel])
        if len(seen) < needed or len(seen) == len(own):
            wanted = f"points of {kernel} at two sizes of weights, {needed} of them at those that calibrate"
            raise InputError(place, wanted, f"{len(own)} points, {len(seen)} that calibrate")
        values |= fit(kernel, MEASURED[kernel], values, board, seen)
    constants = GpuConstants(**{name: float(f"{value:.6g}") for name, value in values.items()})
    return constants, [errors_of(kernel, constants, board, [p for p in points if kernel in p.us]) for kernel in kernels]
