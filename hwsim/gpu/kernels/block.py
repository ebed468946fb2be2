"""Products with weights of which whole blocks are zero: block CSR."""

from __future__ import annotations

import numpy as np
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
    upload,
    wide,
)
from hwsim.sparsity.block import BlockTensor
from hwsim.sparsity.size import Array


@triton.jit
def block_kernel(values: tl.tensor, places: tl.tensor, pointers: tl.tensor, b: tl.tensor, c: tl.tensor, M: tl.tensor,
                 N: tl.tensor, K: tl.tensor, HEIGHT: tl.constexpr, WIDTH: tl.constexpr, BM: tl.constexpr,
                 BK: tl.constexpr, BN: tl.constexpr, SUM: tl.constexpr, WIDE: tl.constexpr) -> None:  # fmt: skip
    """A program makes one block row of C, BN columns of it: a dense product for each block that is stored."""
    high, deep = tl.arange(0, BM), tl.arange(0, BK)
    columns = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), SUM)
    for at in range(tl.load(pointers + tl.program_id(0)), tl.load(pointers + tl.program_id(0) + 1)):
        left = tl.load(values + at * HEIGHT * WIDTH + high[:, None] * WIDTH + deep[None, :],
                       (high[:, None] < HEIGHT) & (deep[None, :] < WIDTH), 0)
        ranks = tl.load(places + at) * WIDTH + deep
        right = tl.load(b + ranks[:, None] * N + columns[None, :],
                        ((deep < WIDTH) & (ranks < K))[:, None] & (columns[None, :] < N), 0)
        total = multiply_add(left, right, total, WIDE)
    rows = tl.program_id(0) * HEIGHT + high
    tl.store(c + rows[:, None] * N + columns[None, :], total,
             ((high < HEIGHT) & (rows < M))[:, None] & (columns[None, :] < N))


def block_spmm(code: BlockTensor, b: Array, dtype: str = "float16") -> Prepared:
    """``C[M, N] = A[M, K] @ B[K, N]`` with A in block form.

    Blocks smaller than a tensor core's step are filled up with zeros in registers; 1 x 16 works, at a sixteenth of the
    rate. The smallest INT8 step has 32 ranks.

    Args:
        code: of (M, K), as `encode_block` makes it.
        b: (K, N).
        dtype: of both, a name of `DTYPES`; C is FP32 or INT32.

    Raises:
        InputError: shapes that do not fit, or elements of another kind.
    """
    matching(code.shape[1], b)
    stored = code.values if len(code.values) else np.zeros((1, code.values.shape[1]), code.values.dtype)
    values, right = operand(stored, dtype, "weights"), operand(b, dtype, "B")
    places, pointers = (upload(one.astype(np.int32)) for one in (code.columns, code.pointers))
    (m, k), n, (height, width) = code.shape, b.shape[1], code.block
    c, bn = result((m, n), dtype), block_of(n, 64)
    launch = Launch(block_kernel, (len(code.pointers) - 1, triton.cdiv(n, bn)),
                    {"values": values, "places": places, "pointers": pointers, "b": right, "c": c,
                     "M": m, "N": n, "K": k},
                    {"HEIGHT": height, "WIDTH": width, "BM": block_of(height, 1 << 16),
                     "BK": max(block_of(width, 1 << 16), 32), "BN": bn, "SUM": sums(dtype), "WIDE": wide(dtype)})
    return Prepared((launch,), c, (values, places, pointers, right))
