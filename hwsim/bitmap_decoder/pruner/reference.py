"""Reference of the pruner: the specification of the values, in plain NumPy, with no time in it.

One rule, the same as `hwsim.sparsity.nm.nm_mask` and SORE have: of a vector the ``keep`` largest magnitudes stay; among
equals the lower position wins. A kept element that is zero (of either sign) is not stored: its bit is 0, and it comes
back as +0. FP16 magnitudes compare as whole numbers, so that a NaN stands above infinity: it is kept, and told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.bitmap_decoder.format import Bools, Elements, Ints
from hwsim.bitmap_decoder.jobs import Job
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.vectors import Batch
from hwsim.errors import InputError
from hwsim.floats import FP16

PrunedVector = Job[PrunerConfig]
"""Kept elements chosen, as a decoder takes it: of values one vector, a job of one row; of keys a group of vectors, a
row for each channel."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """What port ``c`` tells of each tile of a batch, in order: arrays (tiles,).

    Attributes:
        count: non-zeros of the tile.
        offset: where its values begin among all that the batch sends on port ``v``: values before it, those that fill
            up tiles and last beats among them. With ``beat_values == pad`` it is the sum of the tiles before.
        nan: whether its vector has a NaN; of keys, any vector of its group.
        end: whether it is the last of its vector or group.
        last: whether it is the batch's last.
    """

    count: Ints
    offset: Ints
    nan: Bools
    end: Bools
    last: Bools


def magnitudes(config: PrunerConfig, vectors: Elements) -> Ints:
    """What is compared: bits below the sign for ``fp16``, absolute values (128 for -128) for ``int8``."""
    if config.data_type == "fp16":
        return (vectors & 0x7FFF).astype(np.int64)
    return np.abs(vectors.astype(np.int64))


def keep_mask(config: PrunerConfig, vectors: Elements, keep: int) -> Bools:
    """(vectors, elements): which elements are stored."""
    size = magnitudes(config, vectors)
    kept = np.zeros(vectors.shape, np.bool_)
    np.put_along_axis(kept, np.argsort(-size, axis=1, kind="stable")[:, :keep], True, axis=1)
    kept[size == 0] = False
    return kept


def pruned(batch: Batch) -> list[PrunedVector]:
    """The jobs of a batch: of values a vector each, of keys a group of vectors, turned."""
    kept, ends = keep_mask(batch.config, batch.vectors, batch.keep), np.cumsum(batch.job_vectors)
    parts = [slice(end - count, end) for count, end in zip(batch.job_vectors, ends, strict=True)]
    if batch.config.side == "values":
        return [Job(config=batch.config, dense=batch.vectors[part], kept=kept[part]) for part in parts]
    return [Job(config=batch.config, dense=np.ascontiguousarray(batch.vectors[part].T), kept=kept[part].T.copy())
            for part in parts]


def records(batch: Batch, jobs: Sequence[PrunedVector]) -> Records:
    """Specification of port ``c``, of a batch and what `pruned` made of it."""
    beats, width = np.array([job.beats for job in jobs], np.int64), batch.config.beat_values
    begin = (np.cumsum(beats) - beats) * width
    offset = [first + np.cumsum(job.stored) - job.stored for first, job in zip(begin, jobs, strict=True)]
    tiles = np.array([len(job.counts) for job in jobs])
    nan = np.logical_or.reduceat(has_nan(batch), np.cumsum(batch.job_vectors) - batch.job_vectors)
    number = np.arange(tiles.sum())
    return Records(count=np.concatenate([job.counts for job in jobs]), offset=np.concatenate(offset),
                   nan=np.repeat(nan, tiles), end=np.isin(number, np.cumsum(tiles) - 1), last=number == tiles.sum() - 1)


def has_nan(batch: Batch) -> Bools:
    """(vectors,) whether each has a NaN."""
    if batch.config.data_type == "int8":
        return np.zeros(batch.count, bool)
    found: Bools = np.logical_or.reduce(magnitudes(batch.config, batch.vectors) > FP16.infinity, axis=1)
    return found


def prune(config: PrunerConfig, vectors: npt.NDArray[np.float16] | npt.NDArray[np.int8],
          keep: int) -> list[PrunedVector]:
    """Compress vectors of numbers as the pruner does: a job for each vector, of keys for each group.

    Args:
        config: of the pruner.
        vectors: (vectors, elements), float16 for ``fp16``, int8 for ``int8``.
        keep: elements that stay of each.

    Raises:
        InputError: another dtype or shape, more elements than a vector may have, a NaN, ``keep`` out of range.
    """
    wanted = np.dtype(np.float16 if config.data_type == "fp16" else np.int8)
    if not isinstance(vectors, np.ndarray) or vectors.dtype != wanted or vectors.ndim != 2:
        given = f"{vectors.dtype} of rank {vectors.ndim}" if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise InputError("vectors", f"a matrix of {wanted}", given)
    bad = np.isnan(vectors)
    if bad.any():
        place = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
        raise InputError("vectors", "numbers", f"NaN at {place}")
    bits: Elements = np.ascontiguousarray(vectors)
    return pruned(Batch(config=config, vectors=bits.view(np.uint16) if wanted == np.float16 else bits, keep=keep))
