"""Tiled-CSL of Flash-LLM (arXiv 2309.10285): tiles of 128×64, each non-zero one word of value and place in its tile."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, Bits, matrix, numeric, whole
from hwsim.sparsity.tiling import checked_tile, from_tiles, grid, to_tiles

SPARE_OFFSETS = 2
"""The released code stores the end of the last tile and one more offset (an empty tile that is prefetched)."""


@dataclass(frozen=True, eq=False)
class TiledCslTensor:
    """A matrix in Tiled-CSL form.

    As in the released code: 16 bits of place whatever the value's width, the items of a tile padded to a multiple of
    4 (one 128-bit load of FP16 items), 32-bit offsets, two more than tiles. Left out, as it does not change the size:
    that code also permutes columns and reorders the items of a tile against bank conflicts.

    Args:
        values: (stored,) tile by tile in row-major order; padding items are 0.
        places: (stored,) int64, row·width + column inside the tile; of padding items that of an element that is 0.
        offsets: (tiles + 1,) int64, where each tile's items begin.
        shape: (rows, columns).
        tile: (height, width).
        pad: items of a tile are padded to a multiple of this.
    """

    values: Array
    places: Array
    offsets: Array
    shape: tuple[int, int]
    tile: tuple[int, int] = (128, 64)
    pad: int = 4
    index_bits: int = 16
    offset_bits: int = 32

    def validate(self, place: str = "Tiled-CSL tensor") -> None:
        """Refuse a tensor that no matrix can have.

        Raises:
            InputError: lengths that differ, offsets that fall, are no multiples of ``pad`` or do not span the items,
                places outside the tile or too wide for ``index_bits``.
        """
        numeric(self.values, f"{place} values")
        tile = checked_tile(self.tile, 2, place)
        whole(self.index_bits, f"{place} index_bits", (prod(tile) - 1).bit_length(), 64)
        if self.values.ndim != 1 or self.places.shape != self.values.shape:
            raise InputError(place, "values and places of one length", f"{self.values.shape} and {self.places.shape}")
        tiles, stored = prod(count for count, _ in grid(self.shape, tile)), len(self.values)
        spans = self.offsets.shape == (tiles + 1,) and (int(self.offsets[0]), int(self.offsets[-1])) == (0, stored)
        if not spans or np.any(np.diff(self.offsets) < 0) or np.any(self.offsets % self.pad):
            wanted = f"{tiles + 1} offsets rising from 0 to {stored} in steps of {self.pad}"
            raise InputError(f"{place} offsets", wanted, self.offsets.tolist())
        if stored and not 0 <= self.places.min() <= self.places.max() < prod(tile):
            raise InputError(f"{place} places", f"0 to {prod(tile) - 1}", int(self.places.max()))

    def decode(self) -> Array:
        """The dense matrix, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        self.validate()
        tiles = np.zeros((len(self.offsets) - 1, prod(self.tile)), self.values.dtype)
        owner = np.repeat(np.arange(len(tiles)), np.diff(self.offsets))
        kept = self.values != 0  # a padding item names an element that is 0: leave it so
        tiles[owner[kept], self.places[kept]] = self.values[kept]
        return from_tiles(tiles, self.shape, self.tile)

    def bits(self, value_bits: int) -> Bits:
        """Exact size: stored·value_bits, stored·index_bits, (tiles + 2)·offset_bits."""
        stored, tiles = self.values.size, len(self.offsets) - 1
        values = stored * whole(value_bits, "value_bits", 1)
        return Bits(values, stored * self.index_bits, (tiles + SPARE_OFFSETS) * self.offset_bits)

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def encode_tiled_csl(w: object, tile: tuple[int, int] = (128, 64), pad: int = 4,
                     place: str = "weights") -> TiledCslTensor:  # fmt: skip
    """Encode a matrix in Tiled-CSL; a ragged edge is padded with zeros. Nothing is lost (``-0.0`` returns as ``0.0``).

    Raises:
        InputError: not a matrix, NaN, or a tile that 16 bits cannot address.
    """
    array = matrix(w, place)
    whole(pad, f"{place} pad", 1)
    tiles = to_tiles(array, checked_tile(tile, 2, place))
    owner, places = np.nonzero(tiles)
    counts = np.bincount(owner, minlength=len(tiles)).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(-(-counts // pad) * pad)])
    # A tile that has padding items has an element that is 0, unless it is full and its size no multiple of pad.
    blank = np.argmin(tiles != 0, axis=1) if len(tiles) else np.zeros(0, np.int64)
    items = np.zeros(int(offsets[-1]), array.dtype)
    spots = np.repeat(blank, np.diff(offsets))
    at = np.arange(len(owner)) + (offsets[:-1] - (np.cumsum(counts) - counts))[owner]
    items[at], spots[at] = tiles[owner, places], places
    code = TiledCslTensor(items, spots, offsets, array.shape, tile, pad)
    code.validate(place)
    return code
