"""Products with weights in Tiled-CSL, the format of Flash-LLM (arXiv 2309.10285): load sparse, compute dense.

Flash-LLM unpacks a tile by scattering its items into shared memory. Triton has no such scatter, so a program unpacks
into a tile of global memory of its own, which stays in the L2 cache: it is 16 KiB and rewritten for every tile. The
traffic to DRAM is that of the format; the floor of unpacking is higher than the published kernel's.
"""

from __future__ import annotations

import numpy as np
import torch
import triton
import triton.language as tl

from hwsim.errors import InputError
from hwsim.gpu.kernels.launch import (
    SMALLEST,
    Launch,
    Prepared,
    block_of,
    device,
    matching,
    multiply_add,
    operand,
    result,
    sums,
    upload,
    wide,
)
from hwsim.sparsity.size import Array
from hwsim.sparsity.tiled_csl import TiledCslTensor

ITEMS = 1024
"""Items that a program scatters at once."""


@triton.jit
def csl_kernel(values: tl.tensor, places: tl.tensor, offsets: tl.tensor, b: tl.tensor, c: tl.tensor,
               scratch: tl.tensor, M: tl.tensor, N: tl.tensor, K: tl.tensor, across: tl.tensor, HEIGHT: tl.constexpr,
               WIDTH: tl.constexpr, BN: tl.constexpr, ITEMS: tl.constexpr, SUM: tl.constexpr,
               WIDE: tl.constexpr) -> None:  # fmt: skip
    """A program makes a row of tiles of C, BN columns of it. Barriers part zeroing, scattering and reading."""
    columns = tl.program_id(1) * BN + tl.arange(0, BN)
    own = scratch + (tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)) * HEIGHT * WIDTH
    inner = tl.arange(0, HEIGHT)[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    total = tl.zeros((HEIGHT, BN), SUM)
    for at in range(0, across):
        tl.store(own + inner, tl.zeros((HEIGHT, WIDTH), values.dtype.element_ty))
        tl.debug_barrier()
        tile = tl.program_id(0) * across + at
        end = tl.load(offsets + tile + 1)
        for start in range(tl.load(offsets + tile), end, ITEMS):
            item = start + tl.arange(0, ITEMS)
            kept = tl.load(values + item, item < end, 0)
            # A padding item is 0, and in a full tile names an element that is not: it must not be stored.
            tl.store(own + tl.load(places + item, item < end, 0).to(tl.int32), kept, kept != 0)
        tl.debug_barrier()
        left = tl.load(own + inner, volatile=True)
        ranks = at * WIDTH + tl.arange(0, WIDTH)
        right = tl.load(b + ranks[:, None] * N + columns[None, :], (ranks[:, None] < K) & (columns[None, :] < N), 0)
        total = multiply_add(left, right, total, WIDE)
        tl.debug_barrier()
    rows = tl.program_id(0) * HEIGHT + tl.arange(0, HEIGHT)
    tl.store(c + rows[:, None] * N + columns[None, :], total, (rows[:, None] < M) & (columns[None, :] < N))


def tiled_csl_spmm(code: TiledCslTensor, b: Array, dtype: str = "float16") -> Prepared:
    """``C[M, N] = A[M, K] @ B[K, N]`` with A in Tiled-CSL form.

    Args:
        code: of (M, K), as `encode_tiled_csl` makes it; height and width of a tile powers of two, from 16 (width for
            INT8 from 32), at most 2^15 elements.
        b: (K, N).
        dtype: of both, a name of `DTYPES`; C is FP32 or INT32.

    Raises:
        InputError: another tile, shapes that do not fit, or elements of another kind.
    """
    height, width = code.tile
    if any(size < SMALLEST or size & (size - 1) for size in code.tile) or height * width > 1 << 15:
        raise InputError("tile", f"powers of two from {SMALLEST}, at most 2^15 elements", code.tile)
    matching(code.shape[1], b)
    stored = code.values if len(code.values) else np.zeros(1, code.values.dtype)
    values, right = operand(stored, dtype, "weights", 1), operand(b, dtype, "B")
    places, offsets = upload(code.places.astype(np.int16)), upload(code.offsets.astype(np.int32))
    (m, k), n = code.shape, b.shape[1]
    c, bn = result((m, n), dtype), block_of(n, 64)
    grid = triton.cdiv(m, height), triton.cdiv(n, bn)
    scratch = torch.empty(grid[0] * grid[1] * height * width, dtype=values.dtype, device=device())
    launch = Launch(csl_kernel, grid,
                    {"values": values, "places": places, "offsets": offsets, "b": right, "c": c, "scratch": scratch,
                     "M": m, "N": n, "K": k, "across": triton.cdiv(k, width)},
                    {"HEIGHT": height, "WIDTH": width, "BN": bn, "ITEMS": ITEMS, "SUM": sums(dtype),
                     "WIDE": wide(dtype)}, stages=1)  # pipelining would read the tile before it is written
    return Prepared((launch,), c, (values, places, offsets, right))
