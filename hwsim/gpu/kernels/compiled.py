"""Compile every kernel for a GPU that is not there: Triton makes PTX and machine code on any x86-64 machine.

Run as ``python -m hwsim.gpu.kernels.compiled 80 90 float16``, with ``TRITON_INTERPRET`` not set.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from hwsim.config import positive
from hwsim.errors import InputError
from hwsim.gpu.kernels.cases import CASES, prepare
from hwsim.gpu.kernels.launch import DTYPES, Launch, Prepared, interpreted

ARCHS = (80, 90)
"""A100 and H100."""
WARP = 32


@dataclass(frozen=True)
class Compiled:
    """What became of one kernel.

    Attributes:
        kernel: its name.
        dtype: of the operands.
        arch: compute capability, 80 for an A100.
        target: the line of the PTX that names it.
        tensor_cores: whether the PTX has matrix instructions.
        shared_bytes: shared memory of a program.
        machine_code_bytes: of the cubin.
    """

    kernel: str
    dtype: str
    arch: int
    target: str
    tensor_cores: bool
    shared_bytes: int
    machine_code_bytes: int


def launches(dtype: str) -> Iterator[Launch]:
    """Launches of every kernel, with operands of a few kilobytes."""
    for case in CASES.values():
        if dtype in case.dtypes:
            for shape in case.smallest:
                product = prepare(case, shape, 0.5, dtype, np.random.default_rng(0)).product
                if isinstance(product, Prepared):
                    yield from product.launches


def compile_launch(launch: Launch, dtype: str, arch: int) -> Compiled:
    """Compile a launch's kernel for one compute capability.

    Raises:
        InputError: the interpreter is on, so that there is nothing to compile.
    """
    if interpreted():
        raise InputError("TRITON_INTERPRET", "not set, to compile kernels", "1")
    source = ASTSource(launch.kernel, launch.signature(), dict(launch.constants))
    made = triton.compile(source, target=GPUTarget("cuda", int(positive("arch", arch)), WARP),
                          options={"num_warps": launch.warps, "num_stages": launch.stages})
    ptx = made.asm["ptx"]
    target = next(line for line in ptx.splitlines() if line.startswith(".target"))
    return Compiled(launch.kernel.__name__, dtype, arch, target, "mma" in ptx, made.metadata.shared,
                    len(made.asm["cubin"]))


def main(words: list[str]) -> int:
    """Compile all kernels for the compute capabilities and types among the words; print what became of each as JSON.

    None of one sort means all of it.
    """
    dtypes = [word for word in words if word in DTYPES] or list(DTYPES)
    archs = [int(word) for word in words if word not in DTYPES] or list(ARCHS)
    found = [asdict(compile_launch(launch, dtype, arch)) for arch in archs for dtype in dtypes
             for launch in launches(dtype)]
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
