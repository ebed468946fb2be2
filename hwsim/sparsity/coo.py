"""Coordinates: the row and the column of every non-zero beside its value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, Bits, matrix, numeric, whole


@dataclass(frozen=True, eq=False)
class CooTensor:
    """A matrix in COO form; two 32-bit coordinates unless said otherwise (SciPy's and cuSPARSE's default).

    Args:
        values: (stored,) in row-major order.
        rows: (stored,) int64.
        columns: (stored,) int64.
        shape: (rows, columns).
        index_bits: bits of one coordinate.
    """

    values: Array
    rows: Array
    columns: Array
    shape: tuple[int, int]
    index_bits: int = 32

    def validate(self, place: str = "COO tensor") -> None:
        """Refuse a tensor that no matrix can have.

        Raises:
            InputError: lengths that differ, coordinates outside the matrix, out of row-major order or twice the same,
                or too wide for ``index_bits``.
        """
        numeric(self.values, f"{place} values")
        if self.values.ndim != 1 or not self.values.shape == self.rows.shape == self.columns.shape:
            given = f"shapes {self.values.shape}, {self.rows.shape} and {self.columns.shape}"
            raise InputError(place, "values, rows and columns of one length", given)
        for name, index, length in zip(("rows", "columns"), (self.rows, self.columns), self.shape, strict=True):
            if index.size and not 0 <= index.min() <= index.max() < length:
                raise InputError(f"{place} {name}", f"0 to {length - 1}", f"{index.min()} to {index.max()}")
        if np.any(np.diff(self.rows * self.shape[1] + self.columns) <= 0):
            raise InputError(place, "coordinates ascending in row-major order", "others")
        whole(self.index_bits, f"{place} index_bits", _width(self.shape), 64)

    def decode(self) -> Array:
        """The dense matrix, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        self.validate()
        dense = np.zeros(self.shape, self.values.dtype)
        dense[self.rows, self.columns] = self.values
        return dense

    def bits(self, value_bits: int) -> Bits:
        """Exact size: stored·value_bits, stored·2·index_bits."""
        stored = self.values.size
        return Bits(stored * whole(value_bits, "value_bits", 1), stored * 2 * self.index_bits)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def _width(shape: tuple[int, int]) -> int:
    """Fewest bits that hold any coordinate."""
    return max(max(shape) - 1, 0).bit_length()


def encode_coo(w: object, index_bits: int = 32, place: str = "weights") -> CooTensor:
    """Encode a matrix by coordinates; nothing is lost (``-0.0`` returns as ``0.0``).

    Raises:
        InputError: not a matrix, NaN, or coordinates that ``index_bits`` cannot hold.
    """
    array = matrix(w, place)
    rows, columns = np.nonzero(array)
    code = CooTensor(array[rows, columns], rows, columns, array.shape, index_bits)
    code.validate(place)
    return code
