"""Compressed sparse rows of a matrix, with stated widths of indices and pointers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, Bits, numeric, whole


@dataclass(frozen=True, eq=False)
class CsrTensor:
    """A matrix in CSR form.

    Args:
        values: (stored,) row by row, any integer or float dtype.
        columns: (stored,) int64, ascending inside a row.
        pointers: (rows + 1,) int64, where each row begins.
        shape: (rows, columns).
        index_bits: bits of one column index.
        pointer_bits: bits of one row pointer.
    """

    values: Array
    columns: Array
    pointers: Array
    shape: tuple[int, int]
    index_bits: int = 32
    pointer_bits: int = 32

    def validate(self, place: str = "CSR tensor") -> None:
        """Refuse a tensor that no matrix can have.

        Raises:
            InputError: shapes or dtypes that disagree, pointers that fall or do not span the values, columns out of
                range or not ascending in a row, or widths too small for the largest index or pointer.
        """
        numeric(self.values, f"{place} values")
        _check_widths(self.shape[1], len(self.values), self.index_bits, self.pointer_bits, place)
        if self.values.ndim != 1 or self.columns.shape != self.values.shape:
            given = f"shapes {self.values.shape} and {self.columns.shape}"
            raise InputError(place, "values and columns of one length", given)
        if self.columns.dtype != np.int64 or self.pointers.dtype != np.int64:
            raise InputError(place, "int64 columns and pointers", f"{self.columns.dtype} and {self.pointers.dtype}")
        rows, width = self.shape
        ends = self.pointers.shape == (rows + 1,) and (int(self.pointers[0]), int(self.pointers[-1]))
        if ends != (0, len(self.values)) or np.any(np.diff(self.pointers) < 0):
            wanted = f"{rows + 1} pointers rising from 0 to {len(self.values)}"
            raise InputError(f"{place} pointers", wanted, self.pointers.tolist())
        # One number per element, row·width + column: ascending inside all rows exactly when it ascends overall.
        if np.any((self.columns < 0) | (self.columns >= width)):
            raise InputError(f"{place} columns", f"0 to {width - 1}", self.columns.tolist())
        if np.any(np.diff(self._rows() * width + self.columns) <= 0):
            raise InputError(f"{place} columns", "columns ascending inside a row", self.columns.tolist())

    def _rows(self) -> Array:
        """(stored,) row of each value."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.pointers))

    def decode(self) -> Array:
        """The dense matrix, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        self.validate()
        dense = np.zeros(self.shape, self.values.dtype)
        dense[self._rows(), self.columns] = self.values
        return dense

    def to_scipy(self) -> Any:
        """The same matrix as a ``scipy.sparse.csr_array`` (which knows no float16)."""
        from scipy.sparse import csr_array

        return csr_array((self.values, self.columns, self.pointers), shape=self.shape)

    def bits(self, value_bits: int) -> Bits:
        """Exact size: stored·value_bits, stored·index_bits, (rows + 1)·pointer_bits."""
        stored = self.values.size
        values = stored * whole(value_bits, "value_bits", 1)
        return Bits(values, stored * self.index_bits, self.pointers.size * self.pointer_bits)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def _check_widths(width: int, stored: int, index_bits: int, pointer_bits: int, place: str) -> None:
    """Refuse widths that cannot hold the largest column (width - 1) or the largest pointer (stored)."""
    whole(index_bits, f"{place} index_bits", tight_bits(max(width - 1, 0)), 64)
    whole(pointer_bits, f"{place} pointer_bits", tight_bits(stored), 64)


def tight_bits(largest: int) -> int:
    """Fewest bits that hold 0..largest."""
    return largest.bit_length()


def encode_csr(
    w: object, index_bits: int | None = 32, pointer_bits: int | None = 32, place: str = "weights"
) -> CsrTensor:
    """Encode a matrix by rows; nothing is lost (``-0.0`` returns as ``0.0``).

    Args:
        w: (rows, columns) integers or floats.
        index_bits: bits of a column index; None for the fewest that hold every column of the matrix.
        pointer_bits: bits of a row pointer; None for the fewest that hold the number of non-zeros.
        place: what ``w`` is, for error messages.

    Raises:
        InputError: not a matrix, NaN, or a width too small for this matrix.
    """
    array = numeric(w, place)
    if array.ndim != 2:
        raise InputError(place, "a matrix", f"shape {array.shape}")
    rows, columns = np.nonzero(array)
    height, width = array.shape
    index_bits = tight_bits(max(width - 1, 0)) if index_bits is None else index_bits
    pointer_bits = tight_bits(len(rows)) if pointer_bits is None else pointer_bits
    _check_widths(width, len(rows), index_bits, pointer_bits, place)
    pointers = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=height))]).astype(np.int64)
    return CsrTensor(array[rows, columns], columns, pointers, (height, width), index_bits, pointer_bits)
