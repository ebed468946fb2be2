"""Blocks kept or dropped as a whole: block CSR, and the 1×16 groups of GQSA with scales of their own."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, Bits, matrix, numeric, whole
from hwsim.sparsity.tiling import checked_tile, from_tiles, grid, to_tiles


@dataclass(frozen=True, eq=False)
class BlockTensor:
    """A matrix in block CSR form: of every block with a non-zero, all elements.

    GQSA (arXiv 2412.17560) is this with 1×16 blocks along the reduction, quantised values and, per group, an FP16
    scale and a zero point as wide as a value. Its text names the block-sparse-row form but no widths: 16-bit indices
    and 32-bit pointers are our choice. Values of 16 bits and more are not quantised and have no scale.

    Args:
        values: (blocks stored, elements of a block), blocks in row-major order.
        columns: (blocks stored,) int64, block columns, ascending inside a block row.
        pointers: (block rows + 1,) int64, where each block row begins.
        shape: (rows, columns).
        block: (height, width).
        index_bits: bits of one block column.
        pointer_bits: bits of one pointer.
        scale_bits: bits of one block's scale when values are narrower than 16 bits, with a zero point beside it;
            0 for neither.
    """

    values: Array
    columns: Array
    pointers: Array
    shape: tuple[int, int]
    block: tuple[int, int]
    index_bits: int = 32
    pointer_bits: int = 32
    scale_bits: int = 0

    def validate(self, place: str = "block tensor") -> None:
        """Refuse a tensor that no matrix can have.

        Raises:
            InputError: shapes that disagree, pointers that fall or do not span the blocks, columns out of range or not
                ascending in a block row, widths too small for them.
        """
        numeric(self.values, f"{place} values")
        (rows, _), (across, _) = grid(self.shape, checked_tile(self.block, 2, place))
        stored = len(self.columns)
        if self.values.shape != (stored, prod(self.block)):
            raise InputError(f"{place} values", f"shape {(stored, prod(self.block))}", f"shape {self.values.shape}")
        ends = self.pointers.shape == (rows + 1,) and (int(self.pointers[0]), int(self.pointers[-1]))
        if ends != (0, stored) or np.any(np.diff(self.pointers) < 0):
            raise InputError(f"{place} pointers", f"{rows + 1} rising from 0 to {stored}", self.pointers.tolist())
        if np.any((self.columns < 0) | (self.columns >= across)):
            raise InputError(f"{place} columns", f"0 to {across - 1}", self.columns.tolist())
        if np.any(np.diff(self._block_rows() * across + self.columns) <= 0):
            raise InputError(f"{place} columns", "columns ascending inside a block row", self.columns.tolist())
        whole(self.index_bits, f"{place} index_bits", max(across - 1, 0).bit_length(), 64)
        whole(self.pointer_bits, f"{place} pointer_bits", stored.bit_length(), 64)

    def _block_rows(self) -> Array:
        return np.repeat(np.arange(len(self.pointers) - 1), np.diff(self.pointers))

    def decode(self) -> Array:
        """The dense matrix, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        self.validate()
        (rows, _), (across, _) = grid(self.shape, self.block)
        tiles = np.zeros((rows * across, prod(self.block)), self.values.dtype)
        tiles[self._block_rows() * across + self.columns] = self.values
        return from_tiles(tiles, self.shape, self.block)

    def bits(self, value_bits: int) -> Bits:
        """Exact size: blocks·(elements·value_bits + scale and zero point), blocks·index_bits, pointers·pointer_bits."""
        whole(value_bits, "value_bits", 1)
        blocks = len(self.columns)
        side = quantisation_bits(self.scale_bits, value_bits)
        values = self.values.size * value_bits + blocks * side
        return Bits(values, blocks * self.index_bits, self.pointers.size * self.pointer_bits)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def quantisation_bits(scale_bits: int, value_bits: int) -> int:
    """Bits that a block stores besides its values: scale and zero point, when values are narrower than 16 bits."""
    return scale_bits + value_bits if scale_bits and value_bits < 16 else 0


def encode_block(w: object, block: tuple[int, int] = (16, 16), index_bits: int = 32, pointer_bits: int = 32,
                 scale_bits: int = 0, place: str = "weights") -> BlockTensor:  # fmt: skip
    """Encode a matrix by blocks; a ragged edge is padded with zeros, blocks of zeros are dropped. Nothing is lost.

    Raises:
        InputError: not a matrix, NaN, or a width too small for this matrix.
    """
    array = matrix(w, place)
    if len(checked_tile(block, 2, place)) != 2:
        raise InputError(f"{place} block", "(height, width)", block)
    (rows, _), (across, _) = grid(array.shape, block)
    tiles = to_tiles(array, block)
    kept = np.flatnonzero(np.any(tiles != 0, axis=1))
    per_row = np.bincount(kept // max(across, 1), minlength=rows)[:rows]
    pointers = np.concatenate([[0], np.cumsum(per_row)]).astype(np.int64)
    code = BlockTensor(tiles[kept], kept % max(across, 1), pointers, array.shape, block, index_bits, pointer_bits,
                       scale_bits)  # fmt: skip
    code.validate(place)
    return code


def encode_gqsa(w: object, group: int = 16, place: str = "weights") -> BlockTensor:
    """Encode a matrix (rows = outputs) in GQSA groups of 1×group along the rows; errors as `encode_block`."""
    return encode_block(w, (1, whole(group, f"{place} group", 1)), 16, 32, 16, place)
