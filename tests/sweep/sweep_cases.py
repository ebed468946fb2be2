"""Small sweeps, and evaluations that go wrong on purpose; at the top level of a module, so that workers find them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from hwsim.cli.evaluate import evaluate
from hwsim.sweep.rows import Outcome, Point

SMALL = """
name = "small"
[objectives]
seconds = "min"
energy_joules = "min"
[base]
baselines = ["dense"]
workload = { gemm = "16x32x16" }
pruning = { ratio = "2:4" }
accelerator = { preset = "small-4x4" }
[axes]
accelerator.rows = [2, 4]
accelerator.cols = { log2 = [2, 8] }
pruning.ratio = ["2:4", "2:8"]
"""
COUNT = 12


def written(folder: Path, text: str = SMALL, name: str = "small.toml") -> Path:
    """A sweep file."""
    file = folder / name
    file.write_text(text)
    return file


def deadly(point: Point) -> Outcome:
    """Rows 2 and cols 4 kill the process, cols 8 find no memory, the others are evaluated."""
    accelerator = point.inputs["accelerator"]
    if accelerator["cols"] == 8:
        raise MemoryError
    if (accelerator["rows"], accelerator["cols"]) == (2, 4):
        os.kill(os.getpid(), signal.SIGKILL)
    return evaluate(point)


SLOW = 1.5  # s


def slow(point: Point) -> Outcome:
    """A point that takes `SLOW`."""
    time.sleep(SLOW)
    return Outcome(workload="none", seed=0, metrics={})
