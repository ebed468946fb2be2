"""Packing: which elements each step moves into the beats of values, the same for both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwsim.bitmap_decoder.format import Ints
from hwsim.bitmap_decoder.front import Gates
from hwsim.bitmap_decoder.jobs import first_of_each
from hwsim.bitmap_decoder.pruner import timing
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.reference import PrunedVector
from hwsim.bitmap_decoder.pruner.vectors import Batch
from hwsim.config import shared
from hwsim.network import Network


@dataclass(frozen=True, kw_only=True, eq=False)
class Packing:
    """The steps of all jobs, one for each chunk: what they add to the value buffer.

    Attributes:
        first: (jobs,) number of each job's first step.
        final: (jobs,) number of its last.
        tile: (tiles,) number of each tile's first step, tiles of all jobs.
        added: (steps,) places of the buffer that are taken up to each step, of all jobs.
        beat_step: (beats,) the step that completes each value beat.
    """

    first: Ints
    final: Ints
    tile: Ints
    added: Ints
    beat_step: Ints


def packing(batches: Sequence[Batch], jobs: Sequence[PrunedVector]) -> Packing:
    """The steps of batches that follow each other, and what `pruned` made of them."""
    config, chunks = shared("batches", batches), [each for batch in batches for each in batch.job_chunks]
    count = np.array([int(each.sum()) for each in chunks], np.int64)
    first, added, beat_step, places = first_of_each(count), [], [], 0
    for job, each, begin in zip(jobs, chunks, first, strict=True):
        taken, total = np.cumsum(_taken(config, job, each)), int(job.stored.sum())
        ends = np.minimum((np.arange(job.beats) + 1) * config.beat_values, total)
        beat_step.append(np.searchsorted(taken, ends) + begin)
        filled = np.where(taken == total, job.beats * config.beat_values, taken)
        added.append(places + filled)
        places += job.beats * config.beat_values
    return Packing(first=first, final=first + count - 1, tile=first_of_each(np.concatenate(chunks)),
                   added=np.concatenate(added), beat_step=np.concatenate(beat_step).astype(np.int64))


def _taken(config: PrunerConfig, job: PrunedVector, chunks: Ints) -> Ints:
    """(steps,) non-zeros of each chunk, and with the last one of a tile what fills the tile up."""
    most = int(chunks.max())
    bits = job.bitmaps[:, :most * config.lanes]
    padded = np.pad(bits, ((0, 0), (0, most * config.lanes - bits.shape[1])))
    ones = padded.reshape(len(chunks), most, config.lanes).sum(2).astype(np.int64)
    ones[np.arange(len(chunks)), chunks - 1] += job.stored - job.counts
    return ones[np.arange(most) < chunks[:, None]]


def add_packing(net: Network, config: PrunerConfig, steps: Packing, sinks: Gates) -> None:
    """Processes ``step`` and ``v``, and the room between them."""
    net.process("step", firings=len(steps.added))
    net.process("v", firings=len(steps.beat_step), accept=sinks.get("v"))
    net.depend("v", on="step", index=steps.beat_step, delay=timing.PACK)
    over = -(-(steps.added - config.capacity) // config.beat_values) - 1
    net.depend("step", on="v", index=np.maximum(over, -1), delay=timing.HANDOVER, stall="blocked")


def placed(places: Ints, length: int) -> Ints:
    """(length,): the number of each of these places at it, elsewhere -1."""
    found = np.full(length, -1, np.int64)
    found[places] = np.arange(len(places))
    return found
