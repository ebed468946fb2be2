"""Times of calls: CUDA events on a GPU with the L2 cache flushed before each call, the host's clock without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

OUTLIER = 5.0
"""Robust standard deviations from the median behind which a time is an outlier."""
_TO_DEVIATION = 1.4826
_FLUSHES = 4
_SMALLEST_FLUSH = 64 << 20


class Timer(Protocol):
    """What times calls."""

    def times(self, call: Callable[[], Any], repeats: int) -> npt.NDArray[np.float64]:
        """(repeats,) microseconds."""


class HostTimer:
    """The host's clock, for calls that are done when they return."""

    def times(self, call: Callable[[], Any], repeats: int) -> npt.NDArray[np.float64]:
        """(repeats,) microseconds."""
        found = np.empty(repeats)
        for i in range(repeats):
            start = time.perf_counter()
            call()
            found[i] = 1e6 * (time.perf_counter() - start)
        return found


class EventTimer:
    """CUDA events around each call, all queued before the first is looked at.

    Before each call a buffer of several times the L2 cache is zeroed, so that operands come from DRAM as in a model
    whose other layers ran meanwhile. Zeroing takes longer than launching the call, so the host is always ahead.

    Args:
        cuda: ``torch.cuda``.
        buffer: a tensor on the GPU that is zeroed, from `flush_bytes`.
    """

    def __init__(self, cuda: Any, buffer: Any):
        self._cuda, self._buffer = cuda, buffer

    def times(self, call: Callable[[], Any], repeats: int) -> npt.NDArray[np.float64]:
        """(repeats,) microseconds."""
        pairs = [tuple(self._cuda.Event(enable_timing=True) for _ in range(2)) for _ in range(repeats)]
        for start, end in pairs:
            self._buffer.zero_()
            start.record()
            call()
            end.record()
        self._cuda.synchronize()
        return np.array([1e3 * start.elapsed_time(end) for start, end in pairs])


def flush_bytes(l2_bytes: int) -> int:
    """Bytes to write to empty an L2 cache."""
    return max(_FLUSHES * l2_bytes, _SMALLEST_FLUSH)


@dataclass(frozen=True)
class Spread:
    """Times of repeated calls without outliers.

    Attributes:
        us: median, microseconds.
        lowest: microseconds.
        deviation: standard deviation over the median.
        kept: times that are no outliers.
        outliers: the others.
    """

    us: float
    lowest: float
    deviation: float
    kept: int
    outliers: int


def spread(times: npt.NDArray[np.float64]) -> Spread:
    """Median and spread of (repeats,) times; an outlier is `OUTLIER` robust deviations from the median."""
    median = np.median(times)
    deviation = _TO_DEVIATION * np.median(np.abs(times - median))
    kept = times[np.abs(times - median) <= max(OUTLIER * deviation, 1e-3 * median)]
    middle = float(np.median(kept))
    return Spread(middle, float(kept.min()), float(kept.std()) / middle, kept.size, times.size - kept.size)
