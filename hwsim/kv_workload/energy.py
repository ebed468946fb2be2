"""Energy of one token of every sequence, by counted actions of the components' own accounts.

A dense unit is a `BitmapAttention` without what finds and places non-zeros: no rotation of values, and a lane chooses
among its own accumulators, every ``macs``-th, instead of among all. Not counted: the matrix engine's buffers, control,
the putting together of a head's runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from hwsim.bitmap_decoder.account import decoder_counts
from hwsim.bitmap_decoder.attention.account import action_counts
from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.query import Block, Query
from hwsim.bitmap_decoder.jobs import Job
from hwsim.bitmap_decoder.pruner.account import pruner_counts
from hwsim.bitmap_decoder.pruner.vectors import Batch, keep_of
from hwsim.energy import ActionCount, EnergyTree, load_costs, of_bytes
from hwsim.kv_workload.blocks import compressed_blocks, dense_block
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.layer import Parts
from hwsim.kv_workload.machine import Engine, KvMachine
from hwsim.kv_workload.models import VALUE_BYTES
from hwsim.kv_workload.patterns import drawn
from hwsim.kv_workload.pruning import KvPruning
from hwsim.kv_workload.standing import standing
from hwsim.kv_workload.step import Compression
from hwsim.nm_array.account import dram_cost
from hwsim.sparsity.mustafar import Side

Counts = tuple[ActionCount, ...]
SIDES: tuple[Side, ...] = ("keys", "values")
SAMPLE = 64
"""Vectors over which a pruner's actions are averaged."""


def attention_energy(experiment: KvExperiment, sparsity: float, engine: Engine, parts: Parts, packed: Compression,
                     splits: int, cycles: float) -> EnergyTree:
    """All layers, all sequences: the cache read once, the new token written, compression spread over its group.

    ``cycles``: of all of it, in which everything leaks.
    """
    workload, machine, pruning = experiment.workload, experiment.accelerator, experiment.pruning
    shape, queries, cost = workload.kv.shape, workload.kv.queries, dram_cost(experiment.memory)
    heads, group = shape.layers * workload.batch * shape.kv_heads, pruning.group
    nbytes = heads * sum(float(pool.nbytes.mean()) * number for pool, number in parts)
    buffer = machine.slots * 2 * 64 * shape.channels * VALUE_BYTES
    counts = [
        of_bytes("DRAM", "cache", nbytes, cost=cost),
        of_bytes("DRAM", "append", shape.dense_bytes(1, workload.batch), cost=cost),
        of_bytes("DRAM", "compress", shape.layers * (packed.read + packed.written) / group, cost=cost),
        of_bytes("block buffers", "write", nbytes, cost="sram", capacity_bytes=buffer),
        of_bytes("block buffers", "read", nbytes, cost="sram", capacity_bytes=buffer)]
    for pool, number in parts:
        times = heads * number
        counts += _times(_block(machine, pruning, sparsity, shape.channels, engine, bool(pool.tiles[0]), pool.tokens),
                         times * queries)
        if engine == "decoded" and pool.tiles[0]:
            counts += _times(_decoding(machine, pruning, sparsity, shape.channels), times)
    counts += _times(_query(machine.attention(shape.channels)), heads * queries * splits)
    vectors = shape.layers * packed.read / (group * shape.channels * VALUE_BYTES)
    counts += _times(_pruning(machine, pruning, sparsity, shape.channels), vectors)
    counts += standing(experiment, engine, cycles)
    return _priced(experiment, (count for count in counts if count.count))


def weight_energy(experiment: KvExperiment, engine: Engine, cycles: float) -> EnergyTree:
    """Weights of all layers and the vocabulary: read once, multiplied for every sequence, in so many cycles."""
    weights = experiment.workload.kv.read_weights
    return _priced(experiment, [
        of_bytes("DRAM", "weights", VALUE_BYTES * weights, cost=dram_cost(experiment.memory)),
        ActionCount(component="matrix engine", action="multiply-accumulate", cost="mac.fp16-fp32",
                    count=weights * experiment.workload.batch), *standing(experiment, engine, cycles)])


