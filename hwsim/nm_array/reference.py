"""Reference of the N:M array: the specification of the values, in plain NumPy, with no time in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.nm_array.float_reference import BiasRelu, float_results
from hwsim.nm_array.program import Program
from hwsim.quantize import Requantization, requantize

Int8 = npt.NDArray[np.int8]
Elements = npt.NDArray[Any]
"""INT8, or the bit patterns of FP16 or BF16 as uint16."""
Parameters = Requantization | BiasRelu
"""What makes an element of a sum, for all output channels of one GEMM."""


def check_operands(program: Program, a: Elements, w: Elements, parameters: Sequence[Parameters]) -> None:
    """Refuse operands that do not fit the program's shape and data type.

    Raises:
        InputError: wrong shape or dtype, or not one set of parameters per group.
    """
    s, dtype = program.shape, np.dtype(np.uint16 if program.config.floating else np.int8)
    wanted = BiasRelu if program.config.floating else Requantization
    for name, array, shape in (("activations", a, (s.groups, s.m, s.k)), ("weights", w, (s.groups, s.k, s.n))):
        if array.dtype != dtype or array.shape != shape:
            raise InputError(name, f"{dtype} of shape {shape}", f"{array.dtype} of shape {array.shape}")
    if len(parameters) != s.groups or any(len(each.bias) != s.n for each in parameters):
        given = [len(each.bias) for each in parameters]
        raise InputError("parameters of the results", f"{s.groups} sets of {s.n} channels", given)
    if not all(isinstance(each, wanted) for each in parameters):
        raise InputError("parameters of the results", wanted.__name__, [type(each).__name__ for each in parameters])


def expected_beats(program: Program, a: Elements, w: Elements, parameters: Sequence[Parameters]) -> Elements:
    """What port ``o`` must send: (beats, cols). INT8 sums are exact; those of floating-point numbers depend on the
    order in which the program adds.

    Raises:
        InputError: as `check_operands`.
    """
    check_operands(program, a, w, parameters)
    if program.config.floating:
        given = [each for each in parameters if isinstance(each, BiasRelu)]
        return result_beats(program, float_results(program, a, w, given))
    return result_beats(program, reference(a, w, [each for each in parameters if isinstance(each, Requantization)]))


def accumulate(a: Int8, w: Int8) -> npt.NDArray[np.int64]:
    """INT8 products summed exactly: a (…, M, K), w (…, K, N) -> (…, M, N).

    Float64 holds every integer below 2**53, far above any INT8 reduction, and multiplies matrices fast.
    """
    return (a.astype(np.float64) @ w.astype(np.float64)).astype(np.int64)


def reference(a: Int8, w: Int8, rq: list[Requantization]) -> Int8:
    """Z = requantize(A · B) for each group: a (groups, M, K), w (groups, K, N) -> (groups, M, N) int8.

    Pruned weights are zeros in ``w``: skipping them changes no value, only the time.
    """
    sums = accumulate(a, w)
    return np.stack([requantize(group, parameters) for group, parameters in zip(sums, rq, strict=True)])


def result_beats(program: Program, z: Elements) -> Elements:
    """Z in the order in which port ``o`` sends it: (groups, M, N) -> (beats, cols); unused columns are 0.

    Z may have its unused columns too: N rounded up to a multiple of the array's.
    """
    cols = program.config.cols
    padded = np.pad(z, ((0, 0), (0, 0), (0, -z.shape[2] % cols)))
    parts = [padded[program.group[p], program.m0[p]:program.m0[p] + program.m_size[p],
                    program.n0[p]:program.n0[p] + cols] for p in np.flatnonzero(program.last)]
    return np.concatenate(parts)


def from_result_beats(program: Program, beats: Elements) -> Elements:
    """Inverse of `result_beats`: (beats, cols) -> (groups, M, N)."""
    shape = program.shape
    z = np.zeros((shape.groups, shape.m, shape.n), beats.dtype)
    start = 0
    for p in np.flatnonzero(program.last):
        rows = int(program.m_size[p])
        z[program.group[p], program.m0[p]:program.m0[p] + rows, program.n0[p]:program.n0[p] + program.n_size[p]] = (
            beats[start:start + rows, :program.n_size[p]])
        start += rows
    return z
