"""Time of the transposing memory: pruned keys are written token by token, and read channel by channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.bitmap_decoder.format import Ints
from hwsim.bitmap_decoder.front import Gates
from hwsim.bitmap_decoder.jobs import first_of_each
from hwsim.bitmap_decoder.pruner import timing
from hwsim.bitmap_decoder.pruner.packing import Packing, placed
from hwsim.bitmap_decoder.pruner.vectors import Batch
from hwsim.config import shared
from hwsim.network import Network


def add_transpose(net: Network, batches: Sequence[Batch], steps: Packing, sinks: Gates) -> None:
    """Ports ``h``, ``b`` and ``c``, and what lies between ``pass`` and ``step``.

    Processes: ``write`` takes ``lanes`` channels of a token into one half of the memory, ``load`` turns to a half that
    is full, ``fetch`` reads ``lanes`` tokens of a channel, which are at hand for a step a cycle later.
    """
    config = shared("batches", batches)
    tokens = np.concatenate([batch.job_vectors for batch in batches])
    beats, channels = (np.concatenate([np.full(len(batch.job_vectors), getattr(batch, name)) for batch in batches])
                       for name in ("beats", "elements"))
    writes = tokens * beats
    for name, firings in (("write", writes.sum()), ("load", len(tokens)), ("fetch", len(steps.added))):
        net.process(name, firings=int(firings))
    _write(net, np.repeat(beats, tokens), _fetched(steps, writes, beats, channels, config.lanes))
    net.depend("load", on="write", index=np.cumsum(writes) - 1, delay=timing.HANDOVER)
    net.depend("load", on="fetch", index=np.append(-1, steps.final[:-1]), stall="blocked")
    net.depend("fetch", on="load", index=placed(steps.first, len(steps.added)), delay=timing.HANDOVER)
    net.depend("fetch", on="step", shift=1, stall="blocked")
    net.depend("step", on="fetch", delay=timing.FETCH)
    net.process("h", firings=len(tokens), accept=sinks.get("h"))
    net.depend("h", on="load", delay=timing.RESULT_QUEUE)
    net.depend("load", on="h", shift=config.o_depth, delay=timing.HANDOVER, stall="blocked")
    room = np.full(len(steps.added), -1, np.int64)
    room[steps.tile] = np.maximum(np.arange(len(steps.tile)) - config.b_slots, -1)
    for port in ("b", "c"):
        net.process(port, firings=len(steps.tile), accept=sinks.get(port))
        net.depend(port, on="step", index=steps.tile, delay=timing.RESULT_QUEUE)
        net.depend("step", on=port, index=room, delay=timing.HANDOVER, stall="blocked")


def _write(net: Network, beats: Ints, fetched: Ints) -> None:
    """Vectors of so many beats each, one after the other, each when it passes."""
    begin, total = first_of_each(beats), int(beats.sum())
    net.depend("write", on="pass", index=placed(begin, total), delay=timing.HANDOVER)
    net.depend("pass", on="write", index=begin - 1, stall="blocked")
    net.depend("write", on="fetch", index=fetched, delay=timing.HANDOVER, stall="blocked")


def _fetched(steps: Packing, writes: Ints, beats: Ints, channels: Ints, lanes: int) -> Ints:
    """(writes,) the fetch that must be over: that of the last of the channels written to, two groups before. A group's
    later tokens come behind its first, whose writes wait.
    """
    found, begin = np.full(int(writes.sum()), -1, np.int64), first_of_each(writes)
    tiles = np.append(steps.tile, len(steps.added))
    before = first_of_each(channels)
    for group in range(2, len(writes)):
        last = np.minimum((np.arange(beats[group]) + 1) * lanes, channels[group - 2])
        found[begin[group]:begin[group] + beats[group]] = tiles[before[group - 2] + last] - 1
    return found
