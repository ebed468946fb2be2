"""How kernels are measured."""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.config import Configuration, in_range, one_of


@dataclass(frozen=True, kw_only=True)
class MeasureConfig(Configuration):
    """How each kernel is measured."""

    dtype: str = "float16"
    warm_up: int = 20           # calls before any is timed: compilation, clocks
    repeats: int = 100          # timed calls
    power_seconds: float = 1.0  # of calls back to back while power is sampled; 0: power is not sampled
    seed: int = 0               # of operands and zeros

    def check(self) -> None:
        """Refuse counts below 1 and negative times."""
        one_of("dtype", self.dtype, ("float16", "bfloat16", "int8"))
        in_range("warm_up", self.warm_up, 1, 1 << 20)
        in_range("repeats", self.repeats, 3, 1 << 20)
        in_range("power_seconds", self.power_seconds, 0.0, 3600.0)
        in_range("seed", self.seed, 0, 1 << 62)
