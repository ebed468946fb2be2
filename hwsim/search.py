"""How much of a mapping space a search looks at: part of an experiment, used by the mappers."""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.config import Configuration, in_range


@dataclass(frozen=True, kw_only=True)
class SearchLimits(Configuration):
    """Limits of the tiling search."""

    exhaustive_depth: int = 16  # up to this tile_depth every number of beats is a candidate
    parts: int = 3  # above it: those that cut the rank into equal parts, the smallest numbers and their doublings
    solved: int = 8  # most candidates whose cycles are computed; the others are left with their lower bound
    slack: float = 0.01  # as fast as the fastest counts what is this near to it: of those, the one with least traffic

    def check(self) -> None:
        """Refuse limits that leave nothing to choose from, or far too much."""
        in_range("exhaustive_depth", self.exhaustive_depth, 0, 4096)
        in_range("parts", self.parts, 1, 64)
        in_range("solved", self.solved, 1, 4096)
        in_range("slack", self.slack, 0.0, 1.0)
