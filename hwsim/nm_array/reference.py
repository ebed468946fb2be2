"""Reference of the N:M array: the specification of the values, in plain NumPy, with no time in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.nm_array.program import Program
from hwsim.quantize import Requantization, requantize

Int8 = npt.NDArray[np.int8]


def check_operands(program: Program, a: npt.NDArray[Any], w: npt.NDArray[Any], rq: list[Requantization]) -> None:
    """Refuse operands that do not fit the program's shape and INT8.

    Raises:
        InputError: wrong shape or dtype, or not one set of parameters per group.
    """
    s = program.shape
    for name, array, shape in (("activations", a, (s.groups, s.m, s.k)), ("weights", w, (s.groups, s.k, s.n))):
        if array.dtype != np.int8 or array.shape != shape:
            raise InputError(name, f"int8 of shape {shape}", f"{array.dtype} of shape {array.shape}")
    if len(rq) != s.groups or any(len(r.bias) != s.n for r in rq):
        raise InputError("requantization", f"{s.groups} sets of {s.n} channels", [len(r.bias) for r in rq])


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


def result_beats(program: Program, z: Int8) -> Int8:
    """Z in the order in which port ``o`` sends it: (groups, M, N) -> (beats, cols); unused columns are 0."""
    cols = program.config.cols
    padded = np.pad(z, ((0, 0), (0, 0), (0, -program.shape.n % cols)))
    parts = [padded[program.group[p], program.m0[p]:program.m0[p] + program.m_size[p],
                    program.n0[p]:program.n0[p] + cols] for p in np.flatnonzero(program.last)]
    return np.concatenate(parts)


def from_result_beats(program: Program, beats: Int8) -> Int8:
    """Inverse of `result_beats`: (beats, cols) -> (groups, M, N)."""
    shape = program.shape
    z = np.zeros((shape.groups, shape.m, shape.n), np.int8)
    start = 0
    for p in np.flatnonzero(program.last):
        rows = int(program.m_size[p])
        z[program.group[p], program.m0[p]:program.m0[p] + rows, program.n0[p]:program.n0[p] + program.n_size[p]] = (
            beats[start:start + rows, :program.n_size[p]])
        start += rows
    return z
