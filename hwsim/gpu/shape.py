"""The size of a product, and what follows from it alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from hwsim.config import in_range
from hwsim.errors import InputError

HALF = 2
"""Bytes of an FP16 number."""
COLUMNS = 8
"""Columns of a tensor-core instruction: narrower products are padded to it."""


@dataclass(frozen=True)
class GemmShape:
    """``m x k`` weights times ``k x n``, ``batch`` times side by side."""

    m: int
    k: int
    n: int
    batch: int = 1

    def __post_init__(self) -> None:
        for name in ("m", "k", "n", "batch"):
            in_range(name, getattr(self, name), 1, 1 << 24)

    @classmethod
    def parse(cls, text: str, place: str = "shape") -> Self:
        """From ``MxKxN`` or ``MxKxNxBATCH``.

        Raises:
            InputError: other text, or a size below 1.
        """
        if not re.fullmatch(r"\d+(x\d+){2,3}", text):
            raise InputError(place, "MxKxN or MxKxNxBATCH, whole numbers", text)
        return cls(*map(int, text.split("x")))

    @property
    def columns(self) -> int:
        """Columns of B, padded to what a tensor core takes."""
        return -(-self.n // COLUMNS) * COLUMNS

    @property
    def flops(self) -> float:
        """Two for each multiply-accumulate of the dense product."""
        return 2.0 * self.m * self.k * self.n * self.batch

    @property
    def operand_bytes(self) -> float:
        """Of B and C."""
        return float(HALF * self.n * (self.k + self.m) * self.batch)

    @property
    def weights(self) -> float:
        """Elements of A."""
        return float(self.m * self.k * self.batch)