def _priced(experiment: KvExperiment, counts: Iterable[ActionCount]) -> EnergyTree:
    return EnergyTree.of(counts, load_costs(technology=experiment.energy.technology))


@lru_cache(maxsize=512)
def _block(machine: KvMachine, pruning: KvPruning, sparsity: float, channels: int, engine: Engine, compressed: bool,
           tokens: int) -> Counts:
    """One unit's work on a block: the mean of the drawn ones where it is compressed and zeros are skipped."""
    config = machine.attention(channels)
    if engine == "skip":
        blocks = compressed_blocks(config, pruning, sparsity) if compressed else [dense_block(config, tokens)]
        return _per_block(config, blocks)
    return tuple(_dense_unit(config, _per_block(config, [dense_block(config, tokens)])))


def _per_block(config: AttentionConfig, blocks: Sequence[Block]) -> Counts:
    """What a query over the blocks costs twice and once, less: without what every query costs; for one block."""
    query = np.zeros(config.channels, np.uint16)
    once, twice = (action_counts([Query(config=config, query=query, blocks=[*blocks] * times)]) for times in (1, 2))
    return tuple(second.replace(count=(second.count - first.count) / len(blocks))
                 for first, second in zip(once, twice, strict=True))


@lru_cache(maxsize=16)
def _query(config: AttentionConfig) -> Counts:
    """What every run of blocks costs: the query comes, results leave."""
    block, query = dense_block(config, 1), np.zeros(config.channels, np.uint16)
    once, twice = (action_counts([Query(config=config, query=query, blocks=[block] * times)]) for times in (1, 2))
    return tuple(first.replace(count=2 * first.count - second.count)
                 for first, second in zip(once, twice, strict=True))


def _dense_unit(config: AttentionConfig, counts: Counts) -> Iterable[ActionCount]:
    """Without what only non-zeros need."""
    entries = config.tile + config.channels
    for count in counts:
        if (count.component, count.action) == ("accumulators", "choose"):
            own = max(-(-entries // config.macs) - 1, 0)
            yield count.replace(count=count.count * own / (entries - 1))
        elif (count.component, count.action) != ("values", "rotate"):
            yield count


@lru_cache(maxsize=64)
def _decoding(machine: KvMachine, pruning: KvPruning, sparsity: float, channels: int) -> Counts:
    """One compressed block through a decoder that a cluster shares, the mean of the drawn ones."""
    blocks = compressed_blocks(machine.attention(channels), pruning, sparsity)
    jobs = [Job(config=machine.decoder(), dense=block.bitmaps.astype(np.uint16), kept=block.bitmaps)
            for block in blocks]
    return tuple(count.replace(component=f"decoder {count.component}", cost=count.cost_name,
                               count=count.count / len(blocks)) for count in decoder_counts(jobs))


@lru_cache(maxsize=64)
def _pruning(machine: KvMachine, pruning: KvPruning, sparsity: float, channels: int) -> Counts:
    """One vector through a pruner, the mean of the first drawn keys and values."""
    counts: list[ActionCount] = []
    for array, side in zip(drawn(pruning.patterns, channels, pruning.seed), SIDES, strict=True):
        vectors = array.reshape(-1, channels)[:SAMPLE].view(np.uint16)
        batch = Batch(config=machine.pruner(channels, side), vectors=vectors, keep=keep_of(channels, sparsity))
        counts += [count.replace(component=f"pruner of {side} {count.component}", cost=count.cost_name,
                                 count=count.count / SAMPLE / len(SIDES)) for count in pruner_counts([batch])]
    return tuple(counts)


def _times(counts: Counts, times: float) -> list[ActionCount]:
    return [count.replace(count=count.count * times) for count in counts]
