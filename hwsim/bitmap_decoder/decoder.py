"""The decoder: its values (reference) and its times (model)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwsim.bitmap_decoder import timing
from hwsim.bitmap_decoder.config import DecoderConfig
from hwsim.bitmap_decoder.format import Bools, Elements, Ints, unpack_values
from hwsim.bitmap_decoder.front import Gates, Steps, add_front
from hwsim.bitmap_decoder.jobs import Job, first_of_each
from hwsim.config import shared
from hwsim.network import Network

DecoderJob = Job[DecoderConfig]


@dataclass(frozen=True, kw_only=True, eq=False)
class DenseBeats:
    """Result beats of one job.

    Attributes:
        elements: (beats, lanes); zeros in lanes behind a tile's end.
        row_end: (beats,) bool, the last beat of its row.
        last: (beats,) bool, the job's last.
    """

    elements: Elements
    row_end: Bools
    last: Bools


def tile_sizes(job: DecoderJob) -> Ints:
    """(tiles,) elements of each tile: ragged at the end of a row."""
    sizes = np.full(job.row_tiles, job.config.tile)
    sizes[-1] = job.elements - (job.row_tiles - 1) * job.config.tile
    return np.tile(sizes, job.rows)


def decode(job: DecoderJob) -> DenseBeats:
    """Specification of the values: what comes of bitmaps and packed values, cut into beats tile by tile."""
    config = job.config
    dense = unpack_values(config, job.bitmaps, job.values)
    padded = np.pad(dense, ((0, 0), (0, config.chunks * config.lanes - config.tile)))
    beats = -(-tile_sizes(job) // config.lanes)
    there = (np.arange(config.chunks) < beats[:, None]).reshape(-1)
    row_end = np.zeros(int(there.sum()), bool)
    row_end[np.cumsum(beats)[job.row_tiles - 1::job.row_tiles] - 1] = True
    last = np.zeros(len(row_end), bool)
    last[-1] = True
    return DenseBeats(elements=padded.reshape(-1, config.lanes)[there], row_end=row_end, last=last)


def steps_of(jobs: Sequence[DecoderJob]) -> Steps:
    """One step for each result beat."""
    config = shared("jobs", jobs)
    beats = np.concatenate([-(-tile_sizes(job) // config.lanes) for job in jobs])
    tile = np.repeat(np.arange(len(beats)), beats)
    number = np.arange(len(tile)) - first_of_each(beats)[tile]
    bits = np.concatenate([job.bitmaps for job in jobs])
    chunks = np.pad(bits, ((0, 0), (0, config.chunks * config.lanes - config.tile)))
    macs = chunks.reshape(len(bits), config.chunks, config.lanes).sum(2)[tile, number].astype(np.int64)
    stored, counts = (np.concatenate([getattr(job, name) for job in jobs]) for name in ("stored", "counts"))
    taken = macs + np.where(number == beats[tile] - 1, (stored - counts)[tile], 0)
    of_tile = np.repeat(np.arange(len(jobs)), [len(job.counts) for job in jobs])
    row_end = np.concatenate([decode(job).row_end for job in jobs])
    return Steps(job=of_tile[tile], tile=tile, taken=taken, macs=macs, row_end=row_end, reach=np.full(len(tile), -1))


def decoder_network(jobs: Sequence[DecoderJob], offer: Gates | None = None, ready: Gates | None = None) -> Network:
    """Specification of the time: one firing per transfer of each port, under any stalls from outside.

    Processes beside the ports: ``scan`` looks at the next bits of a tile and counts them, one register ahead of
    ``step``, which takes the values.

    Args:
        jobs: of one decoder, in order, without a reset between.
        offer: by input port (``h``, ``b``, ``v``): bool (cycles,), when its source may begin to offer.
        ready: by output port (``o``): bool (cycles,), when its sink is ready.
    """
    config, steps = shared("jobs", jobs), steps_of(jobs)
    net, count = Network("bitmap decoder, by beats"), len(steps.job)
    add_front(net, jobs, steps, offer or {})
    net.process("scan", firings=count)
    net.process("o", firings=count, accept=(ready or {}).get("o"))
    net.depend("scan", on="h", index=np.where(steps.first_of_job, steps.job, -1), delay=timing.HANDOVER)
    net.depend("scan", on="b", index=steps.tile, delay=timing.QUEUE)
    net.depend("scan", on="step", shift=1, stall="blocked")
    freed = np.concatenate([np.full(config.b_slots, -1), steps.last_of_tile])[:len(steps.last_of_tile)]
    net.depend("b", on="scan", index=freed, delay=timing.HANDOVER, stall="blocked")
    net.depend("step", on="scan", delay=timing.HANDOVER)
    net.depend("step", on="o", shift=config.o_depth, delay=timing.HANDOVER, stall="blocked")
    net.depend("o", on="step", delay=timing.DECODE)
    return net
