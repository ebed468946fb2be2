"""Products with bitmap tiles: load compressed, compute dense. Weights, and the keys and values of a KV cache.

*Rank of a bit*: the value of an element that is kept stands behind as many values of its tile as bits are set before
it. So a prefix sum over the bits of a tile tells each element where to look, and no loop runs over the non-zeros.
"""

from __future__ import annotations

import numpy as np
import torch
import triton
import triton.language as tl

from hwsim.errors import InputError
from hwsim.gpu.kernels.launch import (
    DTYPES,
    MOST,
    Launch,
    Prepared,
    block_of,
    matching,
    multiply_add,
    operand,
    result,
    sums,
    upload,
    wide,
)
from hwsim.sparsity.bitmap import BitmapTensor
from hwsim.sparsity.size import Array

SMALLEST_TILE = 16
"""Elements of a tile that tensor cores take at least."""


@triton.jit
def dense_tiles(bitmap: tl.tensor, offsets: tl.tensor, values: tl.tensor, tiles: tl.tensor, inside: tl.tensor,
                ROWS: tl.constexpr, TILE: tl.constexpr) -> tl.tensor:  # fmt: skip
    """(ROWS, TILE) elements of the tiles (ROWS,) that are inside; the others are zeros."""
    BYTES: tl.constexpr = TILE // 8
    packed = tl.load(bitmap + tiles[:, None] * BYTES + tl.arange(0, BYTES)[None, :], inside[:, None], 0).to(tl.int32)
    bits = tl.reshape((packed[:, :, None] >> (7 - tl.arange(0, 8))[None, None, :]) & 1, (ROWS, TILE))
    ranks = tl.cumsum(bits, axis=1) - bits
    first = tl.load(offsets + tiles, inside, 0)
    return tl.load(values + first[:, None] + ranks, bits != 0, 0)


@triton.jit
def spmm_kernel(bitmap: tl.tensor, offsets: tl.tensor, values: tl.tensor, b: tl.tensor, c: tl.tensor, M: tl.tensor,
                N: tl.tensor, K: tl.tensor, across: tl.tensor, TILE: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
                SUM: tl.constexpr, WIDE: tl.constexpr) -> None:  # fmt: skip
    """``C[M, N] = A[M, K] @ B[K, N]``, tiles of A along K, ``across`` of them in a row."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    columns = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), SUM)
    for at in range(0, across):
        left = dense_tiles(bitmap, offsets, values, rows * across + at, rows < M, BM, TILE)
        ranks = at * TILE + tl.arange(0, TILE)
        right = tl.load(b + ranks[:, None] * N + columns[None, :], (ranks[:, None] < K) & (columns[None, :] < N), 0)
        total = multiply_add(left, right, total, WIDE)
    tl.store(c + rows[:, None] * N + columns[None, :], total, (rows[:, None] < M) & (columns[None, :] < N))


@triton.jit
def spmv_kernel(bitmap: tl.tensor, offsets: tl.tensor, values: tl.tensor, x: tl.tensor, y: tl.tensor, M: tl.tensor,
                K: tl.tensor, across: tl.tensor, TILE: tl.constexpr, BM: tl.constexpr, SUM: tl.constexpr) -> None:
    """``y[M] = A[M, K] @ x[K]`` on ordinary cores."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    total = tl.zeros((BM,), SUM)
    for at in range(0, across):
        left = dense_tiles(bitmap, offsets, values, rows * across + at, rows < M, BM, TILE)
        ranks = at * TILE + tl.arange(0, TILE)
        right = tl.load(x + ranks, ranks < K, 0)
        total += tl.sum(left.to(SUM) * right.to(SUM)[None, :], axis=1)
    tl.store(y + rows, total, rows < M)


def uploaded(code: BitmapTensor, dtype: str = "float16") -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Bitmap bytes, INT32 offsets and values of a code, where kernels run.

    Raises:
        InputError: tiles of more than one axis or of no power of two, offsets beyond INT32, elements of another kind.
    """
    width = code.tile[-1]
    if len(code.tile) != 1 or width % SMALLEST_TILE or width & (width - 1):
        raise InputError("tile", f"one axis, a power of two from {SMALLEST_TILE}", code.tile)
    if code.offsets[-1] > MOST:
        raise InputError("values", f"at most {MOST}", int(code.offsets[-1]))
    if (code.values.dtype == np.int8) != (dtype == "int8"):
        raise InputError("values", f"elements for {dtype}", code.values.dtype.name)
    return upload(code.bitmap), upload(code.offsets.astype(np.int32)), upload(code.values, DTYPES[dtype])



def bitmap_spmm(code: BitmapTensor, b: Array, dtype: str = "float16") -> Prepared:
    """``C[M, N] = A[M, K] @ B[K, N]`` with A in bitmap form, or ``y[M]`` for ``b`` of one axis.

    Args:
        code: of (M, K), tiles along K, as `encode_bitmap` makes it.
        b: (K, N) or (K,).
        dtype: of both, a name of `DTYPES`; the result is FP32 or INT32.

    Raises:
        InputError: no matrix, shapes that do not fit, or as `uploaded`.
    """
    if len(code.shape) != 2:
        raise InputError("weights", "a matrix in bitmap form", f"shape {code.shape}")
    matching(code.shape[1], b)
    parts, right, (m, k) = uploaded(code, dtype), operand(b, dtype, "B", min(b.ndim, 2)), code.shape
    arguments = dict(zip(("bitmap", "offsets", "values"), parts, strict=True))
    arguments |= {"M": m, "K": k, "across": triton.cdiv(k, code.tile[0])}
    constants = {"TILE": code.tile[0], "SUM": sums(dtype)}
    if b.ndim == 1:
        y = result((m,), dtype)
        launch = Launch(spmv_kernel, (triton.cdiv(m, 16),), {**arguments, "x": right, "y": y}, {**constants, "BM": 16})
        return Prepared((launch,), y, (*parts, right))
    n = b.shape[1]
    c, (bm, bn) = result((m, n), dtype), (block_of(m, 64), block_of(n, 64))
    launch = Launch(spmm_kernel, (triton.cdiv(m, bm), triton.cdiv(n, bn)), {**arguments, "b": right, "c": c, "N": n},
                    {**constants, "BM": bm, "BN": bn, "WIDE": wide(dtype)})
    return Prepared((launch,), c, (*parts, right))
