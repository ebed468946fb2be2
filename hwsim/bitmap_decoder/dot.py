"""The dot product's steps, and its values: the reference.

A step multiplies the next ``macs`` non-zeros of a row, taken from the tile at hand and, where these are fewer, from the
tile behind it in the same row. The tile at hand ends with the step that takes its last non-zero, so at most one tile
ends in a step, and every tile costs at least one. Only the bitmaps decide, never the time; so the order of the sums is
part of the specification:

1. The products of a step, those that lack as +0, are added as a balanced tree of neighbours: (p0 + p1) + (p2 + p3).
2. The trees' sums are added one after the other to the row's sum, which starts at +0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from hwsim.bitmap_decoder.format import Ints
from hwsim.bitmap_decoder.front import Steps
from hwsim.bitmap_decoder.jobs import DotJob
from hwsim.config import shared
from hwsim.floats import FP16, FP32, to_float32

Sums = npt.NDArray[np.float32] | npt.NDArray[np.int32]


@numba.njit(cache=True)
def _walk(counts: Any, fills: Any, row_tiles: int, macs: int, found: Any) -> int:  # pragma: no cover - compiled
    """Fill ``found`` (see `job_steps`); the number of steps."""
    rest, step = counts.copy(), 0
    for tile in range(len(counts)):
        final = (tile + 1) % row_tiles == 0
        ends = False
        while not ends:
            ends = rest[tile] <= macs
            here = min(rest[tile], macs)
            behind = 0
            found[4, step] = -1
            if rest[tile] < macs and not final:
                behind = min(macs - here, rest[tile + 1])
                rest[tile + 1] -= behind
                found[4, step] = tile + 1
            rest[tile] -= here
            found[0, step] = tile
            found[1, step] = here + behind + (fills[tile] if ends else 0)
            found[2, step] = here + behind
            found[3, step] = ends and final
            step += 1
    return step


def job_steps(job: DotJob) -> Ints:
    """(5, steps) of one job: tile, values taken, non-zeros, whether the row ends, tile behind or -1."""
    macs = job.config.macs
    found = np.empty((5, len(job.counts) + int((job.counts // macs).sum())), np.int64)
    return found[:, :_walk(job.counts, job.stored - job.counts, job.row_tiles, macs, found)]


def steps_of(jobs: Sequence[DotJob]) -> Steps:
    """The steps of jobs that follow each other."""
    shared("jobs", jobs)
    each, tiles = [job_steps(job) for job in jobs], 0
    for part, job in zip(each, jobs, strict=True):
        part[0] += tiles
        part[4, part[4] >= 0] += tiles
        tiles += len(job.counts)
    tile, taken, macs, row_end, reach = np.concatenate(each, axis=1)
    number = np.repeat(np.arange(len(jobs)), [part.shape[1] for part in each])
    return Steps(job=number, tile=tile, taken=taken, macs=macs, row_end=row_end.astype(bool), reach=reach)


def sums(job: DotJob) -> Sums:
    """Specification of the values: (rows, cols) float32 for ``fp16``, int32 (modulo 2^32) for ``int8``."""
    if job.config.data_type == "int8":
        dense = np.where(job.kept, job.dense, 0).astype(np.int64)
        wrapped: Sums = (dense @ job.x.astype(np.int64)).astype(np.int32)  # the lower 32 bits
        return wrapped
    return _float_sums(job)


def _float_sums(job: DotJob) -> npt.NDArray[np.float32]:
    """In the order that the head of this file tells; every NaN that comes out is the canonical one."""
    _, _, macs, row_end, _ = job_steps(job)
    row, place = np.nonzero(job.kept)
    step = np.repeat(np.arange(len(macs)), macs)
    lane = np.arange(len(step)) - np.repeat(np.cumsum(macs) - macs, macs)
    products = np.zeros((len(macs), job.config.macs, job.config.cols), np.float32)
    values, x = to_float32(job.dense[row, place], FP16), to_float32(job.x, FP16)
    with np.errstate(all="ignore"):
        products[step, lane] = values[:, None] * x[place]
        while products.shape[1] > 1:
            products = products[:, ::2] + products[:, 1::2]
        total = _accumulated(products[:, 0], row_end.astype(bool))
    return np.where(np.isnan(total), np.uint32(FP32.nan).view(np.float32), total)


def _accumulated(trees: npt.NDArray[np.float32], row_end: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Sums of the steps of each row, in order: all rows' first steps at once, then the second ones, and so on."""
    ends = np.flatnonzero(row_end)
    begins = np.concatenate([[0], ends[:-1] + 1])
    total = np.zeros((len(ends), trees.shape[1]), np.float32)
    for number in range(int((ends - begins).max()) + 1):
        rows = np.flatnonzero(begins + number <= ends)
        total[rows] += trees[begins[rows] + number]
    return total
