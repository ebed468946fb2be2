"""How much of a mapping space a search looks at: part of an experiment, used by the mappers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwsim.config import Configuration, in_range


@dataclass(frozen=True, kw_only=True)
class SearchLimits(Configuration):
    """Limits of the tiling search."""

    exhaustive_depth: int = 16  # up to this tile_depth every number of beats is a candidate
    parts: int = 3  # above it: those that cut the rank into equal parts, the smallest numbers and their doublings
    solved: int = 8  # most candidates whose cycles are computed; the others are left with their lower bound
    objective: Literal["ed2p", "edp", "cycles", "energy"] = "ed2p"  # what is minimised: energy x delay squared, …

    def check(self) -> None:
        """Refuse limits that leave nothing to choose from, or far too much."""
        in_range("exhaustive_depth", self.exhaustive_depth, 0, 4096)
        in_range("parts", self.parts, 1, 64)
        in_range("solved", self.solved, 1, 4096)

    def score(self, cycles: int, joules: float) -> tuple[float, float]:
        """What the search minimises; the other quantity decides between equals."""
        if self.objective == "cycles":
            return cycles, joules
        if self.objective == "energy":
            return joules, cycles
        return cycles * joules * (cycles if self.objective == "ed2p" else 1), cycles
