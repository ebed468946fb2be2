"""Products of a vector with INT4 weights that have a scale for each group, dequantised on the way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import triton
import triton.language as tl

from hwsim.dsp_chain.dequant.tensor import Packed
from hwsim.errors import InputError
from hwsim.gpu.kernels.launch import Launch, Prepared, matching, operand, result, sums, upload
from hwsim.sparsity.size import Array

WIDTH = 4


@triton.jit
def nearest_even(product: tl.tensor, shift: tl.tensor) -> tl.tensor:
    """``product / 2^shift`` to the nearest integer, ties to even, saturated to INT8, in integers."""
    whole = product >> shift
    rest, half = (product - (whole << shift)) * 2, 1 << shift
    up = (rest > half) | ((rest == half) & ((whole & 1) == 1))
    return tl.minimum(tl.maximum(whole + up.to(tl.int32), -128), 127)


@triton.jit
def int4_kernel(words: tl.tensor, multipliers: tl.tensor, shifts: tl.tensor, x: tl.tensor, y: tl.tensor, M: tl.tensor,
                K: tl.tensor, GROUP: tl.constexpr, ROUND: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr,
                SUM: tl.constexpr) -> None:  # fmt: skip
    """``y[M] = A[M, K] @ x[K]``; weight i stands in nibble i of the words, low nibble first."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    total = tl.zeros((BM,), SUM)
    for start in range(0, K, BK):
        ranks = start + tl.arange(0, BK)
        inside = (rows[:, None] < M) & (ranks[None, :] < K)
        at = rows[:, None] * K + ranks[None, :]
        nibble = (tl.load(words + at // 2, inside, 0).to(tl.int32) >> (at % 2 * 4)) & 15
        product = ((nibble ^ 8) - 8) * tl.load(multipliers + at // GROUP, inside, 0)
        shift = tl.load(shifts + at // GROUP, inside, 0)
        if ROUND:
            weight = nearest_even(product, shift).to(SUM)
        else:
            weight = product.to(SUM) / (1 << shift).to(SUM)
        total += tl.sum(weight * tl.load(x + ranks, ranks < K, 0).to(SUM)[None, :], axis=1)
    tl.store(y + rows, total, rows < M)


def int4_gemv(tensors: Sequence[Packed], x: Array, dtype: str = "float16", rounded: bool = True) -> Prepared:
    """``y[M] = A[M, K] @ x[K]`` with INT4 weights.

    Args:
        tensors: the rows of A one after the other, as `hwsim.dsp_chain.dequant` packs them; all of one configuration,
            whole rows and whole words each.
        x: (K,).
        dtype: of x, a name of `DTYPES`; y is FP32 or INT32.
        rounded: scaled weights are rounded to INT8, as the accelerator does; False: they stay real, and x is float.

    Raises:
        InputError: weights of another width, parts that are no whole rows or words, groups that straddle rows.
    """
    matching(x.size, x, "x")
    first, k = tensors[0], x.size
    for one in tensors:
        if one.width != WIDTH or one.config != first.config:
            raise InputError("weights", f"{WIDTH} bits, one configuration", f"{one.width} bits")
        if one.weights % k or one.weights * WIDTH % one.config.word or k % one.config.group:
            wanted = f"whole rows of {k} in whole groups of {one.config.group} and words of {one.config.word} bits"
            raise InputError("weights", wanted, f"{one.weights} weights")
    if dtype == "int8" and not rounded:
        raise InputError("rounded", "True for INT8", rounded)
    words = upload(np.concatenate([one.words.reshape(-1) for one in tensors]))
    scales = [upload(np.concatenate([getattr(one, name) for one in tensors]).astype(np.int32))
              for name in ("multipliers", "shifts")]
    m, right = sum(one.weights for one in tensors) // k, operand(x, dtype, "x", 1)
    y = result((m,), dtype)
    launch = Launch(int4_kernel, (triton.cdiv(m, 16),),
                    {"words": words, "multipliers": scales[0], "shifts": scales[1], "x": right, "y": y, "M": m, "K": k},
                    {"GROUP": first.config.group, "ROUND": rounded, "BM": 16, "BK": 256, "SUM": sums(dtype)})
    return Prepared((launch,), y, (words, *scales, right))
