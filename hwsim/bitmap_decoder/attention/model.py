"""Cycle model of attention: a timed process network with one firing per transfer of each port.

Processes beside the ports: ``load`` makes the next tile the one at hand, ``step`` multiplies, ``out`` reads an
accumulator at the end. What lies between the steps of keys and values of a block, the softmax, has a fixed length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.bitmap_decoder.attention import timing
from hwsim.bitmap_decoder.attention.query import Query
from hwsim.bitmap_decoder.attention.steps import AttentionSteps, steps_of
from hwsim.bitmap_decoder.format import Ints
from hwsim.bitmap_decoder.front import Gates, value_waits
from hwsim.config import shared
from hwsim.network import Network


def attention_network(queries: Sequence[Query], offer: Gates | None = None, ready: Gates | None = None) -> Network:
    """Specification of the time, under any stalls from outside.

    Args:
        queries: of one component, in order, without a reset between.
        offer: by input port (``h``, ``q``, ``b``, ``v``): bool (cycles,), when its source may begin to offer.
        ready: by output port (``o``, ``s``): bool (cycles,), when its sink is ready.
    """
    config, steps, gates, sinks = shared("queries", queries), steps_of(queries), offer or {}, ready or {}
    blocks = [block for query in queries for block in query.blocks]
    last_block = np.cumsum([len(query.blocks) for query in queries]) - 1
    first_block = np.append(0, last_block[:-1] + 1)
    net = Network("bitmap attention, by beats")
    net.process("h", firings=len(blocks), offer=gates.get("h"))
    net.process("q", firings=len(queries) * config.query_beats, offer=gates.get("q"))
    net.process("b", firings=sum(len(block.counts) for block in blocks if not block.dense), offer=gates.get("b"))
    net.process("v", firings=sum(block.beats for block in blocks), offer=gates.get("v"))
    net.process("load", firings=len(np.unique(steps.tile)))
    net.process("step", firings=len(steps.job))
    net.process("out", firings=len(queries) * config.channels)
    net.process("o", firings=len(queries) * config.channels, accept=sinks.get("o"))
    net.process("s", firings=len(queries), accept=sinks.get("s"))
    _tiles(net, queries, steps)
    _values(net, queries, steps)
    _query(net, queries, steps, first_block, last_block)
    _results(net, queries, steps, last_block)
    finished, sent = np.append(-1, steps.last_of_job[:-1]), np.full(len(blocks), -1)
    emitted = sent.copy()
    emitted[first_block[1:]] = (np.arange(len(queries) - 1) + 1) * config.channels - 1
    sent[first_block[1:]] = np.arange(len(queries) - 1)
    for on, index in (("step", finished), ("out", emitted), ("s", sent)):
        net.depend("h", on=on, index=index, delay=timing.HANDOVER, stall="blocked")
    return net


def _tiles(net: Network, queries: Sequence[Query], steps: AttentionSteps) -> None:
    """Bitmaps, and the tile at hand."""
    config, tiles = queries[0].config, len(steps.last_of_tile)
    dense = np.repeat([block.dense for query in queries for block in query.blocks], steps.block_tiles)
    with_bitmap = np.flatnonzero(~dense)
    bitmap, header = np.full(tiles, -1, np.int64), np.full(tiles, -1, np.int64)
    bitmap[with_bitmap] = np.arange(len(with_bitmap))
    header[np.cumsum(steps.block_tiles) - steps.block_tiles] = np.arange(len(steps.block_tiles))
    room = np.concatenate([np.full(config.b_slots, -1), with_bitmap])[:len(with_bitmap)]
    net.depend("load", on="h", index=header, delay=timing.HANDOVER)
    net.depend("load", on="b", index=bitmap, delay=timing.QUEUE)
    net.depend("load", on="step", index=np.append(-1, steps.last_of_tile[:-1]), stall="blocked")
    net.depend("b", on="load", index=room, delay=timing.HANDOVER, stall="blocked")
    net.depend("step", on="load", index=steps.tile, delay=timing.HANDOVER)
    net.depend("step", on="step", index=steps.before, delay=timing.again(config), name="accumulator in use")


def _values(net: Network, queries: Sequence[Query], steps: AttentionSteps) -> None:
    """Values, and the softmax between a block's keys and its values."""
    config, blocks = queries[0].config, [block for query in queries for block in query.blocks]
    beats = np.array([block.beats for block in blocks], np.int64)
    need, room = value_waits(beats, steps, config.beat_values, config.capacity)
    begun = np.full(len(room), -1, np.int64)
    begun[(np.cumsum(beats) - beats)[beats > 0]] = np.flatnonzero(beats)
    net.depend("v", on="h", index=begun, delay=timing.HANDOVER)
    net.depend("v", on="step", index=room, delay=timing.HANDOVER, stall="blocked")
    net.depend("step", on="v", index=need, delay=timing.HANDOVER)
    weights, delay = np.full(len(steps.job), -1, np.int64), np.zeros(len(steps.job), np.int64)
    weights[steps.last_of_keys + 1] = steps.last_of_keys
    delay[steps.last_of_keys + 1] = [timing.softmax(config, block.tokens) for block in blocks]
    net.depend("step", on="step", index=weights, delay=delay, name="softmax")


def _query(net: Network, queries: Sequence[Query], steps: AttentionSteps, first: Ints, last: Ints) -> None:
    """The query stays until its last block's keys are done."""
    count = queries[0].config.query_beats
    begin = np.append(0, steps.last_of_job[:-1] + 1)
    there, room = np.full(len(steps.job), -1, np.int64), np.full(len(queries) * count, -1, np.int64)
    there[begin[first]] = (np.arange(len(queries)) + 1) * count - 1
    room[np.arange(1, len(queries)) * count] = steps.last_of_keys[last[:-1]]
    net.depend("step", on="q", index=there, delay=timing.HANDOVER)
    net.depend("q", on="step", index=room, delay=timing.HANDOVER, stall="blocked")


def _results(net: Network, queries: Sequence[Query], steps: AttentionSteps, last: Ints) -> None:
    """Reciprocal, results, maximum and sum."""
    config = queries[0].config
    tokens = [query.blocks[-1].tokens for query in queries]
    weighted = np.array([timing.softmax(config, count) for count in tokens], np.int64)
    divided = weighted + timing.DIVIDE + timing.fold(config)
    summed, weighed = (np.full(len(queries) * config.channels, -1, np.int64) for _ in range(2))
    delay = np.zeros(len(summed), np.int64)
    begin = np.arange(len(queries)) * config.channels
    summed[begin], weighed[begin], delay[begin] = steps.last_of_job[last], steps.last_of_keys[last], divided
    net.depend("out", on="step", index=summed, delay=timing.accumulated(config), name="sums")
    net.depend("out", on="step", index=weighed, delay=delay, name="reciprocal")
    net.depend("out", on="o", shift=config.o_depth, delay=timing.HANDOVER, stall="blocked")
    net.depend("o", on="out", delay=timing.normalised(config))
    net.depend("s", on="out", index=begin, delay=timing.HANDOVER)
