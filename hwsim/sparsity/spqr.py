"""SpQR (arXiv 2306.03078): a dense base of 3-bit weights in 16×16 tiles, and few sparse outliers in full precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.csr import CsrTensor, encode_csr
from hwsim.sparsity.size import Array, Bits, matrix

SIDE, BASE_BITS, ROW_BITS = 16, 3, 64
"""Side of a tile; bits of a base weight, of a row's scale and of its zero point; bits of a row of a tile in all: 16
weights, scale and zero point are 54 of them, the rest holds the tile's share of the statistics."""


@dataclass(frozen=True, eq=False)
class SpqrTensor:
    """A matrix as base plus outliers: element = scale·(code - zero) + outlier.

    Scale and zero point of a tile's row are themselves 3-bit codes, dequantised the same way by four numbers a tile.
    What is *sparse* here are the outliers: at most some per cent of all weights; the others are not zero but 3 bits
    wide. So compare it with the other formats at the density of its outliers, and remember the base.

    Args:
        codes: (rows, columns) uint8, 0 to 7, rows and columns those of whole tiles.
        scales: (tile rows · 16, tile columns) uint8, 0 to 7: first-order scale of each row of each tile.
        zeros: the same for the zero points.
        statistics: (tile rows, tile columns, 4) float16: scale and zero point of the scales, then of the zeros.
        outliers: in CSR; index and value fill a 32-bit word when values have 16 bits.
        shape: (rows, columns) of the matrix.
    """

    codes: Array
    scales: Array
    zeros: Array
    statistics: Array
    outliers: CsrTensor
    shape: tuple[int, int]

    def validate(self, place: str = "SpQR tensor") -> None:
        """Refuse a tensor that no matrix can have.

        Raises:
            InputError: shapes that disagree, codes above 7, statistics that are not finite, or bad outliers.
        """
        down, across = (-(-length // SIDE) for length in self.shape)
        wanted = {"codes": (down * SIDE, across * SIDE), "scales": (down * SIDE, across),
                  "zeros": (down * SIDE, across), "statistics": (down, across, 4)}  # fmt: skip
        for name, shape in wanted.items():
            part = getattr(self, name)
            if part.shape != shape:
                raise InputError(f"{place} {name}", f"shape {shape}", f"shape {part.shape}")
            if name != "statistics" and (part.dtype != np.uint8 or np.any(part >= 1 << BASE_BITS)):
                raise InputError(f"{place} {name}", "uint8 from 0 to 7", f"{part.dtype} up to {part.max(initial=0)}")
        if not np.all(np.isfinite(self.statistics)):
            raise InputError(f"{place} statistics", "finite numbers", "others")
        if self.outliers.shape != self.shape:
            raise InputError(f"{place} outliers", f"shape {self.shape}", f"shape {self.outliers.shape}")
        self.outliers.validate(f"{place} outliers")

    def base(self) -> Array:
        """The dense base, float32, of ``shape``."""
        each = np.repeat(self.statistics.astype(np.float32), SIDE, axis=0)
        scales = each[..., 0] * (self.scales - each[..., 1])
        zeros = each[..., 2] * (self.zeros - each[..., 3])
        full = np.repeat(scales, SIDE, axis=1) * (self.codes - np.repeat(zeros, SIDE, axis=1))
        return full[: self.shape[0], : self.shape[1]]

    def decode(self) -> Array:
        """Base plus outliers, of ``shape`` and the outliers' dtype. Raises InputError as ``validate``."""
        self.validate()
        outliers = self.outliers.decode()
        return outliers if not self.codes.any() else (self.base() + outliers).astype(outliers.dtype)

    def bits(self, value_bits: int) -> Bits:
        """Exact size: 64 bits per row of a tile and the outliers' values, their indices, their row pointers."""
        sparse = self.outliers.bits(value_bits)
        return Bits(self.codes.size // SIDE * ROW_BITS + sparse.values, sparse.metadata, sparse.pointers)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def encode_spqr(outliers: object, codes: Array | None = None, scales: Array | None = None, zeros: Array | None = None,
                statistics: Array | None = None, place: str = "weights") -> SpqrTensor:  # fmt: skip
    """Store a matrix of outliers over a base that is already quantised (a base of zeros when not given).

    How the base is found (by GPTQ, with statistics of the activations) is not the format's business.

    Raises:
        InputError: not a matrix, NaN, more than 65,536 columns, or a base that `SpqrTensor.validate` refuses.
    """
    array = matrix(outliers, place)
    down, across = (-(-length // SIDE) for length in array.shape)
    code = SpqrTensor(
        np.zeros((down * SIDE, across * SIDE), np.uint8) if codes is None else codes,
        np.zeros((down * SIDE, across), np.uint8) if scales is None else scales,
        np.zeros((down * SIDE, across), np.uint8) if zeros is None else zeros,
        np.zeros((down, across, 4), np.float16) if statistics is None else statistics,
        encode_csr(array, 16, 32, place), array.shape,
    )  # fmt: skip
    code.validate(place)
    return code
