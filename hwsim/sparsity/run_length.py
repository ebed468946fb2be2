"""Run lengths: each stored value comes with the number of zeros before it, row by row (EIE, arXiv 1602.01528)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, Bits, matrix, numeric, whole


@dataclass(frozen=True, eq=False)
class RunLengthTensor:
    """A matrix as runs of zeros and values. Where a run is too long for its field, a zero is stored as a value.

    EIE stores columns with 4-bit runs and one pointer per column; here rows, with the same 4 bits, so that the values
    of a row are neighbours as in the other formats. Pointers have 32 bits (EIE: 16, over two banks) [our choice].

    Args:
        values: (stored,) non-zeros and fillers of all rows.
        runs: (stored,) int64, zeros before each within its row, 0 to 2**run_bits - 1.
        pointers: (rows + 1,) int64, where each row begins.
        shape: (rows, columns).
        run_bits: bits of one run.
        pointer_bits: bits of one pointer.
    """

    values: Array
    runs: Array
    pointers: Array
    shape: tuple[int, int]
    run_bits: int = 4
    pointer_bits: int = 32

    def _places(self) -> tuple[Array, Array]:
        """(rows, columns) of the stored values: in a row, the runs and the values before add up."""
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.pointers))
        ends = np.cumsum(self.runs + 1)
        begins = np.concatenate([[0], ends])[self.pointers[:-1]]
        return rows, ends - 1 - begins[rows]

    def validate(self, place: str = "run-length tensor") -> None:
        """Refuse a tensor that no matrix can have.

        Raises:
            InputError: lengths that differ, pointers that fall or do not span the values, runs that do not fit their
                field or lead behind the end of a row.
        """
        numeric(self.values, f"{place} values")
        whole(self.run_bits, f"{place} run_bits", 1, 32)
        if self.values.ndim != 1 or self.runs.shape != self.values.shape:
            raise InputError(place, "values and runs of one length", f"{self.values.shape} and {self.runs.shape}")
        rows, width = self.shape
        ends = self.pointers.shape == (rows + 1,) and (int(self.pointers[0]), int(self.pointers[-1]))
        if ends != (0, len(self.values)) or np.any(np.diff(self.pointers) < 0):
            wanted = f"{rows + 1} pointers rising from 0 to {len(self.values)}"
            raise InputError(f"{place} pointers", wanted, self.pointers.tolist())
        whole(self.pointer_bits, f"{place} pointer_bits", len(self.values).bit_length(), 64)
        if np.any((self.runs < 0) | (self.runs >= 1 << self.run_bits)):
            raise InputError(f"{place} runs", f"0 to {(1 << self.run_bits) - 1}", self.runs.tolist())
        if len(self.values) and self._places()[1].max() >= width:
            raise InputError(f"{place} runs", f"no value behind column {width - 1}", int(self._places()[1].max()))

    def decode(self) -> Array:
        """The dense matrix, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        self.validate()
        dense = np.zeros(self.shape, self.values.dtype)
        dense[self._places()] = self.values
        return dense

    def bits(self, value_bits: int) -> Bits:
        """Exact size: (non-zeros + fillers)·value_bits, the same number of runs, (rows + 1)·pointer_bits."""
        stored = self.values.size
        values = stored * whole(value_bits, "value_bits", 1)
        return Bits(values, stored * self.run_bits, self.pointers.size * self.pointer_bits)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def encode_run_length(w: object, run_bits: int = 4, pointer_bits: int = 32, place: str = "weights") -> RunLengthTensor:
    """Encode a matrix by runs of zeros; nothing is lost (``-0.0`` returns as ``0.0``), trailing zeros take no space.

    Raises:
        InputError: not a matrix, NaN, or a width out of range.
    """
    array = matrix(w, place)
    longest = 1 << whole(run_bits, f"{place} run_bits", 1, 32)
    rows, columns = np.nonzero(array)
    first = np.concatenate([[True], rows[1:] != rows[:-1]]) if len(rows) else np.zeros(0, bool)
    gaps = columns - np.where(first, -1, np.concatenate([[-1], columns[:-1]])[: len(rows)]) - 1
    fillers = gaps // longest  # each stands for a full run and itself
    last = np.cumsum(fillers + 1) - 1
    stored = int(last[-1]) + 1 if len(last) else 0
    values, runs = np.zeros(stored, array.dtype), np.full(stored, longest - 1, np.int64)
    values[last], runs[last] = array[rows, columns], gaps % longest
    per_row = np.bincount(rows, weights=fillers + 1, minlength=array.shape[0]).astype(np.int64)
    pointers = np.concatenate([[0], np.cumsum(per_row)]).astype(np.int64)
    code = RunLengthTensor(values, runs, pointers, array.shape, run_bits, pointer_bits)
    code.validate(place)
    return code
