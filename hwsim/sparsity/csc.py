"""Compressed sparse columns of a matrix: the CSR form of its transpose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.sparsity.csr import CsrTensor, encode_csr
from hwsim.sparsity.size import Array, Bits, matrix


@dataclass(frozen=True, eq=False)
class CscTensor:
    """A matrix in CSC form (Y. Saad, SPARSKIT, 1994).

    Args:
        transposed: the CSR form of the transpose: ``values`` column by column, ``columns`` = row indices, ``pointers``
            = where each column begins.
    """

    transposed: CsrTensor

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        columns, rows = self.transposed.shape
        return rows, columns

    def validate(self, place: str = "CSC tensor") -> None:
        """Raises InputError as `CsrTensor.validate` does for the transpose."""
        self.transposed.validate(place)

    def decode(self) -> Array:
        """The dense matrix, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        return np.ascontiguousarray(self.transposed.decode().T)

    def bits(self, value_bits: int) -> Bits:
        """Exact size: stored·value_bits, stored·index_bits, (columns + 1)·pointer_bits."""
        return self.transposed.bits(value_bits)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def encode_csc(w: object, index_bits: int | None = 32, pointer_bits: int | None = 32,
               place: str = "weights") -> CscTensor:  # fmt: skip
    """Encode a matrix by columns; widths and errors as `encode_csr`."""
    return CscTensor(encode_csr(matrix(w, place).T, index_bits, pointer_bits, place))
