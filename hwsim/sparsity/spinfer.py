"""TCA-BME of SpInfer (EuroSys 2025): 8×8 bitmaps in the order in which tensor cores take them, 64×64 groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, Bits, matrix, numeric, whole

GROUP, BAND, CELL = 64, 16, 8
"""Sides: of a group (one offset each), of a tensor-core tile of 2×2 bitmaps, of a bitmap."""
_PER_GROUP = (GROUP // CELL) ** 2
PAD, OFFSET_BITS = 8, 32


def _to_cells(padded: Array) -> Array:
    """(groups, 64 bitmaps, 64 elements) of a matrix whose sides are multiples of 64.

    Groups and the 16×16 tiles inside one in row-major order, the 2×2 bitmaps of a tile column by column, the elements
    of a bitmap row by row.
    """
    rows, columns = (length // GROUP for length in padded.shape)
    split = padded.reshape(rows, GROUP // BAND, 2, CELL, columns, GROUP // BAND, 2, CELL)
    return split.transpose(0, 4, 1, 5, 6, 2, 3, 7).reshape(rows * columns, _PER_GROUP, CELL * CELL)


def _from_cells(cells: Array, rows: int, columns: int) -> Array:
    """Inverse of ``_to_cells`` for a grid of rows × columns groups."""
    split = cells.reshape(rows, columns, GROUP // BAND, GROUP // BAND, 2, 2, CELL, CELL)
    return split.transpose(0, 2, 5, 6, 1, 3, 4, 7).reshape(rows * GROUP, columns * GROUP)


@dataclass(frozen=True, eq=False)
class SpInferTensor:
    """A matrix in TCA-BME form.

    Order, padding of a group's values to 8 and least-significant-bit-first bitmaps as in the released code; the size
    is the paper's, with one 32-bit offset per group and one more. (The code also stores where each 16×64 band of a
    group begins, four more offsets a group, which the paper leaves out and which popcounts give.)

    Args:
        values: (stored,) group by group, each padded with zeros to a multiple of 8.
        bitmaps: (groups, 64) uint64, least significant bit = first element.
        offsets: (groups + 1,) int64, where each group's values begin.
        shape: (rows, columns).
    """

    values: Array
    bitmaps: Array
    offsets: Array
    shape: tuple[int, int]

    @property
    def grid(self) -> tuple[int, int]:
        """Groups down and across."""
        return -(-self.shape[0] // GROUP), -(-self.shape[1] // GROUP)

    def _flags(self) -> Array:
        """(groups, 64, 64) bool."""
        octets = np.ascontiguousarray(self.bitmaps.astype("<u8"))[..., None].view(np.uint8)
        return np.unpackbits(octets, axis=2, bitorder="little").astype(bool)

    def validate(self, place: str = "TCA-BME tensor") -> None:
        """Refuse a tensor that no matrix can have.

        Raises:
            InputError: bitmaps of another shape, bits outside the matrix, offsets or values that the bitmaps do not
                call for.
        """
        numeric(self.values, f"{place} values")
        rows, columns = self.grid
        if self.bitmaps.dtype != np.uint64 or self.bitmaps.shape != (rows * columns, _PER_GROUP):
            given = f"{self.bitmaps.dtype} of shape {self.bitmaps.shape}"
            raise InputError(f"{place} bitmaps", f"uint64 of shape {(rows * columns, _PER_GROUP)}", given)
        flags = _from_cells(self._flags(), rows, columns)
        if flags[self.shape[0] :].any() or flags[:, self.shape[1] :].any():
            raise InputError(f"{place} bitmaps", "no bit set outside the matrix", "such a bit")
        wanted = _offsets(np.bitwise_count(self.bitmaps).sum(axis=1, dtype=np.int64))
        if not np.array_equal(self.offsets, wanted):
            raise InputError(f"{place} offsets", "what the bitmaps' ones add up to", self.offsets.tolist())
        if self.values.shape != (wanted[-1],):
            raise InputError(f"{place} values", f"shape ({wanted[-1]},), as the bitmaps say", self.values.shape)

    def decode(self) -> Array:
        """The dense matrix, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        self.validate()
        flags = self._flags()
        cells = np.zeros(flags.shape, self.values.dtype)
        cells[flags] = self.values[_slots(flags, self.offsets)]
        return np.ascontiguousarray(_from_cells(cells, *self.grid)[: self.shape[0], : self.shape[1]])

    def bits(self, value_bits: int) -> Bits:
        """Exact size: stored·value_bits, 64 bits per 8×8 bitmap, (groups + 1)·32."""
        values = self.values.size * whole(value_bits, "value_bits", 1)
        return Bits(values, self.bitmaps.size * CELL * CELL, self.offsets.size * OFFSET_BITS)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def _offsets(counts: Array) -> Array:
    return np.concatenate([[0], np.cumsum(-(-counts // PAD) * PAD)])


def _slots(flags: Array, offsets: Array) -> Array:
    """Position in the values of every set bit, in order."""
    counts = flags.sum(axis=(1, 2))
    return np.arange(int(counts.sum())) + np.repeat(offsets[:-1] - (np.cumsum(counts) - counts), counts)


def encode_spinfer(w: object, place: str = "weights") -> SpInferTensor:
    """Encode a matrix in TCA-BME; a ragged edge is padded with zeros. Nothing is lost (``-0.0`` returns as ``0.0``).

    Raises:
        InputError: not a matrix, or NaN.
    """
    array = matrix(w, place)
    cells = _to_cells(np.pad(array, [(0, -length % GROUP) for length in array.shape]))
    flags = cells != 0
    bitmaps = np.packbits(flags, axis=2, bitorder="little").view("<u8").astype(np.uint64)[..., 0]
    offsets = _offsets(flags.sum(axis=(1, 2)))
    values = np.zeros(int(offsets[-1]), array.dtype)
    values[_slots(flags, offsets)] = cells[flags]
    return SpInferTensor(values, bitmaps, offsets, array.shape)
