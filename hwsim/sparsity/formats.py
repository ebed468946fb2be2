"""The formats by name, their sizes for a mask or a density, and a table that compares them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Protocol

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.bitmap import encode_bitmap
from hwsim.sparsity.csr import encode_csr, tight_bits
from hwsim.sparsity.nm import encode_nm
from hwsim.sparsity.patterns import checked_density, checked_shape, kept_count, random_mask, random_nm_mask
from hwsim.sparsity.ratio import LARGEST_GROUP, Ratio
from hwsim.sparsity.size import Array, Bits, whole

REDUCTION = 0
"""Axis of a (K, N) weight matrix along which N:M groups lie."""


class SparseTensor(Protocol):
    """What every encoded tensor offers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the decoded tensor."""

    def validate(self, place: str = ...) -> None:
        """Raise InputError when no array has this code."""

    def decode(self) -> Array:
        """The dense array."""

    def bits(self, value_bits: int) -> Bits:
        """Exact size in bits, split by purpose."""

    def size_bits(self, value_bits: int) -> int:
        """Exact total size in bits."""


Pattern = float | Array
"""A density from 0 to 1, or the bool mask of the non-zeros."""
SizeOf = Callable[[tuple[int, int], Pattern, int], Bits]


def _mask_or_count(shape: tuple[int, int], pattern: Pattern, place: str) -> tuple[Array | None, int]:
    """The mask (None for a density) and its number of non-zeros."""
    if len(checked_shape(shape, place)) != 2:
        raise InputError(f"{place} shape", "(K, N)", shape)
    if not isinstance(pattern, np.ndarray):
        return None, kept_count(checked_density(pattern, place), prod(shape))
    if pattern.dtype != bool or pattern.shape != tuple(shape):
        raise InputError(f"{place} mask", f"bool of shape {shape}", f"{pattern.dtype} of shape {pattern.shape}")
    return pattern, int(np.count_nonzero(pattern))


def _dense_size(shape: tuple[int, int], pattern: Pattern, value_bits: int) -> Bits:
    _mask_or_count(shape, pattern, "dense")
    return Bits(prod(shape) * whole(value_bits, "value_bits", 1))


def _nm_size(ratio: Ratio, shape: tuple[int, int], pattern: Pattern, value_bits: int) -> Bits:
    """The size does not depend on the pattern, but the pattern must fit the ratio."""
    mask, _ = _mask_or_count(shape, pattern, str(ratio))
    if mask is not None:
        return encode_nm(mask.astype(np.uint8), ratio, REDUCTION, str(ratio)).bits(value_bits)
    if float(pattern) > ratio.density:
        raise InputError(f"{ratio} density", f"at most {ratio.density}", pattern)
    slots = ratio.groups(shape[0]) * shape[1] * ratio.n
    return Bits(slots * whole(value_bits, "value_bits", 1), slots * ratio.index_bits)


def _bitmap_size(shape: tuple[int, int], pattern: Pattern, value_bits: int, *, tile: int = 64) -> Bits:
    """1×tile bitmaps, no padding and no offsets: for a density the size is exact as well."""
    mask, count = _mask_or_count(shape, pattern, "bitmap")
    if mask is not None:
        return encode_bitmap(mask.astype(np.uint8), (tile,)).bits(value_bits)
    return Bits(count * whole(value_bits, "value_bits", 1), shape[0] * -(-shape[1] // tile) * tile)


def _csr_size(tight: bool, shape: tuple[int, int], pattern: Pattern, value_bits: int) -> Bits:
    """32-bit columns and pointers, or the fewest bits that this matrix needs."""
    mask, count = _mask_or_count(shape, pattern, "csr")
    index_bits, pointer_bits = (tight_bits(max(shape[1] - 1, 0)), tight_bits(count)) if tight else (32, 32)
    if mask is not None:
        return encode_csr(mask.astype(np.uint8), index_bits, pointer_bits).bits(value_bits)
    return Bits(count * whole(value_bits, "value_bits", 1), count * index_bits, (shape[0] + 1) * pointer_bits)


_POWERS = [2**k for k in range(LARGEST_GROUP.bit_length())]
NM_RATIOS = tuple(sorted((Ratio(n, m) for m in _POWERS for n in _POWERS if n < m), reverse=True))
"""Every sparse ratio, densest first."""

FORMATS: dict[str, SizeOf] = {
    "dense": _dense_size,
    "bitmap": _bitmap_size,
    "csr": partial(_csr_size, False),
    "csr-tight": partial(_csr_size, True),
    **{str(ratio): partial(_nm_size, ratio) for ratio in NM_RATIOS},
}
"""name → function (shape (K, N), density or bool mask, value_bits) → ``Bits``. Given a mask, it really encodes it."""


@dataclass(frozen=True)
class FormatRow:
    """One row of the comparison: ``density`` is the mask's own, sizes are exact for it."""

    format: str
    density: float
    bits_per_element: float
    ratio_to_dense: float
    bits: Bits


def _row(name: str, mask: Array, value_bits: int) -> FormatRow:
    bits = FORMATS[name](mask.shape, mask, value_bits)
    per_element = bits.total / mask.size
    return FormatRow(name, int(np.count_nonzero(mask)) / mask.size, per_element, per_element / value_bits, bits)


def formats_table(
    densities: Iterable[float], value_bits: int, shape: tuple[int, int] = (1024, 1024), seed: int = 0
) -> list[FormatRow]:
    """Sizes of all formats on actual random masks: unstructured ones at each density, N:M at their own density only.

    Args:
        densities: fractions of non-zeros, 0 to 1.
        value_bits: bits of one value.
        shape: (K, N) of the weights, not empty.
        seed: of the random masks; equal arguments give equal rows.

    Raises:
        InputError: a density outside 0..1, value_bits below 1, or an empty shape.
    """
    shape_ = checked_shape(shape, "formats")
    if len(shape_) != 2 or 0 in shape_:
        raise InputError("formats shape", "(K, N), not empty", shape)
    whole(value_bits, "value_bits", 1)
    whole(seed, "formats seed", 0)
    rows = []
    for k, density in enumerate(densities):
        mask = random_mask(shape_, density, [seed, k], "formats")
        rows += [_row(name, mask, value_bits) for name in FORMATS if ":" not in name]
    for ratio in NM_RATIOS:
        mask = random_nm_mask(shape_, ratio, REDUCTION, [seed, ratio.n, ratio.m])
        rows.append(_row(str(ratio), mask, value_bits))
    return rows
