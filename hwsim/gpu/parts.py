"""What the time of one kernel goes to, and how its parts join to the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

AFTER, BESIDE = 1.0, math.inf
"""Exponents of `Parts`: memory and decoding one after the other, or each beside the other."""


@dataclass(frozen=True)
class Parts:
    """What a kernel spends its time on, microseconds.

    Attributes:
        launch: until the kernel runs.
        memory: bytes over the bandwidth.
        compute: multiplications, beside the two others.
        decode: floor of a sparse format.
        exponent: p of the p-norm that joins memory and decoding: `AFTER` adds them, `BESIDE` takes the longer one, what
            lies between hides some of the shorter.
        bytes: that it moves.
        tensor: its multiplications on tensor cores at their peak (0: it does not use them).
    """

    launch: float
    memory: float
    compute: float
    decode: float
    exponent: float
    bytes: float
    tensor: float = 0.0

    @property
    def total(self) -> float:
        """Launch, then memory joined with decoding or the multiplications, whichever is longer."""
        p = self.exponent
        longer = max(self.memory, self.decode)
        joined = longer if math.isinf(p) else (self.memory**p + self.decode**p) ** (1 / p)
        return self.launch + max(joined, self.compute)

    @property
    def overlap(self) -> float:
        """What of the parts is hidden behind others: their sum less this is the total."""
        return self.launch + self.memory + self.compute + self.decode - self.total

    @property
    def rule(self) -> str:
        """How the parts join, in words."""
        p = self.exponent
        if not self.decode or math.isinf(p):
            named = [name for name, value in (("memory", self.memory), ("multiplications", self.compute),
                                              ("decoding", self.decode)) if value]
            return f"launch + max({', '.join(named)})"
        joined = "memory + decoding" if p == AFTER else f"(memory^{p:.2f} + decoding^{p:.2f})^(1/{p:.2f})"
        return f"launch + max({joined}, multiplications)"
