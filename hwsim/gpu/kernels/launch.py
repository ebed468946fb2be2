"""Launches of Triton kernels: told once, run on a GPU, run by the interpreter, or compiled for a GPU that is not there.

Triton decides when a kernel is defined whether it is compiled or interpreted: `TRITON_INTERPRET=1` must stand in the
environment before this package is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl

from hwsim.config import one_of
from hwsim.errors import InputError
from hwsim.sparsity.size import Array

DTYPES: Mapping[str, torch.dtype] = {"float16": torch.float16, "bfloat16": torch.bfloat16, "int8": torch.int8}
"""Types of operands; floats are summed in FP32, INT8 in INT32."""
SMALLEST = 16
"""Rows, columns and ranks that `tl.dot` takes at least."""
MOST = 2**31 - 1
_POINTERS = {torch.float16: "*fp16", torch.bfloat16: "*bf16", torch.float32: "*fp32", torch.int8: "*i8",
             torch.uint8: "*u8", torch.int16: "*i16", torch.int32: "*i32"}  # fmt: skip


@triton.jit
def multiply_add(left: tl.tensor, right: tl.tensor, total: tl.tensor, WIDE: tl.constexpr) -> tl.tensor:
    """``total + left @ right`` on tensor cores. WIDE: Triton's interpreter multiplies no BF16, it gets exact FP32."""
    if WIDE:
        left, right = left.to(tl.float32), right.to(tl.float32)
    return tl.dot(left, right, total)


def interpreted() -> bool:
    """Whether kernels run in Triton's interpreter, on the CPU."""
    return not isinstance(multiply_add, triton.JITFunction)


def device() -> str:
    """Where operands live."""
    return "cuda" if torch.cuda.is_available() and not interpreted() else "cpu"


@dataclass(frozen=True)
class Launch:
    """One call of a kernel.

    Attributes:
        kernel: a ``triton.jit`` function.
        grid: programs along up to three axes.
        arguments: tensors, ints and floats, by name.
        constants: ``tl.constexpr`` arguments, by name.
        warps: of a program.
        stages: of software pipelining.
    """

    kernel: Any
    grid: tuple[int, ...]
    arguments: Mapping[str, Any]
    constants: Mapping[str, Any]
    warps: int = 4
    stages: int = 3

    def __call__(self) -> None:
        """Launch it; returns before a GPU is done."""
        self.kernel[self.grid](**self.arguments, **self.constants, num_warps=self.warps, num_stages=self.stages)

    def signature(self) -> dict[str, str]:
        """Types of all arguments, as `triton.compiler.ASTSource` takes them."""
        types = {name: _type(value) for name, value in self.arguments.items()}
        types |= {name: "constexpr" for name in self.constants}
        return {name: types[name] for name in self.kernel.arg_names}


def _type(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return _POINTERS[value.dtype]
    return "fp32" if isinstance(value, float) else "i32"


@dataclass(frozen=True)
class Prepared:
    """A product with its operands in place: launches in order, the tensor that they fill, and bytes of all operands."""

    launches: tuple[Launch, ...]
    output: torch.Tensor
    operands: tuple[torch.Tensor, ...] = field(default=())

    def run(self) -> torch.Tensor:
        """Compute; on a GPU the result is there when the stream is."""
        for launch in self.launches:
            launch()
        return self.output

    def numpy(self) -> Array:
        """Compute, and bring the result back."""
        return self.run().cpu().numpy()

    @property
    def bytes(self) -> int:
        """Operands and result, each counted once."""
        return sum(one.numel() * one.element_size() for one in (*self.operands, self.output))


def upload(array: Array, dtype: torch.dtype | None = None) -> torch.Tensor:
    """A contiguous copy where kernels run, rounded to ``dtype`` if given.

    Raises:
        InputError: more elements than 32-bit indices reach.
    """
    if array.size > MOST:
        raise InputError("operand", f"at most {MOST} elements", array.size)
    one = torch.from_numpy(np.ascontiguousarray(array).copy())
    return one.to(device=device(), dtype=dtype or one.dtype).contiguous()


def operand(array: Array, dtype: str, place: str, ndim: int = 2) -> torch.Tensor:
    """A dense operand of one of `DTYPES`; BF16 comes as FP32 and is rounded.

    Raises:
        InputError: another number of axes, a type that is not known, or integers where floats are wanted.
    """
    if array.ndim != ndim or 0 in array.shape:
        raise InputError(place, f"{ndim} axes, none empty", f"shape {array.shape}")
    if (array.dtype == np.int8) != (one_of("dtype", dtype, DTYPES) == "int8"):
        raise InputError(place, f"elements for {dtype}", array.dtype.name)
    return upload(array, DTYPES[dtype])


def sums(dtype: str) -> Any:
    """Triton's type of the sums."""
    return tl.int32 if dtype == "int8" else tl.float32


def result(shape: tuple[int, ...], dtype: str) -> torch.Tensor:
    """Room for sums."""
    return torch.empty(shape, dtype=torch.int32 if dtype == "int8" else torch.float32, device=device())


def wide(dtype: str) -> bool:
    """`multiply_add`'s WIDE."""
    return interpreted() and dtype == "bfloat16"


def block_of(size: int, most: int) -> int:
    """Power of two from `SMALLEST` to ``most`` that holds ``size`` if it can."""
    return min(most, max(SMALLEST, triton.next_power_of_2(size)))


def matching(a_columns: int, b: Array, place: str = "B") -> None:
    """Refuse an operand whose first axis is not the ranks of the weights."""
    if b.ndim < 1 or b.shape[0] != a_columns:
        raise InputError(place, f"{a_columns} along its first axis", f"shape {b.shape}")
