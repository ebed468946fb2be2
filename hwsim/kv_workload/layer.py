"""Attention of one layer over its cache, as a timed network in which a firing is a block of 64 tokens.

    dram     fetches blocks into buffers of clusters, in the order in which they are expected to begin
    units    a cluster works on its blocks one after the other
    done     the last result of a block's query

A head's blocks are cut into ``splits`` runs of equal length; a run goes to the cluster with the least work so far, and
leaves maximum, sum and weighted values, from which the runs of a head are put together; that is not timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from hwsim.bitmap_decoder.format import Ints
from hwsim.kv_workload.blocks import Pool, decoded_pool, dense_pool, skip_pool
from hwsim.kv_workload.machine import Engine, KvMachine
from hwsim.kv_workload.models import KvModel
from hwsim.kv_workload.pruning import KvPruning
from hwsim.memory import Dram
from hwsim.network import Network

Parts = Sequence[tuple[Pool, int]]
"""Pools of a head's blocks, oldest tokens first, and how many blocks of each."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Blocks:
    """Blocks of one layer in the order in which they are fetched; arrays (blocks,).

    Attributes:
        nbytes: from DRAM.
        cycles: of its cluster.
        end: cycles of its cluster between it and the next block, where a run ends.
        cluster: which cluster works on it.
        edge: cycles before the first step and behind the last of a run.
    """

    nbytes: Ints
    cycles: Ints
    end: Ints
    cluster: Ints
    edge: int


@dataclass(frozen=True, kw_only=True)
class LayerTime:
    """Attention of one layer.

    ``cycles``: from the first request to the last result. ``dram_busy`` and ``cluster_busy``: cycles of the DRAM, and
    of all clusters together.
    """

    cycles: int
    dram_busy: int
    cluster_busy: int
    nbytes: int
    splits: int


def parts_of(model: KvModel, machine: KvMachine, pruning: KvPruning, sparsity: float, engine: Engine,
             context: int) -> Parts:
    """Blocks of one head with ``context`` tokens: compressed, dense, and the rest that is no whole block."""
    tile = machine.attention(model.shape.channels).tile
    compressed = 0 if engine == "dense" else pruning.cache(sparsity).compressed_tokens(context)
    whole, rest = divmod(context - compressed, tile)
    parts = [(dense_pool(model, machine, tile), whole)]
    if compressed:
        pool = {"decoded": decoded_pool, "skip": skip_pool}[engine](model, machine, pruning, sparsity)
        parts = [(pool, compressed // tile), *parts]
    if rest:
        parts.append((dense_pool(model, machine, rest), 1))
    return [part for part in parts if part[1]]


def blocks_of(parts: Parts, heads: int, clusters: int, splits: int) -> Blocks:
    """All blocks of ``heads`` pairs of sequence and head, on their clusters; blocks take turns over the layer."""
    count = sum(number for _, number in parts)
    columns = [_turns(pool, number, heads) for pool, number in parts]
    nbytes, cycles = (np.concatenate([column[side] for column in columns], axis=1) for side in (0, 1))
    run = np.arange(count) * min(splits, count) // count
    last = np.append(np.diff(run) > 0, True)
    end = np.tile(last * parts[0][0].end, heads)
    busy = cycles.reshape(-1) + end
    first = np.flatnonzero(np.append(True, np.tile(last, heads)[:-1]))
    work = np.add.reduceat(busy, first)
    owner = _dispatch(work, clusters)
    cluster = np.repeat(owner, np.diff(np.append(first, len(busy))))
    order = np.lexsort((cluster, _begin(busy, cluster)))
    return Blocks(nbytes=nbytes.reshape(-1)[order], cycles=cycles.reshape(-1)[order], end=end[order],
                  cluster=cluster[order], edge=parts[0][0].start + parts[0][0].drain)


def _turns(pool: Pool, number: int, heads: int) -> tuple[Ints, Ints]:
    """Bytes and cycles, each (heads, number)."""
    turn = (np.arange(heads * number) % len(pool.nbytes)).reshape(heads, number)
    return pool.nbytes[turn], pool.cycles[turn]


@numba.njit(cache=True)
def _dispatch(work: Any, clusters: int) -> Any:  # pragma: no cover - compiled
    """(runs,) the cluster of each: that with the least work so far, among equals the first."""
    load, owner = np.zeros(clusters, np.int64), np.empty(len(work), np.int64)
    for run in range(len(work)):
        owner[run] = np.argmin(load)
        load[owner[run]] += work[run]
    return owner


def _begin(busy: Ints, cluster: Ints) -> Ints:
    """(blocks,) cycles of the same cluster's earlier blocks: when each begins if it never waits for DRAM."""
    order = np.argsort(cluster, kind="stable")
    before = np.cumsum(busy[order]) - busy[order]
    own = np.append(True, np.diff(cluster[order]) > 0)
    begin = np.empty_like(before)
    begin[order] = before - np.maximum.accumulate(np.where(own, before, 0))
    return begin


def layer_network(machine: KvMachine, dram: Dram, clock_hz: float, blocks: Blocks) -> Network:
    """The network of one layer."""
    service, count = dram.service_cycles(blocks.nbytes, clock_hz), len(blocks.nbytes)
    net = Network("attention over a cache, by blocks")
    net.process("dram", firings=count, interval=service)
    net.process("units", firings=count, interval=0, latency=blocks.cycles)
    net.process("done", firings=count, interval=0, latency=0)
    before, room = _earlier(blocks.cluster, 1), _earlier(blocks.cluster, machine.slots)
    net.depend("dram", on="units", index=room, delay=blocks.cycles[room], stall="blocked")
    net.depend("units", on="dram", delay=service + dram.latency_cycles(clock_hz))
    net.depend("units", on="units", index=before, delay=(blocks.cycles + blocks.end)[before], stall="blocked")
    net.depend("done", on="units", delay=blocks.cycles + blocks.edge)
    return net


def _earlier(cluster: Ints, places: int) -> Ints:
    """(blocks,) for each block the one that is so many places before it on the same cluster, or -1."""
    order = np.argsort(cluster, kind="stable")
    found = np.full(len(cluster), -1, np.int64)
    same = cluster[order[places:]] == cluster[order[:-places]]
    found[order[places:]] = np.where(same, order[:-places], -1)
    return found


def layer_time(machine: KvMachine, dram: Dram, clock_hz: float, blocks: Blocks, splits: int) -> LayerTime:
    """Solve the network of one layer."""
    timeline = layer_network(machine, dram, clock_hz, blocks).solve()
    return LayerTime(cycles=timeline.cycles, dram_busy=timeline.stalls("dram").busy, splits=splits,
                     cluster_busy=int((blocks.cycles + blocks.end).sum()), nbytes=int(blocks.nbytes.sum()))
