"""Random sparsity patterns, seeded: for shapes that come without weights."""

from __future__ import annotations

from math import prod

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import Ratio
from hwsim.sparsity.size import Array, whole

Seed = int | list[int] | np.random.Generator


def checked_density(density: object, place: str) -> float:
    """``density`` as a float; InputError unless it is a number from 0 to 1."""
    number = isinstance(density, (int, float, np.integer, np.floating)) and not isinstance(density, bool)
    if not number or not 0 <= float(density) <= 1:  # type: ignore[arg-type]
        raise InputError(f"{place} density", "a number from 0 to 1", density)
    return float(density)  # type: ignore[arg-type]


def checked_shape(shape: object, place: str) -> tuple[int, ...]:
    """``shape`` as a tuple of ints >= 0 with at least one axis; InputError otherwise."""
    if not isinstance(shape, (tuple, list)) or not shape:
        raise InputError(f"{place} shape", "one or more axis lengths", shape)
    return tuple(whole(length, f"{place} shape", 0) for length in shape)


def kept_count(density: float, elements: int) -> int:
    """Elements kept at a density: the nearest whole number, halves to even."""
    return round(density * elements)


def random_mask(shape: tuple[int, ...], density: float, seed: Seed, place: str = "mask") -> Array:
    """Bool array with exactly ``round(density * elements)`` True, all positions equally likely.

    Raises:
        InputError: a density outside 0..1 or a bad shape.
    """
    shape = checked_shape(shape, place)
    flat = np.arange(prod(shape)) < kept_count(checked_density(density, place), prod(shape))
    return np.random.default_rng(seed).permutation(flat).reshape(shape)


def random_nm_mask(shape: tuple[int, ...], ratio: Ratio, axis: int, seed: Seed, place: str = "mask") -> Array:
    """Bool array with exactly n of every m neighbours True along ``axis`` (min(n, r) of a ragged end of r).

    All choices of a group are equally likely and groups are independent.
    """
    scores = np.random.default_rng(seed).random(checked_shape(shape, place))
    return nm_mask(scores, ratio, axis, place)


def random_block_mask(block: tuple[int, int], shape: tuple[int, int], density: float, seed: Seed,
                      place: str = "mask") -> Array:  # fmt: skip
    """Bool matrix with ``round(density * blocks)`` blocks True, all blocks equally likely; ragged ones are cut off."""
    rows, columns = checked_shape(shape, place)
    cells = random_mask((-(-rows // block[0]), -(-columns // block[1])), density, seed, place)
    return np.repeat(np.repeat(cells, block[0], axis=0), block[1], axis=1)[:rows, :columns]


def random_fan_in_mask(shape: tuple[int, int], density: float, seed: Seed, place: str = "mask") -> Array:
    """Bool (K, N) matrix with ``round(density * K)`` True in every column, all choices equally likely."""
    k, n = checked_shape(shape, place)
    column = np.arange(k) < kept_count(checked_density(density, place), k)
    return np.random.default_rng(seed).permuted(np.repeat(column[:, None], n, axis=1), axis=0)
