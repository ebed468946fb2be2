"""Products with N:M weights (2:4, and any other N:M), from kept values and their positions."""

from __future__ import annotations

from typing import Literal

import triton
import triton.language as tl

from hwsim.config import one_of
from hwsim.errors import InputError
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
from hwsim.sparsity.nm import NmTensor
from hwsim.sparsity.size import Array

Method = Literal["gather", "expand"]


@triton.jit
def gather_kernel(values: tl.tensor, positions: tl.tensor, b: tl.tensor, c: tl.tensor, M: tl.tensor, N: tl.tensor,
                  K: tl.tensor, slots: tl.tensor, KEPT: tl.constexpr, GROUP: tl.constexpr, BM: tl.constexpr,
                  BS: tl.constexpr, BN: tl.constexpr, SUM: tl.constexpr) -> None:  # fmt: skip
    """Every slot fetches the row of B that its position names: kept multiplications only, on ordinary cores."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    columns = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), SUM)
    for start in range(0, slots, BS):
        slot = start + tl.arange(0, BS)
        inside = (rows[:, None] < M) & (slot[None, :] < slots)
        at = rows[:, None] * slots + slot[None, :]
        kept = tl.load(values + at, inside, 0)
        ranks = (slot // KEPT)[None, :] * GROUP + tl.load(positions + at, inside, 0).to(tl.int32)
        inside = inside & (ranks < K)  # a padding slot may stand behind the end
        right = tl.load(b + ranks[:, :, None] * N + columns[None, None, :],
                        inside[:, :, None] & (columns[None, None, :] < N), 0)
        total += tl.sum(kept.to(SUM)[:, :, None] * right.to(SUM), axis=1)
    tl.store(c + rows[:, None] * N + columns[None, :], total, (rows[:, None] < M) & (columns[None, :] < N))


@triton.jit
def expand_kernel(values: tl.tensor, positions: tl.tensor, b: tl.tensor, c: tl.tensor, M: tl.tensor, N: tl.tensor,
                  K: tl.tensor, slots: tl.tensor, KEPT: tl.constexpr, GROUP: tl.constexpr, BM: tl.constexpr,
                  BK: tl.constexpr, BN: tl.constexpr, SUM: tl.constexpr, WIDE: tl.constexpr) -> None:  # fmt: skip
    """Load compressed, compute dense: each element takes the slot of its group that names it, tensor cores multiply."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    columns = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), SUM)
    for start in range(0, K, BK):
        ranks = start + tl.arange(0, BK)
        inside = (rows[:, None] < M) & (ranks[None, :] < K)
        first = rows[:, None] * slots + (ranks // GROUP)[None, :] * KEPT
        left = tl.zeros((BM, BK), values.dtype.element_ty)
        for slot in tl.static_range(KEPT):
            named = tl.load(positions + first + slot, inside, GROUP).to(tl.int32) == (ranks % GROUP)[None, :]
            left = tl.where(named, tl.load(values + first + slot, inside, 0), left)
        right = tl.load(b + ranks[:, None] * N + columns[None, :], (ranks[:, None] < K) & (columns[None, :] < N), 0)
        total = multiply_add(left, right, total, WIDE)
    tl.store(c + rows[:, None] * N + columns[None, :], total, (rows[:, None] < M) & (columns[None, :] < N))


def nm_spmm(code: NmTensor, b: Array, dtype: str = "float16", method: Method = "expand") -> Prepared:
    """``C[M, N] = A[M, K] @ B[K, N]``, A in N:M form along K.

    Args:
        code: of (M, K) along its last axis, as `encode_nm` makes it.
        b: (K, N).
        dtype: of both, a name of `DTYPES`; C is FP32 or INT32.
        method: ``gather`` rows of B on ordinary cores, or ``expand`` A in registers for tensor cores.

    Raises:
        InputError: another axis, shapes that do not fit, or elements of another kind.
    """
    one_of("method", method, ("gather", "expand"))
    if len(code.shape) != 2 or code.axis != 1:
        raise InputError("weights", "a matrix in N:M form along its last axis", f"{code.shape}, axis {code.axis}")
    matching(code.shape[1], b)
    kept, positions = operand(code.values, dtype, "weights", 3), upload(code.indices)
    right, (m, k), n = operand(b, dtype, "B"), code.shape, b.shape[1]
    c = result((m, n), dtype)
    blocks = ({"BM": 16, "BS": 16, "BN": block_of(n, 32)} if method == "gather" else
              {"BM": block_of(m, 64), "BK": 64, "BN": block_of(n, 64), "WIDE": wide(dtype)})
    launch = Launch(gather_kernel if method == "gather" else expand_kernel,
                    (triton.cdiv(m, blocks["BM"]), triton.cdiv(n, blocks["BN"])),
                    {"values": kept, "positions": positions, "b": right, "c": c, "M": m, "N": n, "K": k,
                     "slots": code.values.shape[1] * code.values.shape[2]},
                    {"KEPT": code.ratio.n, "GROUP": code.ratio.m, "SUM": sums(dtype), **blocks})
    return Prepared((launch,), c, (kept, positions, right))
