"""The one registry of formats: what each is, how it encodes, what it must cost, and the masks it is meant for.

``FORMATS[name](shape, pattern, value_bits)`` is the size for a mask (which is really encoded) or for a density (by the
format's own arithmetic, see `hwsim.sparsity.arithmetic`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Protocol

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity import arithmetic
from hwsim.sparsity.bitmap import encode_bitmap
from hwsim.sparsity.block import encode_block, encode_gqsa
from hwsim.sparsity.condensed import encode_condensed
from hwsim.sparsity.coo import encode_coo
from hwsim.sparsity.csc import encode_csc
from hwsim.sparsity.csr import encode_csr
from hwsim.sparsity.dense import encode_dense
from hwsim.sparsity.nm import encode_nm
from hwsim.sparsity.patterns import (
    checked_density,
    checked_shape,
    random_block_mask,
    random_fan_in_mask,
    random_mask,
    random_nm_mask,
)
from hwsim.sparsity.ratio import LARGEST_GROUP, Ratio
from hwsim.sparsity.run_length import encode_run_length
from hwsim.sparsity.size import Array, Bits, whole
from hwsim.sparsity.spinfer import encode_spinfer
from hwsim.sparsity.spqr import encode_spqr
from hwsim.sparsity.tiled_csl import encode_tiled_csl

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
Draw = Callable[[tuple[int, int], float, "int | list[int]"], Array]
"""(shape, density, seed) → bool mask."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format of a (K, N) matrix.

    Args:
        name: short, as typed on the command line.
        title: what it is, for tables.
        source: where it is defined.
        encode: matrix → encoded tensor; ``encode(w).decode()`` equals w.
        cost: (shape, density, value_bits) → expected bits over the masks that ``draw`` draws.
        draw: masks of the structure that the format is made for.
        parts: what its metadata and its pointers are called.
        structured: whether ``draw`` is other than all positions alike.
        largest: largest density that it can hold.
    """

    name: str
    title: str
    source: str
    encode: Callable[[Array], SparseTensor]
    cost: arithmetic.Arithmetic
    draw: Draw = random_mask
    parts: tuple[str, str] = ("metadata", "pointers")
    structured: bool = False
    largest: float = 1.0

    def __call__(self, shape: tuple[int, int], pattern: Pattern, value_bits: int) -> Bits:
        """Size in bits: exact for a mask, expected (rounded to whole bits) for a density.

        Raises:
            InputError: shape, mask, density or value_bits that make no sense, or a pattern that does not fit.
        """
        if len(checked_shape(shape, self.name)) != 2:
            raise InputError(f"{self.name} shape", "(K, N)", shape)
        whole(value_bits, "value_bits", 1)
        if not isinstance(pattern, np.ndarray):
            values, metadata, pointers = self.expected(shape, pattern, value_bits)
            return Bits(round(values), round(metadata), round(pointers))
        if pattern.dtype != bool or pattern.shape != tuple(shape):
            given = f"{pattern.dtype} of shape {pattern.shape}"
            raise InputError(f"{self.name} mask", f"bool of shape {shape}", given)
        return self.encode(pattern.astype(np.uint8)).bits(value_bits)

    def expected(self, shape: tuple[int, int], density: float, value_bits: int) -> arithmetic.Parts:
        """(values, metadata, pointers) in bits, not rounded. InputError for a density that it cannot hold."""
        if checked_density(density, self.name) > self.largest:
            raise InputError(f"{self.name} density", f"at most {self.largest}", density)
        return self.cost(shape, float(density), value_bits)

    def bits_per_element(self, shape: tuple[int, int], density: float, value_bits: int) -> float:
        """Expected bits of one element of the dense matrix."""
        return sum(self.expected(shape, density, value_bits)) / prod(shape)


_POWERS = [2**k for k in range(LARGEST_GROUP.bit_length())]
NM_RATIOS = tuple(sorted((Ratio(n, m) for m in _POWERS for n in _POWERS if n < m), reverse=True))
"""Every sparse ratio, densest first."""


def _nm(ratio: Ratio) -> Format:
    def draw(shape: tuple[int, int], density: float, seed: int | list[int]) -> Array:
        return random_nm_mask(shape, ratio, REDUCTION, seed)

    return Format(
        name=str(ratio), title=f"{ratio} along K", source="arXiv 2102.04010",
        encode=partial(_encode_nm, ratio), cost=partial(arithmetic.nm, ratio), draw=draw,
        parts=("indices", "pointers"), structured=True, largest=ratio.density,
    )  # fmt: skip


def _encode_nm(ratio: Ratio, w: Array) -> SparseTensor:
    return encode_nm(w, ratio, REDUCTION, str(ratio))


BLOCK, GROUP = (16, 16), 16
"""Blocks of ``bcsr``; width of the groups of ``gqsa``."""
_UNSTRUCTURED = (
    Format(name="dense", title="every element", source="baseline", encode=encode_dense, cost=arithmetic.dense),
    Format(name="bitmap", title="bitmap 1×64, unpadded", source="popcounts for offsets", encode=encode_bitmap,
           cost=partial(arithmetic.bitmap, 64, 1, 0), parts=("bitmap", "offsets")),
    Format(name="mustafar", title="bitmap 1×64, padded to 8, offsets", source="arXiv 2505.22913",
           encode=partial(encode_bitmap, tile=(64,), pad=8, offset_bits=32),
           cost=partial(arithmetic.bitmap, 64, 8, 32), parts=("bitmap", "offsets")),
    Format(name="spinfer", title="bitmap 8×8 (TCA-BME)", source="SpInfer, EuroSys 2025", encode=encode_spinfer,
           cost=arithmetic.spinfer, parts=("bitmap", "offsets")),
    Format(name="csr", title="rows, 32-bit", source="Saad, SPARSKIT", encode=encode_csr,
           cost=partial(arithmetic.csr, False), parts=("columns", "pointers")),
    Format(name="csr-tight", title="rows, fewest bits", source="as csr",
           encode=partial(encode_csr, index_bits=None, pointer_bits=None),
           cost=partial(arithmetic.csr, True), parts=("columns", "pointers")),
    Format(name="csc", title="columns, 32-bit", source="Saad, SPARSKIT", encode=encode_csc,
           cost=arithmetic.csc, parts=("rows", "pointers")),
    Format(name="coo", title="coordinates, 2×32-bit", source="Saad, SPARSKIT", encode=encode_coo,
           cost=arithmetic.coo, parts=("coordinates", "pointers")),
    Format(name="run-length", title="4-bit runs of zeros", source="EIE, arXiv 1602.01528", encode=encode_run_length,
           cost=arithmetic.run_length, parts=("runs", "pointers")),
    Format(name="tiled-csl", title="128×64 tiles, 16-bit places", source="Flash-LLM, arXiv 2309.10285",
           encode=encode_tiled_csl, cost=arithmetic.tiled_csl, parts=("places", "offsets")),
    Format(name="spqr", title="3-bit base and CSR outliers", source="SpQR, arXiv 2306.03078", encode=encode_spqr,
           cost=arithmetic.spqr, parts=("columns", "pointers")),
)  # fmt: skip
_STRUCTURED = (
    Format(name="bcsr", title="16×16 blocks", source="Saad, SPARSKIT", encode=partial(encode_block, block=BLOCK),
           cost=partial(arithmetic.block, BLOCK, 32, 0), draw=partial(random_block_mask, BLOCK),
           parts=("columns", "pointers"), structured=True),
    Format(name="gqsa", title="1×16 groups with scales", source="GQSA, arXiv 2412.17560", encode=encode_gqsa,
           cost=partial(arithmetic.block, (1, GROUP), 16, 16), draw=partial(random_block_mask, (1, GROUP)),
           parts=("columns", "pointers"), structured=True),
    Format(name="condensed", title="constant fan-in", source="SRigL, arXiv 2305.02299", encode=encode_condensed,
           cost=arithmetic.condensed, draw=random_fan_in_mask, parts=("inputs", "pointers"), structured=True),
)  # fmt: skip

FORMATS: dict[str, Format] = {one.name: one for one in (*_UNSTRUCTURED, *_STRUCTURED, *map(_nm, NM_RATIOS))}
"""By name; the N:M ratios last, densest first."""


def format_of(name: str, place: str = "format") -> Format:
    """The format of that name; InputError that lists all otherwise."""
    if name not in FORMATS:
        raise InputError(place, f"one of {', '.join(FORMATS)}", name)
    return FORMATS[name]


