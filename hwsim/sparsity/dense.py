"""The dense format: every element stored. The baseline that the others are measured against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.sparsity.size import Array, Bits, numeric, whole


@dataclass(frozen=True, eq=False)
class DenseTensor:
    """A tensor with every element stored.

    Args:
        values: any shape, any integer or float dtype.
    """

    values: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the decoded tensor."""
        return self.values.shape

    def validate(self, place: str = "dense tensor") -> None:
        """Raises InputError for NaN or a dtype that is neither integer nor float."""
        numeric(self.values, place)

    def decode(self) -> Array:
        """A copy of the values."""
        self.validate()
        return self.values.copy()

    def bits(self, value_bits: int) -> Bits:
        """Exact size: elements·value_bits, no metadata."""
        return Bits(self.values.size * whole(value_bits, "value_bits", 1))

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def encode_dense(w: object, place: str = "weights") -> DenseTensor:
    """Copy of ``w`` (any shape, integers or floats) in the dense format. Raises InputError for NaN."""
    return DenseTensor(np.array(numeric(w, place)))
