"""What each format must cost at a density: (values, metadata, pointers) in bits, expected over the masks it is for.

Unstructured masks have exactly ``round(density · elements)`` non-zeros, all positions alike; structured ones keep that
share of their blocks, groups or inputs. Formats without padding cost the same for each such mask, so for them the
expectation is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from hwsim.sparsity.block import quantisation_bits
from hwsim.sparsity.expect import block_tiles, filler_count, line_tiles, padded_tiles
from hwsim.sparsity.patterns import kept_count
from hwsim.sparsity.ratio import Ratio
from hwsim.sparsity.spinfer import CELL, GROUP, OFFSET_BITS, PAD
from hwsim.sparsity.spqr import ROW_BITS, SIDE
from hwsim.sparsity.tiled_csl import SPARE_OFFSETS

Shape = tuple[int, int]
Parts = tuple[float, float, float]
"""Values, metadata, pointers; bits."""
Arithmetic = Callable[[Shape, float, int], Parts]


def _count(shape: Shape, density: float) -> int:
    return kept_count(density, prod(shape))


def dense(shape: Shape, density: float, value_bits: int) -> Parts:
    """Every element, whatever the density."""
    return prod(shape) * value_bits, 0, 0


def nm(ratio: Ratio, shape: Shape, density: float, value_bits: int) -> Parts:
    """N slots of value and index for each group of M along K, whatever is in them."""
    slots = ratio.groups(shape[0]) * shape[1] * ratio.n
    return slots * value_bits, slots * ratio.index_bits, 0


def bitmap(tile: int, pad: int, offset_bits: int, shape: Shape, density: float, value_bits: int) -> Parts:
    """1×tile bitmaps, each tile's values padded to a multiple of ``pad``."""
    tiles = shape[0] * -(-shape[1] // tile)
    stored = padded_tiles(prod(shape), _count(shape, density), line_tiles(shape, tile), pad)
    return stored * value_bits, tiles * tile, tiles * offset_bits


def spinfer(shape: Shape, density: float, value_bits: int) -> Parts:
    """64×64 groups of 8×8 bitmaps."""
    tiles = block_tiles(shape, (GROUP, GROUP))
    groups = sum(count for count, _ in tiles)
    stored = padded_tiles(prod(shape), _count(shape, density), tiles, PAD)
    return stored * value_bits, groups * (GROUP // CELL) ** 2 * CELL * CELL, (groups + 1) * OFFSET_BITS


def csr(tight: bool, shape: Shape, density: float, value_bits: int) -> Parts:
    """32-bit columns and pointers, or the fewest bits that this matrix needs."""
    count = _count(shape, density)
    index_bits, pointer_bits = (max(shape[1] - 1, 0).bit_length(), count.bit_length()) if tight else (32, 32)
    return count * value_bits, count * index_bits, (shape[0] + 1) * pointer_bits


def csc(shape: Shape, density: float, value_bits: int) -> Parts:
    """CSR of the transpose."""
    return csr(False, (shape[1], shape[0]), density, value_bits)


def coo(shape: Shape, density: float, value_bits: int) -> Parts:
    """Two 32-bit coordinates."""
    count = _count(shape, density)
    return count * value_bits, count * 64, 0


def run_length(shape: Shape, density: float, value_bits: int) -> Parts:
    """4-bit runs, with fillers where 16 zeros or more come before a non-zero of the row."""
    count = _count(shape, density)
    stored = count + filler_count(shape, count, 16)
    return stored * value_bits, stored * 4, (shape[0] + 1) * 32


def tiled_csl(shape: Shape, density: float, value_bits: int) -> Parts:
    """128×64 tiles, items padded to 4."""
    tiles = block_tiles(shape, (128, 64))
    stored = padded_tiles(prod(shape), _count(shape, density), tiles, 4)
    return stored * value_bits, stored * 16, (sum(count for count, _ in tiles) + SPARE_OFFSETS) * 32


def spqr(shape: Shape, density: float, value_bits: int) -> Parts:
    """64 bits per row of each 16×16 tile, and the outliers of that density."""
    base = -(-shape[0] // SIDE) * SIDE * -(-shape[1] // SIDE) * ROW_BITS
    count = _count(shape, density)
    return base + count * value_bits, count * 16, (shape[0] + 1) * 32


def block(size: Shape, index_bits: int, scale_bits: int, shape: Shape, density: float, value_bits: int) -> Parts:
    """That share of the blocks, each stored whole."""
    down, across = (-(-length // side) for length, side in zip(shape, size, strict=True))
    kept = kept_count(density, down * across)
    values = kept * (prod(size) * value_bits + quantisation_bits(scale_bits, value_bits))
    return values, kept * index_bits, (down + 1) * 32


def condensed(shape: Shape, density: float, value_bits: int) -> Parts:
    """That share of each neuron's inputs, with 16-bit indices, and a bit per neuron."""
    slots = kept_count(density, shape[0]) * shape[1]
    return slots * value_bits, slots * 16 + shape[1], 0
