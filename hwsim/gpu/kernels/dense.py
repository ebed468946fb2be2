"""Dense products: what the sparse ones are compared with when no library is wanted."""

from __future__ import annotations

import triton
import triton.language as tl

from hwsim.gpu.kernels.launch import (
    Launch,
    Prepared,
    block_of,
    matching,
    multiply_add,
    operand,
    result,
    sums,
    wide,
)
from hwsim.sparsity.size import Array


@triton.jit
def gemm_kernel(a: tl.tensor, b: tl.tensor, c: tl.tensor, M: tl.tensor, N: tl.tensor, K: tl.tensor, BM: tl.constexpr,
                BN: tl.constexpr, BK: tl.constexpr, SUM: tl.constexpr, WIDE: tl.constexpr) -> None:  # fmt: skip
    """A program makes BM x BN of ``C[M, N] = A[M, K] @ B[K, N]``."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    columns = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), SUM)
    for start in range(0, K, BK):
        ranks = start + tl.arange(0, BK)
        left = tl.load(a + rows[:, None] * K + ranks[None, :], (rows[:, None] < M) & (ranks[None, :] < K), 0)
        right = tl.load(b + ranks[:, None] * N + columns[None, :], (ranks[:, None] < K) & (columns[None, :] < N), 0)
        total = multiply_add(left, right, total, WIDE)
    tl.store(c + rows[:, None] * N + columns[None, :], total, (rows[:, None] < M) & (columns[None, :] < N))


@triton.jit
def gemv_kernel(a: tl.tensor, x: tl.tensor, y: tl.tensor, M: tl.tensor, K: tl.tensor, BM: tl.constexpr,
                BK: tl.constexpr, SUM: tl.constexpr) -> None:  # fmt: skip
    """A program makes BM elements of ``y[M] = A[M, K] @ x[K]`` on ordinary cores: memory is what it waits for."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    total = tl.zeros((BM,), SUM)
    for start in range(0, K, BK):
        ranks = start + tl.arange(0, BK)
        left = tl.load(a + rows[:, None] * K + ranks[None, :], (rows[:, None] < M) & (ranks[None, :] < K), 0)
        right = tl.load(x + ranks, ranks < K, 0)
        total += tl.sum(left.to(SUM) * right.to(SUM)[None, :], axis=1)
    tl.store(y + rows, total, rows < M)


def gemm(a: Array, b: Array, dtype: str = "float16") -> Prepared:
    """``C[M, N] = A[M, K] @ B[K, N]``.

    Args:
        a: (M, K).
        b: (K, N).
        dtype: of both, a name of `DTYPES`; C is FP32 or INT32.

    Raises:
        InputError: shapes that do not fit, or elements of another kind.
    """
    left, right = operand(a, dtype, "A"), operand(b, dtype, "B")
    matching(a.shape[1], b)
    (m, k), n = a.shape, b.shape[1]
    c, (bm, bn) = result((m, n), dtype), (block_of(m, 128), block_of(n, 128))
    launch = Launch(gemm_kernel, (triton.cdiv(m, bm), triton.cdiv(n, bn)),
                    {"a": left, "b": right, "c": c, "M": m, "N": n, "K": k},
                    {"BM": bm, "BN": bn, "BK": 64, "SUM": sums(dtype), "WIDE": wide(dtype)}, warps=8)
    return Prepared((launch,), c, (left, right))


def gemv(a: Array, x: Array, dtype: str = "float16") -> Prepared:
    """``y[M] = A[M, K] @ x[K]``; arguments and errors as `gemm`."""
    left, right = operand(a, dtype, "A"), operand(x, dtype, "x", 1)
    matching(a.shape[1], x, "x")
    m, k = a.shape
    y = result((m,), dtype)
    launch = Launch(gemv_kernel, (triton.cdiv(m, 16),), {"a": left, "x": right, "y": y, "M": m, "K": k},
                    {"BM": 16, "BK": 256, "SUM": sums(dtype)})
    return Prepared((launch,), y, (left, right))
