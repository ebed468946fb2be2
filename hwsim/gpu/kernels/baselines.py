"""What PyTorch itself offers, to measure the kernels against: cuBLAS, `torch.compile`, 2:4 by cuSPARSELt or CUTLASS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from hwsim.errors import InputError
from hwsim.gpu.kernels.cases import USUAL, Case, Ready, numbers
from hwsim.gpu.kernels.launch import device, operand
from hwsim.gpu.shape import GemmShape
from hwsim.sparsity import Ratio, random_nm_mask

STEPS = (32, 64, 8)
"""Of rows, ranks and columns that PyTorch's 2:4 products of 16-bit floats take."""


@dataclass(frozen=True)
class Library:
    """A product by a library: as `Prepared`, with a result of its own each time."""

    call: Callable[[], torch.Tensor]
    bytes: int

    def run(self) -> torch.Tensor:
        """Compute; on a GPU the result is there when the stream is."""
        return self.call()


def _product(shape: GemmShape, dtype: str, rng: np.random.Generator, *, kind: str) -> Ready:
    """``C = A @ B`` in the operands' type."""
    if kind != "cublas" and device() != "cuda":
        raise InputError("kernel", "a GPU for it", kind)
    sizes = shape.m, shape.k, shape.n
    if kind == "semi_structured" and any(size % step for size, step in zip(sizes, STEPS, strict=True)):
        raise InputError("shape", f"M, K, N multiples of {STEPS}", sizes)
    a = numbers(rng, (shape.m, shape.k), dtype)
    if kind == "semi_structured":
        a = np.where(random_nm_mask(a.shape, Ratio(2, 4), 1, rng), a, 0).astype(a.dtype)
    b = numbers(rng, (shape.k, shape.n), dtype)
    left, right = operand(a, dtype, "A"), operand(b, dtype, "B")
    size = sum(one.numel() * one.element_size() for one in (left, right)) + shape.m * shape.n * left.element_size()
    multiply = torch.matmul if kind != "compiled" else torch.compile(torch.matmul, mode="max-autotune-no-cudagraphs")
    if kind == "semi_structured":
        left = torch.sparse.to_sparse_semi_structured(left)
        size -= shape.m * shape.k * 7 // 8  # half of the values, 2 bits for each that is kept
    reference = a.astype(np.float64) @ b.astype(np.float64)
    return Ready(Library(lambda: multiply(left, right), size), reference, 1 - np.count_nonzero(a) / a.size)


def _case(kind: str, model: str | None, sparsity: float, usual: tuple[GemmShape, ...] = USUAL) -> Case:
    return Case(lambda shape, _, dtype, rng: _product(shape, dtype, rng, kind=kind), model,
                ("float16", "bfloat16"), usual=usual, sparsity=sparsity, gpu_only=kind != "cublas")


_WIDE = tuple(shape for shape in USUAL if shape.n % STEPS[-1] == 0)
BASELINES = {"cublas": _case("cublas", "cublas", 0.0), "compiled": _case("compiled", None, 0.0),
             "semi_structured": _case("semi_structured", "semi_structured", 0.5, _WIDE)}
"""By name; all but ``cublas``, which on a CPU is PyTorch's own product, want a GPU."""
