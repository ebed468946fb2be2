"""Off-chip and on-chip memories: what they hold, how long a transfer keeps them busy, what fits.

A `Dram` is the configuration of one timed process: a transfer has an initiation interval (`service_cycles`) and a
latency (`latency_cycles`), both in cycles of the accelerator's clock. Cycles are computed with exact rational
arithmetic: the same configuration gives the same integer everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hwsim.config import Configuration, in_range, positive
from hwsim.errors import InputError

Cycles = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Dram(Configuration):
    """A DRAM of equal channels behind one address space.

    The bursts of a transfer are taken as spread evenly over the channels, so that transfers in sequence share the whole
    bandwidth. A burst alone cannot use more than its own channel: model a channel that is addressed on its own with
    ``replace(channels=1)``.

    Presets (sources of the figures in `DRAM_SOURCES`): ``ddr4-2400-x64``, ``ddr4-3200``, ``hbm2-u280``, ``hbm2``,
    ``hbm2e``, ``lpddr4``, ``lpddr5``. Every latency, and every efficiency but that of ``hbm2-u280``, is our assumption.
    """

    name: str
    channels: int
    channel_bytes_per_s: float  # peak, bytes/s of one channel
    burst_bytes: int  # smallest transfer, bytes on one channel
    latency_ns: float  # first request to first data on an idle memory, ns
    efficiency: float  # sustained / peak, above 0 and at most 1

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ddr4-2400-x64": {
            "name": "ddr4-2400-x64",
            "channels": 1,
            "channel_bytes_per_s": 19.2e9,
            "burst_bytes": 64,
            "latency_ns": 100.0,
            "efficiency": 0.9,
        },
        "ddr4-3200": {
            "name": "ddr4-3200",
            "channels": 1,
            "channel_bytes_per_s": 25.6e9,
            "burst_bytes": 64,
            "latency_ns": 100.0,
            "efficiency": 0.9,
        },
        "hbm2-u280": {
            "name": "hbm2-u280",
            "channels": 32,
            "channel_bytes_per_s": 14.4e9,
            "burst_bytes": 32,
            "latency_ns": 100.0,
            "efficiency": 0.922,
        },
        "hbm2": {
            "name": "hbm2",
            "channels": 16,
            "channel_bytes_per_s": 16e9,
            "burst_bytes": 32,
            "latency_ns": 100.0,
            "efficiency": 0.9,
        },
        "hbm2e": {
            "name": "hbm2e",
            "channels": 16,
            "channel_bytes_per_s": 25.6e9,
            "burst_bytes": 32,
            "latency_ns": 100.0,
            "efficiency": 0.9,
        },
        "lpddr4": {
            "name": "lpddr4",
            "channels": 2,
            "channel_bytes_per_s": 6.4e9,
            "burst_bytes": 32,
            "latency_ns": 100.0,
            "efficiency": 0.9,
        },
        "lpddr5": {
            "name": "lpddr5",
            "channels": 2,
            "channel_bytes_per_s": 12.8e9,
            "burst_bytes": 32,
            "latency_ns": 100.0,
            "efficiency": 0.9,
        },
    }

    def check(self) -> None:
        """Refuse sizes and rates that are not positive, and an efficiency above 1."""
        positive("channels", self.channels)
        positive("channel_bytes_per_s", self.channel_bytes_per_s)
        positive("burst_bytes", self.burst_bytes)
        in_range("latency_ns", self.latency_ns, 0.0)
        in_range("efficiency", positive("efficiency", self.efficiency), None, 1.0)

    @property
    def peak_bytes_per_s(self) -> float:
        """Peak of all channels together, bytes/s."""
        return float(self._exact_rate(sustained=False))

    def bytes_per_cycle(self, clock_hz: float) -> float:
        """Sustained bytes per accelerator cycle of `clock_hz` (Hz), all channels together."""
        return float(self._exact_rate() / _exact_clock(clock_hz))

    def service_cycles(self, nbytes: npt.ArrayLike, clock_hz: float) -> Cycles:
        """Cycles that each transfer keeps the memory busy; ``int64``, of the shape of `nbytes`.

        A transfer is rounded up to whole bursts, then to whole cycles at the sustained rate. No bytes take no cycles.

        Args:
            nbytes: bytes of each transfer (integers, not negative).
            clock_hz: accelerator clock, Hz.
        """
        sizes = _whole_sizes(nbytes)
        bursts = -(-sizes // self.burst_bytes)
        return _ceil_times(bursts, _cycles_per_burst(self, clock_hz))

    def latency_cycles(self, clock_hz: float) -> int:
        """Cycles from a request to its first data on an idle memory, rounded up."""
        exact = _exact(self.latency_ns) * _exact_clock(clock_hz) / 10**9
        return -(-exact.numerator // exact.denominator)

    def _exact_rate(self, *, sustained: bool = True) -> Fraction:
        peak = self.channels * _exact(self.channel_bytes_per_s)
        return peak * _exact(self.efficiency) if sustained else peak


@lru_cache(maxsize=64)
def _cycles_per_burst(dram: Dram, clock_hz: float) -> Fraction:
    return dram.burst_bytes * _exact_clock(clock_hz) / dram._exact_rate()


DRAM_SOURCES: Mapping[str, str] = {
    "ddr4-2400-x64": "19.2 GB/s: module label PC4-19200, 8-byte bus at 2400 MT/s (server manuals; arXiv 2005.04324 for "
    "FPGA cards; four such channels are 77 GB/s, AMD UG1393). Burst of 8 on 8 bytes. Latency, efficiency: assumption",
    "ddr4-3200": "25.6 GB/s: derived, 8-byte bus at 3200 MT/s. Burst of 8 on 8 bytes. Latency, efficiency: assumption",
    "hbm2-u280": "460.8 GB/s: AMD PG276, two stacks of 16 pseudo-channels of 64 bits at 1800 MT/s (UG1393 says 460). "
    "Burst of 4 on 8 bytes. Efficiency: 425 GB/s measured of 460.8 (arXiv 2005.04324). Latency: assumption",
    "hbm2": "256 GB/s a stack: derived, 1024 bits at 2000 MT/s in 16 pseudo-channels. Latency, efficiency: assumption",
    "hbm2e": "409.6 GB/s a stack: derived, 1024 bits at 3200 MT/s, 16 pseudo-channels. Latency, efficiency: assumption",
    "lpddr5": "12.8 GB/s a channel: derived, two channels of 16 bits at 6400 MT/s. Latency, efficiency: assumption",
    "lpddr4": "6.4 GB/s a channel, two channels of 16 bits, burst of 16: Micron data sheet 200b_z00n_lpddr4 (4 Gb, "
    "3200 MT/s). Latency, efficiency: assumption",
}
"""Where the figures of each `Dram` preset come from."""


@dataclass(frozen=True, kw_only=True)
class Sram(Configuration):
    """An on-chip memory: whole words of `width_bits`, `ports` of them a cycle.

    Latency and arbitration belong to the component that owns the memory; this is its size and its bandwidth.
    """

    name: str = "sram"
    capacity_bytes: int
    width_bits: int = 64
    ports: int = 1

    def check(self) -> None:
        """Refuse sizes that are not positive and a capacity that is not a whole number of words."""
        for field in ("capacity_bytes", "width_bits", "ports"):
            positive(field, getattr(self, field))
        if self.capacity_bytes * 8 % self.width_bits:
            raise InputError("capacity_bytes", f"whole words of {self.width_bits} bits", self.capacity_bytes)

    @property
    def words(self) -> int:
        """Number of words."""
        return self.capacity_bytes * 8 // self.width_bits

    def words_of(self, nbytes: npt.ArrayLike) -> Cycles:
        """Words that hold each of `nbytes` (rounded up): accesses, each of `width_bits`, for the energy account."""
        return -(-_whole_sizes(nbytes) * 8 // self.width_bits)

    def access_cycles(self, nbytes: npt.ArrayLike) -> Cycles:
        """Cycles to read or write each of `nbytes` over all ports."""
        return -(-self.words_of(nbytes) // self.ports)

    def fits(self, nbytes: npt.ArrayLike) -> bool:
        """Whether the blocks of `nbytes`, each in whole words, fit together."""
        return int(self.words_of(nbytes).sum()) <= self.words

    def require(self, nbytes: npt.ArrayLike, place: str) -> None:
        """Raise `InputError` at `place` unless the blocks of `nbytes` fit together."""
        if not self.fits(nbytes):
            needed = int(self.words_of(nbytes).sum()) * self.width_bits // 8
            raise InputError(place, f"at most {self.capacity_bytes} bytes in {self.name}", f"{needed} bytes")


@lru_cache(maxsize=256)
def _exact(value: float) -> Fraction:
    """The decimal number that was written, not its nearest binary one: 0.9 is 9/10."""
    return Fraction(repr(float(value)))


def _exact_clock(clock_hz: float) -> Fraction:
    if not np.isfinite(clock_hz):
        raise InputError("clock_hz", "a finite number of Hz", clock_hz)
    return _exact(positive("clock_hz", clock_hz))


def _whole_sizes(nbytes: npt.ArrayLike) -> Cycles:
    sizes = np.asarray(nbytes)
    if sizes.size == 0:
        return np.zeros(sizes.shape, np.int64)
    if sizes.dtype.kind not in "iu" or sizes.max() > 2**58:
        raise InputError("nbytes", "integers up to 2**58", nbytes)
    if sizes.min() < 0:
        raise InputError("nbytes", "no negative number of bytes", int(sizes.min()))
    return sizes.astype(np.int64)


def _ceil_times(counts: Cycles, factor: Fraction) -> Cycles:
    """``ceil(counts * factor)`` without rounding or overflow on the way."""
    top, bottom = factor.numerator, factor.denominator
    if (int(counts.max(initial=0)) + 1) * top + bottom < 2**63:
        return -(-counts * top // bottom)
    exact = -(-counts.astype(object) * top // bottom)
    if max(np.ravel(exact)) >= 2**63:
        raise InputError("nbytes", "transfers of less than 2**63 cycles", int(counts.max()))
    return np.asarray(exact, dtype=np.int64)
