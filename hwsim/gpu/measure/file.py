"""The file that a measurement leaves and that the model can be calibrated on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hwsim.config import in_range, positive
from hwsim.errors import InputError
from hwsim.gpu.board import GpuBoard
from hwsim.gpu.measure.config import MeasureConfig
from hwsim.gpu.measure.power import Power
from hwsim.gpu.measure.timer import Spread
from hwsim.gpu.points import Point
from hwsim.gpu.shape import GemmShape
from hwsim.provenance import revision, versions

FORMAT = "hwsim gpu points 1"
EVENTS, INTERPRETER = "cuda events", "interpreter"
"""What timed: events of a GPU, or the host's clock around Triton's interpreter, which says nothing about any GPU."""
MODEL_DTYPE = "float16"
"""What the model's kernels compute in."""


@dataclass(frozen=True, kw_only=True)
class MeasuredPoint:
    """One kernel at one shape.

    Attributes:
        kernel: as measured.
        model: kernel of `hwsim.gpu.model` that foretells it; None: there is none.
        shape: of the product.
        dtype: of the operands.
        sparsity: of the operand that was measured.
        times: microseconds.
        bytes: of operands and result, each once.
        error: largest, over the largest element of the reference.
        right: whether the error is within the tolerance.
        power: while calls ran back to back; None: not sampled.
        joules: of one call.
    """

    kernel: str
    model: str | None
    shape: GemmShape
    dtype: str
    sparsity: float
    times: Spread
    bytes: int
    error: float
    right: bool
    power: Power | None
    joules: float | None

    @property
    def gigabytes_per_s(self) -> float:
        """Bytes over the time."""
        return self.bytes / self.times.us / 1e3


@dataclass(frozen=True)
class Measurement:
    """All points of a run."""

    timing: str
    gpu: dict[str, Any]
    config: MeasureConfig
    points: tuple[MeasuredPoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as in the file."""
        return {"format": FORMAT, "timing": self.timing, "gpu": self.gpu, "settings": self.config.to_mapping(),
                "revision": revision(), "versions": versions(),
                "points": [asdict(point) | {"gigabytes_per_s": point.gigabytes_per_s} for point in self.points]}

    def to_json(self) -> bytes:
        """The file."""
        return (json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n").encode()


def read_points(path: Path, board: GpuBoard) -> tuple[Point, ...]:
    """What calibration needs of a file: FP16 points of kernels that the model knows, with right results.

    By kernel, every other shape by the size of its weights calibrates, the others are held out.

    Raises:
        InputError: no such file, another format, interpreter timing, a GPU that is not the board, or damaged points.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise InputError(str(path), FORMAT, data["format"])
        if data["timing"] != EVENTS:
            raise InputError(str(path), f"times of a GPU ({EVENTS})", f"{data['timing']} timing")
        if data["gpu"]["multiprocessors"] != board.multiprocessors:
            given = f"{board.multiprocessors}, {board.name}"
            raise InputError("--gpu", f"{data['gpu']['multiprocessors']} multiprocessors, as {data['gpu']['name']} has",
                             given)
        rows = [(row["model"], GemmShape(**row["shape"]),
                 in_range("sparsity", float(row["sparsity"]), 0.0, 1.0), positive("us", float(row["times"]["us"])))
                for row in data["points"] if row["model"] and row["right"] and row["dtype"] == MODEL_DTYPE]
    except OSError as error:
        raise InputError(str(path), "a file that can be read", error.strerror or str(error)) from None
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(str(path), FORMAT, f"{type(error).__name__}: {error}") from None
    return tuple(_split(rows))


def _split(rows: list[tuple[str, GemmShape, float, float]]) -> list[Point]:
    found = []
    for kernel in sorted({row[0] for row in rows}):
        own = [row for row in rows if row[0] == kernel]
        sizes = sorted({(shape.weights, shape.m, shape.k) for _, shape, _, _ in own})
        seen = {one[1:] for one in sizes[::2]}
        found += [Point(shape, sparsity, {kernel: us}, (shape.m, shape.k) in seen) for _, shape, sparsity, us in own]
    return found
