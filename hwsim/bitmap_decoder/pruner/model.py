"""Cycle model of the pruner: a timed process network with one firing per transfer of each port."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.bitmap_decoder.format import Ints
from hwsim.bitmap_decoder.front import Gates
from hwsim.bitmap_decoder.jobs import first_of_each
from hwsim.bitmap_decoder.pruner import timing
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.packing import Packing, add_packing, packing, placed
from hwsim.bitmap_decoder.pruner.reference import pruned
from hwsim.bitmap_decoder.pruner.transpose_model import add_transpose
from hwsim.bitmap_decoder.pruner.vectors import Batch
from hwsim.config import shared
from hwsim.network import Network


def pruner_network(batches: Sequence[Batch], offer: Gates | None = None, ready: Gates | None = None) -> Network:
    """Specification of the time, under any stalls from outside.

    Processes beside the ports: ``start`` takes a descriptor from its queue; ``move`` brings a vector to selection,
    ``pass`` to packing or to the transposing memory; ``step`` packs a chunk.

    Args:
        batches: of one pruner, in order, without a reset between.
        offer: by input port (``p``, ``i``): bool (cycles,), when its source may begin to offer.
        ready: by output port (``h``, ``b``, ``c``, ``v``): bool (cycles,), when its sink is ready.
    """
    config, gates, sinks = shared("batches", batches), offer or {}, ready or {}
    steps = packing(batches, [job for batch in batches for job in pruned(batch)])
    counts = np.array([batch.count for batch in batches], np.int64)
    beats, tiles = (np.repeat([getattr(batch, name) for batch in batches], counts) for name in ("beats", "tiles"))
    net, vectors = Network("bitmap pruner, by beats"), len(beats)
    net.process("p", firings=len(batches), offer=gates.get("p"))
    net.process("start", firings=len(batches))
    net.process("i", firings=int(beats.sum()), offer=gates.get("i"))
    for name in ("move", "pass"):
        net.process(name, firings=vectors)
    _intake(net, config, first_of_each(counts), beats)
    net.depend("pass", on="move", delay=timing.digits(config) + tiles + timing.MARK)
    net.depend("move", on="pass", shift=1, stall="blocked")
    add_packing(net, config, steps, sinks)
    if config.side == "keys":
        add_transpose(net, batches, steps, sinks)
    else:
        _values(net, config, tiles, steps, sinks)
    return net


def _intake(net: Network, config: PrunerConfig, first: Ints, beats: Ints) -> None:
    """Descriptors, beats, and the move of a vector that is complete; ``first``: each batch's first vector."""
    begin = first_of_each(beats)
    net.depend("start", on="p", delay=timing.QUEUE)
    net.depend("p", on="start", shift=config.p_slots, delay=timing.HANDOVER, stall="blocked")
    net.depend("start", on="i", index=np.append(-1, begin[first[1:]] - 1), stall="blocked")
    net.depend("i", on="start", index=placed(begin[first], int(beats.sum())), delay=timing.HANDOVER)
    before = np.full(int(beats.sum()), -1, np.int64)
    before[begin[1:]] = np.arange(len(beats) - 1)
    net.depend("i", on="move", index=before, stall="blocked")
    net.depend("move", on="i", index=begin + beats - 1, delay=timing.HANDOVER)


def _values(net: Network, config: PrunerConfig, tiles: Ints, steps: Packing, sinks: Gates) -> None:
    """Ports ``h``, ``b`` and ``c``, told while tiles are marked; a vector moves only when the queues have room for all
    that comes of it. Each vector is packed as it passes.
    """
    net.depend("step", on="pass", index=placed(steps.first, len(steps.added)), delay=timing.HANDOVER)
    net.depend("pass", on="step", index=np.append(-1, steps.final[:-1]), stall="blocked")
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
