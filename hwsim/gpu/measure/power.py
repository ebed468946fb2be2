"""Power and clocks of a GPU while it works, sampled from NVML; energy by integration."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from types import TracebackType
from typing import Self

import numpy as np

INTERVAL = 0.01
"""Seconds between samples. NVML itself renews its figure every 20 to 100 ms, on most boards as the mean of a second."""
Sensor = Callable[[], tuple[float, float]]
"""Gives (watts, clock of the multiprocessors in MHz)."""


@dataclass(frozen=True)
class Power:
    """What was drawn while something ran.

    Attributes:
        joules: of the board, by the trapezoidal rule over the samples.
        seconds: from the first sample to the last.
        watts: joules / seconds.
        mhz: (lowest, mean, highest) clock of the multiprocessors; a clock that falls tells of throttling.
        samples: how many.
    """

    joules: float
    seconds: float
    watts: float
    mhz: tuple[float, float, float]
    samples: int


class PowerSampler:
    """Samples a sensor in a thread while its ``with`` block runs, and once at each end.

    Args:
        sensor: read for every sample.
        interval: seconds between samples.
        clock: seconds, rising.
    """

    def __init__(self, sensor: Sensor, interval: float = INTERVAL, clock: Callable[[], float] = time.monotonic):
        self._sensor, self._interval, self._clock = sensor, interval, clock
        self._samples: list[tuple[float, float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _sample(self) -> None:
        self._samples.append((self._clock(), *self._sensor()))

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._sample()

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self._stop.set()
        self._thread.join()
        self._sample()

    @property
    def power(self) -> Power:
        """Of the block, after it ended."""
        return integrate(self._samples)


def integrate(samples: list[tuple[float, float, float]]) -> Power:
    """From (seconds, watts, MHz) of at least two samples in order of time."""
    seconds, watts, mhz = np.array(samples).T
    joules, span = float(np.trapezoid(watts, seconds)), float(seconds[-1] - seconds[0])
    return Power(joules, span, joules / span if span else float(watts[0]),
                 (float(mhz.min()), float(mhz.mean()), float(mhz.max())), len(samples))


def nvml_sensor(uuid: str) -> Sensor | None:
    """NVML's figures of one GPU, named by its UUID as ``torch.cuda`` does; None without NVML, or without its leave."""
    if find_spec("pynvml") is None:
        return None
    import pynvml

    def sensor() -> tuple[float, float]:
        return (1e-3 * pynvml.nvmlDeviceGetPowerUsage(handle),
                float(pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM)))

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        sensor()
    except pynvml.NVMLError:
        return None
    return sensor
