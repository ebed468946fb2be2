"""One format at one sparsity: what it measures on a random pattern beside what its arithmetic says."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.mustafar import BitmapFormat, Fractions, Side, kept_channels
from hwsim.sparsity.patterns import checked_shape
from hwsim.sparsity.registry import Format
from hwsim.sparsity.size import Array

_SIDES: tuple[Side, Side] = ("keys", "values")


def kv_pattern(shape: tuple[int, int], kept: int, seed: int) -> Array:
    """(1, tokens, channels) bool: every token keeps ``kept`` channels, all choices alike."""
    tokens, channels = shape
    flags = np.arange(channels) < kept
    return np.random.default_rng(seed).permuted(np.broadcast_to(flags, (1, tokens, channels)), axis=2)


def kv_report(form: BitmapFormat, sparsity: float, shape: tuple[int, int], seed: int) -> dict[str, Any]:
    """Fractions of dense of a pruned cache's keys and values in the bitmap format.

    Args:
        form: the format's parameters.
        sparsity: of every token, 0 to 1.
        shape: (tokens, channels) of one head, multiples of the tile.
        seed: of the pattern.

    Raises:
        InputError: a sparsity or a shape that makes no sense.
    """
    tokens, channels = checked_shape(shape, "formats")
    kept = kept_channels(channels, sparsity)
    dtype = np.float16 if form.value_bits == 16 else np.int8
    pruned = kv_pattern((tokens, channels), kept, seed).astype(dtype)
    codes = {side: form.encode(pruned, side, "formats") for side in _SIDES}
    measured = {side: form.fractions(codes[side]) for side in _SIDES}
    expected = {side: form.expected(kept, channels, side) for side in _SIDES}
    return {
        "density": kept / channels,
        **_plain(_mean(measured)),
        "arithmetic": _plain(_mean(expected)),
        "by_side": {side: _plain(measured[side]) for side in _SIDES},
        "parameters": form.to_mapping(),
    }


def _mean(sides: dict[Side, Fractions]) -> Fractions:
    both = list(sides.values())
    return Fractions(*(sum(getattr(one, part) for one in both) / 2 for part in ("values", "bitmap", "offsets")))


def _plain(one: Fractions) -> dict[str, float]:
    return {"ratio": one.ratio, "values": one.values, "bitmap": one.bitmap, "offsets": one.offsets}


def format_report(form: Format, sparsity: float, value_bits: int, shape: tuple[int, int], seed: int) -> dict[str, Any]:
    """Fractions of dense of one format of the registry, on a mask of the structure that it is made for.

    Raises:
        InputError: a sparsity outside 0..1 or one that the format cannot hold, or an empty shape.
    """
    if not 0 <= sparsity <= 1:
        raise InputError("sparsity", "0 to 1", sparsity)
    if prod(checked_shape(shape, "formats")) == 0:
        raise InputError("formats shape", "(K, N), not empty", shape)
    density = 1 - sparsity
    expected = form.expected(shape, density, value_bits)
    mask = form.draw(shape, density, seed)
    bits = form(shape, mask, value_bits)
    dense = prod(shape) * value_bits
    names = ("values", *form.parts)
    return {
        "density": int(np.count_nonzero(mask)) / mask.size,
        "ratio": bits.total / dense,
        **dict(zip(names, (bits.values / dense, bits.metadata / dense, bits.pointers / dense), strict=True)),
        "arithmetic": {"ratio": sum(expected) / dense,
                       **dict(zip(names, (part / dense for part in expected), strict=True))},
    }  # fmt: skip
