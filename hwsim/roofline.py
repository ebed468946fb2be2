"""The roofline: no run can take fewer cycles than its arithmetic, or its off-chip traffic, takes at peak.

For a machine that skips zeros, count the MACs and bytes that are left after skipping; for one that only gates, the
dense ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.config import Configuration, positive
from hwsim.errors import InputError

_ROUNDING = 1e-12  # relative; both sides of the comparison are float64


class BelowRoofline(RuntimeError):
    """A model reported fewer cycles than is physically possible: an error in the model, not in its input."""


@dataclass(frozen=True, kw_only=True)
class Roofline(Configuration):
    """Peak rates of a machine."""

    macs_per_cycle: float
    bytes_per_cycle: float  # off-chip, at the accelerator's clock

    def check(self) -> None:
        """Refuse rates that are not positive."""
        positive("macs_per_cycle", self.macs_per_cycle)
        positive("bytes_per_cycle", self.bytes_per_cycle)

    @property
    def ridge(self) -> float:
        """Operational intensity (MAC/byte) at which both limits meet."""
        return self.macs_per_cycle / self.bytes_per_cycle

    def attainable(self, intensity: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """MACs per cycle that a run of this operational intensity (MAC/byte) can reach at best."""
        values = _not_negative("intensity", intensity)
        return np.minimum(self.macs_per_cycle, values * self.bytes_per_cycle)

    def bound(self, macs: npt.ArrayLike, nbytes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fewest cycles for `macs` multiply-accumulates and `nbytes` of off-chip traffic; arrays broadcast."""
        compute = _not_negative("macs", macs) / self.macs_per_cycle
        memory = _not_negative("nbytes", nbytes) / self.bytes_per_cycle
        return np.maximum(compute, memory)

    def limit(self, macs: float, nbytes: float) -> str:
        """``"compute"`` or ``"memory"``: which limit the bound of this run stands on (compute where they are equal)."""
        return "compute" if macs / self.macs_per_cycle >= nbytes / self.bytes_per_cycle else "memory"


def intensity(macs: float, nbytes: float) -> float:
    """Operational intensity, MAC/byte; infinite without traffic, 0 for a run of nothing."""
    _not_negative("macs", macs)
    _not_negative("nbytes", nbytes)
    if nbytes:
        return macs / nbytes
    return math.inf if macs else 0.0


def check_not_below(cycles: npt.ArrayLike, bound: npt.ArrayLike, place: str) -> None:
    """Raise `BelowRoofline` when any of `cycles` is below its `bound` (cycles); `place` names the run or the layer."""
    given, least = np.broadcast_arrays(np.asarray(cycles, float), np.asarray(bound, float))
    wrong = ~(given >= least * (1 - _ROUNDING))
    if wrong.any():
        where = np.flatnonzero(wrong)[0]
        numbers = f"{given.flat[where]:.17g} cycles, but at least {least.flat[where]:.17g} are needed"
        raise BelowRoofline(f"internal error at {place}{f'[{where}]' if given.size > 1 else ''}: {numbers}")


def _not_negative(place: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if not (array >= 0).all():
        raise InputError(place, "numbers of at least 0", values)
    return array
