"""Sparse matrix times dense matrix on one `BitmapDot`: the Python entry, with values and cycles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwsim.bitmap_decoder.config import DotConfig
from hwsim.bitmap_decoder.dot import Sums, steps_of, sums
from hwsim.bitmap_decoder.dot_model import dot_network
from hwsim.bitmap_decoder.format import Bools, Elements
from hwsim.bitmap_decoder.front import Gates, Steps
from hwsim.bitmap_decoder.jobs import DotJob, check_elements, non_zero
from hwsim.errors import InputError
from hwsim.network.timeline import Timeline


@dataclass(frozen=True, eq=False)
class Spmm:
    """Z [M, N] = A [M, K] · X [K, N] with A in bitmap form, X cut into slices of ``cols`` columns, one job each.

    A streams in again for every slice; the next slice of X comes while one is used.

    Args:
        config: of the component.
        a: (M, K), ``uint16`` bit patterns for ``fp16``, ``int8`` for ``int8``.
        x: (K, N), the same.
        kept: (M, K) bool, what is stored of A; by default what is not zero.
        offer: by input port: bool (cycles,), when its source may begin to offer; by default always.

    Raises:
        InputError: elements of another type, shapes that do not fit, or more rows of X than ``x_depth``.
    """

    config: DotConfig
    a: Elements
    x: Elements
    kept: Bools | None = None
    offer: Gates | None = None

    def __post_init__(self) -> None:
        check_elements("a", self.a, self.config)
        check_elements("x", self.x, self.config)
        if self.a.shape[1] != self.x.shape[0]:
            raise InputError("x", f"{self.a.shape[1]} rows, as many as a has columns", self.x.shape)
        if not self.x.shape[1]:
            raise InputError("x", "at least one column", self.x.shape)

    @cached_property
    def jobs(self) -> list[DotJob]:
        """One for each slice of columns, the last one filled up with zeros."""
        cols = self.config.cols
        padded = np.pad(self.x, ((0, 0), (0, -self.x.shape[1] % cols)))
        kept = non_zero(self.a, self.config) if self.kept is None else self.kept
        return [DotJob(config=self.config, dense=self.a, kept=kept, x=np.ascontiguousarray(padded[:, at:at + cols]))
                for at in range(0, padded.shape[1], cols)]

    @cached_property
    def z(self) -> Sums:
        """(M, N) float32 or int32, exactly what the hardware gives."""
        whole: Sums = np.concatenate([sums(job) for job in self.jobs], axis=1)[:, :self.x.shape[1]]
        return whole

    @cached_property
    def steps(self) -> Steps:
        """The steps of all jobs."""
        return steps_of(self.jobs)

    @cached_property
    def timeline(self) -> Timeline:
        """When everything happens."""
        return dot_network(self.jobs, self.offer).solve()

    @property
    def cycles(self) -> int:
        """From the first header to the last result."""
        return self.timeline.cycles

    @property
    def utilization(self) -> float:
        """Fraction of the multipliers' cycles in which they multiply a non-zero."""
        return float(self.steps.macs.sum() / (self.cycles * self.config.macs))
