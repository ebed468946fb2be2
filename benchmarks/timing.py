"""Repeated measurement of one call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Seconds of repeated runs. On a machine that others use too, the minimum is nearest to the undisturbed time."""

    median: float
    minimum: float
    maximum: float
    runs: int
    cpu_median: float | None = None  # CPU seconds of this process, which waiting for a core does not add to

    @classmethod
    def of(cls, seconds: list[float], cpu: list[float] | None = None) -> Sample:
        """From the wall seconds of each run, at least one, and their CPU seconds."""
        return cls(median=statistics.median(seconds), minimum=min(seconds), maximum=max(seconds), runs=len(seconds),
                   cpu_median=statistics.median(cpu) if cpu else None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; seconds."""
        plain = {"median_s": self.median, "min_s": self.minimum, "max_s": self.maximum, "runs": self.runs}
        return plain if self.cpu_median is None else {**plain, "cpu_median_s": self.cpu_median}


def measure(call: Callable[[], object], *, warm_up: int = 2, least: int = 5, most: int = 200,
            budget_s: float = 2.0) -> Sample:
    """Time a call after ``warm_up`` untimed ones: ``least`` runs, then more up to ``most`` or ``budget_s`` seconds."""
    for _ in range(warm_up):
        call()
    seconds: list[float] = []
    cpu: list[float] = []
    while len(seconds) < least or (len(seconds) < most and sum(seconds) < budget_s):
        begun, worked = time.perf_counter(), time.process_time()
        call()
        cpu.append(time.process_time() - worked)
        seconds.append(time.perf_counter() - begun)
    return Sample.of(seconds, cpu)


def once(call: Callable[[], object]) -> float:
    """Seconds of a single call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
