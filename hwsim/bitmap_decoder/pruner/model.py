"""Cycle model of the pruner: a timed process network with one firing per transfer of each port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwsim.bitmap_decoder.format import Ints
from hwsim.bitmap_decoder.front import Gates
from hwsim.bitmap_decoder.jobs import first_of_each
from hwsim.bitmap_decoder.pruner import timing
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.reference import PrunedVector, pruned
from hwsim.bitmap_decoder.pruner.vectors import Batch, same_pruner
from hwsim.network import Network


@dataclass(frozen=True, kw_only=True, eq=False)
class Packing:
    """The steps of all vectors, one for each chunk: what they add to the value buffer.

    Attributes:
        first: (vectors,) number of each vector's first step.
        final: (vectors,) number of its last.
        added: (steps,) places of the buffer that are taken up to each step, of all vectors.
        beat_step: (beats,) the step that completes each value beat.
    """

    first: Ints
    final: Ints
    added: Ints
    beat_step: Ints


def packing(batches: Sequence[Batch], vectors: Sequence[PrunedVector]) -> Packing:
    """The steps of batches that follow each other, and what `pruned` made of them."""
    config, chunks = same_pruner(batches), [batch.chunks for batch in batches for _ in range(batch.count)]
    count = np.array([int(each.sum()) for each in chunks], np.int64)
    first, added, beat_step, places = first_of_each(count), [], [], 0
    for vector, each, begin in zip(vectors, chunks, first, strict=True):
        taken, total = np.cumsum(_taken(config, vector, each)), int(vector.stored.sum())
        ends = np.minimum((np.arange(vector.beats) + 1) * config.beat_values, total)
        beat_step.append(np.searchsorted(taken, ends) + begin)
        filled = np.where(taken == total, vector.beats * config.beat_values, taken)
        added.append(places + filled)
        places += vector.beats * config.beat_values
    return Packing(first=first, final=first + count - 1, added=np.concatenate(added),
                   beat_step=np.concatenate(beat_step).astype(np.int64))


def _taken(config: PrunerConfig, vector: PrunedVector, chunks: Ints) -> Ints:
    """(steps,) non-zeros of each chunk, and with the last one of a tile what fills the tile up."""
    most = int(chunks.max())
    bits = vector.bitmaps[:, :most * config.lanes]
    padded = np.pad(bits, ((0, 0), (0, most * config.lanes - bits.shape[1])))
    ones = padded.reshape(len(chunks), most, config.lanes).sum(2).astype(np.int64)
    ones[np.arange(len(chunks)), chunks - 1] += vector.stored - vector.counts
    return ones[np.arange(most) < chunks[:, None]]


def pruner_network(batches: Sequence[Batch], offer: Gates | None = None, ready: Gates | None = None) -> Network:
    """Specification of the time, under any stalls from outside.

    Processes beside the ports: ``start`` takes a descriptor from its queue; ``move`` and ``pass`` bring a vector to
    selection and to packing; ``step`` packs a chunk.

    Args:
        batches: of one pruner, in order, without a reset between.
        offer: by input port (``p``, ``i``): bool (cycles,), when its source may begin to offer.
        ready: by output port (``h``, ``b``, ``c``, ``v``): bool (cycles,), when its sink is ready.
    """
    config, gates, sinks = same_pruner(batches), offer or {}, ready or {}
    steps = packing(batches, [vector for batch in batches for vector in pruned(batch)])
    counts = np.array([batch.count for batch in batches], np.int64)
    beats, tiles = (np.repeat([getattr(batch, name) for batch in batches], counts) for name in ("beats", "tiles"))
    net, vectors = Network("bitmap pruner, by beats"), len(beats)
    net.process("p", firings=len(batches), offer=gates.get("p"))
    net.process("start", firings=len(batches))
    net.process("i", firings=int(beats.sum()), offer=gates.get("i"))
    for name in ("move", "pass"):
        net.process(name, firings=vectors)
    net.process("step", firings=int(steps.final[-1]) + 1)
    _intake(net, config, first_of_each(counts), beats)
    net.depend("pass", on="move", delay=timing.digits(config) + tiles + timing.MARK)
    net.depend("move", on="pass", shift=1, stall="blocked")
    _marks(net, config, tiles, sinks)
    net.depend("step", on="pass", index=_placed(steps.first, len(steps.added)), delay=timing.HANDOVER)
    net.depend("pass", on="step", index=np.append(-1, steps.final[:-1]), stall="blocked")
    net.process("v", firings=len(steps.beat_step), accept=sinks.get("v"))
    net.depend("v", on="step", index=steps.beat_step, delay=timing.PACK)
    over = -(-(steps.added - config.capacity) // config.beat_values) - 1
    net.depend("step", on="v", index=np.maximum(over, -1), delay=timing.HANDOVER, stall="blocked")
    return net


def _intake(net: Network, config: PrunerConfig, first: Ints, beats: Ints) -> None:
    """Descriptors, beats, and the move of a vector that is complete; ``first``: each batch's first vector."""
    begin = first_of_each(beats)
    net.depend("start", on="p", delay=timing.QUEUE)
    net.depend("p", on="start", shift=config.p_slots, delay=timing.HANDOVER, stall="blocked")
    net.depend("start", on="i", index=np.append(-1, begin[first[1:]] - 1), stall="blocked")
    net.depend("i", on="start", index=_placed(begin[first], int(beats.sum())), delay=timing.HANDOVER)
    before = np.full(int(beats.sum()), -1, np.int64)
    before[begin[1:]] = np.arange(len(beats) - 1)
    net.depend("i", on="move", index=before, stall="blocked")
    net.depend("move", on="i", index=begin + beats - 1, delay=timing.HANDOVER)


def _marks(net: Network, config: PrunerConfig, tiles: Ints, sinks: Gates) -> None:
    """Ports ``h``, ``b`` and ``c``; a vector moves only when the queues have room for all that comes of it."""
    end, vector = np.cumsum(tiles), np.repeat(np.arange(len(tiles)), tiles)
    tile = np.arange(len(vector)) - (end - tiles)[vector]
    marked = timing.digits(config) + timing.MARK + timing.RESULT_QUEUE
    net.process("h", firings=len(tiles), accept=sinks.get("h"))
    net.depend("h", on="move", delay=marked + tiles - 1)
    net.depend("move", on="h", shift=config.o_depth, delay=timing.HANDOVER, stall="blocked")
    room = np.maximum(end - config.b_slots - 1, -1)
    for port in ("b", "c"):
        net.process(port, firings=len(vector), accept=sinks.get(port))
        net.depend(port, on="move", index=vector, delay=marked + tile)
        net.depend("move", on=port, index=room, delay=timing.HANDOVER, stall="blocked")


def _placed(places: Ints, length: int) -> Ints:
    """(length,): the number of each of these places at it, elsewhere -1."""
    found = np.full(length, -1, np.int64)
    found[places] = np.arange(len(places))
    return found
