"""Reference of attention: the specification of the values, with no time in it. FP32, each operation rounded once:

    of each block of tokens, with m = -∞, l = 0 and acc = 0 before the first:
    s[t] = s[t] + q[c] · K[t, c]         from +0, channel by channel, kept keys only; the product is exact
    z[t] = s[t] · scale
    m'   = the largest of m and all z[t], of equal ones the first
    a    = 2^(m - m')                    2^x as `exponential` has it
    p[t] = 2^(z[t] - m') rounded to FP16
    l    = l · a, then l + p[t] token by token
    acc[c] = acc[c] · a, then acc[c] + p[t] · V[t, c] token by token, kept values only; the product is exact
    at the end: r = (1 / l) · w, o[c] = acc[c] · r rounded to FP16

The weights that are summed are the rounded ones that values are multiplied with, so that they add up to 1. What is not
kept is not added; kept zeros are, which changes nothing but the sign of a zero. No number of registers or multipliers
changes a bit. Inputs are finite, so nothing is ever NaN or infinite: |s| < 2^42, 1 <= l.

INT8 keys and values have one scale each for the whole query. They are exact in FP32: K and V above are the whole
numbers times 2^-24 (`query.UNIT`), and products with FP16 are exact. A factor on all keys is one on all scores, so that
of the keys is part of ``scale``; that of the values is ``w``; both with 2^24 in them, each rounded to FP32 once. So all
that INT8 adds in roundings is that of ``w`` and of the product with it. For FP16, w is 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.bitmap_decoder.attention.exponential import Floats, exp2
from hwsim.bitmap_decoder.attention.query import UNIT, Block, Halves, Query
from hwsim.bitmap_decoder.format import Bools, Elements
from hwsim.floats import FP16, round_to, to_float32


@dataclass(frozen=True, kw_only=True, eq=False)
class Attended:
    """What leaves for one query.

    Attributes:
        output: (channels,) uint16 bit patterns of FP16.
        maximum: largest scaled score, in powers of two.
        total: sum of the weights relative to the maximum; with it, parts of a sequence can be joined.
    """

    output: Halves
    maximum: np.float32
    total: np.float32


def attend(query: Query) -> Attended:
    """The attention output of one query."""
    q, m, total = to_float32(query.query, FP16), np.float32(-np.inf), np.float32(0)
    acc = np.zeros(query.config.channels, np.float32)
    for block in query.blocks:
        z = scores(q, block) * query.factor
        before, m = m, np.float32(max(m, *z))  # the first of equal ones: of two zeros, too
        weights = round_to(FP16, exp2(np.append(before, z) - m)[1:])
        p, decay = to_float32(weights, FP16), exp2(np.atleast_1d(before - m))[0]
        total = np.float32(total * decay)
        for weight in p:
            total = np.float32(total + weight)
        acc = _scattered(acc * decay, p, operands(block.values), block.masks[1])
    output = round_to(FP16, acc * (np.float32(1) / total * query.value_factor)).astype(np.uint16)
    return Attended(output=output, maximum=m, total=total)


def attend_all(queries: Sequence[Query]) -> list[Attended]:
    """Of each query."""
    return [attend(query) for query in queries]


def scores(q: Floats, block: Block) -> Floats:
    """(tokens,) sums of products of a query (channels,) with a block's keys."""
    keys = operands(block.keys).T
    return _scattered(np.zeros(block.tokens, np.float32), q, keys, block.masks[0].T)


def operands(elements: Elements) -> Floats:
    """Keys or values as the multipliers take them, exactly: FP16 patterns (uint16), or INT8 in units of 2^-24."""
    if elements.dtype == np.int8:
        return elements.astype(np.float32) * np.float32(UNIT["int8"])
    return to_float32(elements, FP16)


def _scattered(sums: Floats, factors: Floats, rows: npt.NDArray[np.float32], kept: Bools) -> Floats:
    """Sums (n,) to which each factor times its row (n,) is added in turn, where kept."""
    for factor, row, mask in zip(factors, rows, kept, strict=True):
        sums = np.where(mask, sums + factor * row, sums)
    return sums
