"""The formats side by side: measured on random masks, by their arithmetic over the density, and break-even points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.patterns import checked_shape, random_mask
from hwsim.sparsity.registry import FORMATS, NM_RATIOS, Format
from hwsim.sparsity.size import Array, Bits, whole


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
    """Sizes of all formats on actual random masks, each at every density; N:M at their own density only.

    Unstructured formats share one mask per density; blocks, groups and constant fan-in have masks of their structure.

    Args:
        densities: fractions of non-zeros, 0 to 1.
        value_bits: bits of one value.
        shape: (K, N) of the weights, not empty.
        seed: of the random masks; equal arguments give equal rows.

    Raises:
        InputError: a density outside 0..1, value_bits below 1, or an empty shape.
    """
    shape_ = _checked_matrix(shape)
    whole(value_bits, "value_bits", 1)
    whole(seed, "formats seed", 0)
    rows = []
    for k, density in enumerate(densities):
        shared = random_mask(shape_, density, [seed, k], "formats")
        for one in density_formats():
            mask = one.draw(shape_, density, [seed, k]) if one.structured else shared
            rows.append(_row(one.name, mask, value_bits))
    for ratio in NM_RATIOS:
        mask = FORMATS[str(ratio)].draw(shape_, ratio.density, [seed, ratio.n, ratio.m])
        rows.append(_row(str(ratio), mask, value_bits))
    return rows


def density_formats() -> list[Format]:
    """The formats that hold any density: all but the N:M ratios."""
    return [one for one in FORMATS.values() if one.largest == 1]


def break_even(name: str, against: str, value_bits: int, shape: tuple[int, int] = (1024, 1024)) -> float:
    """Largest density up to which the format takes no more bits than another, by the arithmetic of both.

    Found by halving over the number of non-zeros: the difference of two formats grows with the density, or the answer
    is 0 (never) or 1 (always).

    Raises:
        InputError: an empty shape or value_bits below 1.
    """
    shape_ = _checked_matrix(shape)
    whole(value_bits, "value_bits", 1)
    elements = prod(shape_)

    def pays(count: int) -> bool:
        density = count / elements
        ours, other = (FORMATS[one].bits_per_element(shape_, density, value_bits) for one in (name, against))
        return ours <= other

    low, high = 0, elements + 1  # pays(low) holds or is the answer 0; pays(high) does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if pays(middle) else (low, middle)
    return low / elements


def curve(name: str, densities: Array, value_bits: int, shape: tuple[int, int] = (1024, 1024)) -> Array:
    """Expected bytes per element of the dense matrix at each density."""
    shape_ = _checked_matrix(shape)
    return np.array([FORMATS[name].bits_per_element(shape_, float(d), value_bits) / 8 for d in densities])


def _checked_matrix(shape: object) -> tuple[int, int]:
    lengths = checked_shape(shape, "formats")
    if len(lengths) != 2 or 0 in lengths:
        raise InputError("formats shape", "(K, N), not empty", shape)
    return lengths[0], lengths[1]
