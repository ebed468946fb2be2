"""Reference of the N:M array for FP16 and BF16: products and sums in FP32, in exactly the order of the program.

A floating-point sum depends on the order of its summands, so the order is part of the specification:

1. The products of one PE in one cycle are added as a balanced tree of neighbours: (p0 + p1) + (p2 + p3).
2. Output-stationary: these are added one after the other, unit by unit of K and step by step, to a sum that starts
   at +0 and goes on from pass to pass.
3. Weight-stationary: for each step, they are added from row to row of the array, starting at +0; that sum is added to
   the result's sum over steps and passes, which starts at +0.
4. Then the bias is added, the ReLU applied, and the sum rounded to the data type.

Every operation rounds to nearest even; every NaN of a result is the canonical one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.floats import FORMATS, FloatFormat, add, round_to, to_float32
from hwsim.nm_array.program import Program
from hwsim.sparsity.nm import encode_nm

Floats = npt.NDArray[np.float32]
Bits = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class BiasRelu:
    """What makes an element of a floating-point sum: ``round(relu(z + bias))``.

    Args:
        bias: (N,) float32.
        relu: whether negative results become +0, NaN staying NaN.

    Raises:
        InputError: a bias of another dtype or rank.
    """

    bias: Floats
    relu: bool = False

    def __post_init__(self) -> None:
        if self.bias.dtype != np.float32 or self.bias.ndim != 1:
            raise InputError("bias", "float32 of rank 1", f"{self.bias.dtype} of rank {self.bias.ndim}")

    @classmethod
    def none(cls, channels: int) -> BiasRelu:
        """Only rounding."""
        return cls(np.zeros(channels, np.float32))

    def __call__(self, sums: Floats, fmt: FloatFormat) -> Bits:
        """FP32 sums (…, N) to bit patterns of the format."""
        biased = add(sums, np.broadcast_to(self.bias, sums.shape))
        if self.relu:
            biased = np.where(np.signbit(biased), np.float32(0), biased)
        return round_to(fmt, biased).astype(np.uint16)


@numba.njit(cache=True)
def _tree(products: Any) -> Any:  # pragma: no cover - compiled
    width = len(products)
    while width > 1:
        width //= 2
        for i in range(width):
            products[i] = products[2 * i] + products[2 * i + 1]
    return products[0]


@numba.njit(cache=True)
def _add_pass(a: Any, values: Any, picks: Any, steps: int, stationary: bool, sums: Any) -> None:  # pragma: no cover
    lanes = values.shape[2] // steps
    products = np.empty(lanes, np.float32)
    for row in range(a.shape[0]):
        for column in range(values.shape[0]):
            total = sums[row, column]
            for outer in range(1 if stationary else steps):
                chain = total if stationary else np.float32(0)
                for unit in range(values.shape[1]):
                    for inner in range(steps if stationary else 1):
                        start = (inner + outer) * lanes
                        for lane in range(lanes):
                            pick = picks[column, unit, start + lane]
                            products[lane] = a[row, unit, pick] * values[column, unit, start + lane]
                        chain = chain + _tree(products)
                total = chain if stationary else total + chain
            sums[row, column] = total


def float_results(program: Program, a: Bits, w: Bits, parameters: Sequence[BiasRelu]) -> Bits:
    """Z of every group, unused columns included, as they may hold the NaN of an infinite activation.

    Args:
        program: the passes; their order is the order of the sums.
        a: activations (groups, M, K), bit patterns.
        w: weights (groups, K, N), bit patterns, N:M along K.
        parameters: by group.

    Returns:
        (groups, M, N rounded up to the array's columns) bit patterns.
    """
    config, shape, fmt = program.config, program.shape, FORMATS[program.config.data_type]
    spare = -shape.n % config.cols
    sums = np.zeros((shape.groups, shape.m, shape.n + spare), np.float32)
    a_values = to_float32(a, fmt)
    codes = [_slots(program, to_float32(w[g], fmt), spare) for g in range(shape.groups)]
    units = program.rows if program.dataflow == "ws" else program.beats
    span, steps = program.mode.span, program.mode.steps
    for p in range(program.passes):
        g, m, k = int(program.group[p]), int(program.m0[p]), int(program.k0[p])
        tile = a_values[g, m:m + program.m_size[p], k:k + program.k_size[p]]
        tile = np.pad(tile, ((0, 0), (0, int(units[p]) * span - tile.shape[1]))).reshape(len(tile), -1, span)
        here = slice(int(program.n0[p]), int(program.n0[p]) + config.cols), slice(k // span, k // span + int(units[p]))
        part = np.ascontiguousarray(sums[g, m:m + len(tile), here[0]])
        _add_pass(tile, codes[g][0][here], codes[g][1][here], steps, program.dataflow == "os", part)
        sums[g, m:m + len(tile), here[0]] = part
    finished = [BiasRelu(np.pad(each.bias, (0, spare)), each.relu)(z, fmt)
                for each, z in zip(parameters, sums, strict=True)]
    return np.stack(finished)


def _slots(program: Program, w: Floats, spare: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The PEs' weights: values and which activation of the span each meets, (N and spare columns, units, slots)."""
    mode = program.mode
    code = encode_nm(w, mode.ratio, 0)
    missing = -code.values.shape[1] % mode.groups
    pad = ((0, spare), (0, missing), (0, 0))
    values, picks = np.pad(code.values, pad), np.pad(code.indices.astype(np.int64), pad)
    shape = (len(values), -1, mode.groups, mode.ratio.n)
    picks = picks.reshape(shape) + np.arange(0, mode.span, mode.ratio.m)[:, None]
    return values.reshape(len(values), -1, mode.slots), picks.reshape(len(values), -1, mode.slots)
