"""What all components have in common in time: headers, bitmaps, and values that wait in a buffer until they are taken.

A *step* takes a number of values that only the bitmaps decide; it is the process ``step`` of every component's network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwsim.bitmap_decoder import timing
from hwsim.bitmap_decoder.format import Bools, Ints
from hwsim.bitmap_decoder.jobs import ConfigT, Job, first_of_each
from hwsim.config import shared
from hwsim.network import Network

Gates = Mapping[str, Bools]


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """The steps of all jobs, in order: arrays (steps,).

    Attributes:
        job: which job it belongs to.
        tile: the tile at hand, counted over all jobs.
        taken: values that leave the buffer, those that fill up a tile among them.
        macs: non-zeros among them.
        row_end: whether it is the last of its row.
        reach: the tile behind, where its non-zeros are needed too; else -1.
    """

    job: Ints
    tile: Ints
    taken: Ints
    macs: Ints
    row_end: Bools
    reach: Ints

    @property
    def last_of_job(self) -> Ints:
        """(jobs,) number of the last step of each job."""
        return np.flatnonzero(np.append(np.diff(self.job), 1))

    @property
    def first_of_job(self) -> Bools:
        """(steps,) whether it is the first of its job."""
        return np.diff(self.job, prepend=-1) > 0

    @property
    def last_of_tile(self) -> Ints:
        """(tiles,) number of the last step that has the tile at hand."""
        return np.flatnonzero(np.append(np.diff(self.tile), 1))


def add_front(net: Network, jobs: Sequence[Job[ConfigT]], steps: Steps, offer: Gates) -> None:
    """Add ``h``, ``b``, ``v`` and ``step`` to a network, and what holds between ``h``, ``v`` and ``step``."""
    config, beats = shared("jobs", jobs), np.array([job.beats for job in jobs], np.int64)
    net.process("h", firings=len(jobs), offer=offer.get("h"))
    net.process("b", firings=sum(len(job.counts) for job in jobs), offer=offer.get("b"))
    net.process("v", firings=int(beats.sum()), offer=offer.get("v"))
    net.process("step", firings=len(steps.job))
    finished = np.concatenate([[-1], steps.last_of_job[:-1]])
    net.depend("h", on="step", index=finished, delay=timing.HANDOVER, stall="blocked")
    need, room = value_waits(beats, steps, config.beat_values, config.capacity)
    begun = np.full(len(room), -1, np.int64)
    begun[first_of_each(beats)[beats > 0]] = np.flatnonzero(beats)
    net.depend("v", on="h", index=begun, delay=timing.HANDOVER)
    net.depend("v", on="step", index=room, delay=timing.HANDOVER, stall="blocked")
    net.depend("step", on="v", index=need, delay=timing.HANDOVER)


def value_waits(job_beats: Ints, steps: Steps, beat: int, capacity: int) -> tuple[Ints, Ints]:
    """The beat that each step waits for, and the step that each beat waits for; every job begins with a new beat.

    Args:
        job_beats: (jobs,) beats of each job.
        steps: of all jobs.
        beat: values of a beat.
        capacity: values that the buffer holds.
    """
    need, room, beats, begin = [], [], 0, 0
    for count, end in zip(job_beats.tolist(), steps.last_of_job + 1, strict=True):
        taken = np.cumsum(steps.taken[begin:end])
        last = -(-taken // beat) - 1
        need.append(np.where(last >= 0, last + beats, -1))
        over = beat * (np.arange(count) + 1) - capacity  # so many must have been taken
        room.append(np.where(over > 0, np.searchsorted(taken, over) + begin, -1))
        beats, begin = beats + count, int(end)
    return np.concatenate(need), np.concatenate(room).astype(np.int64)
