"""Blocks of 64 tokens of one head: what each weighs, and how long a unit takes for it by its exact cycle model.

Cycles of a block are those between its first step and the next block's, from `attention_network` with ports that never
stall; a block's header comes when the block before is done, so no block's time depends on its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.model import attention_network
from hwsim.bitmap_decoder.attention.query import Block, Query
from hwsim.bitmap_decoder.attention.steps import steps_of
from hwsim.bitmap_decoder.decoder import decoder_network
from hwsim.bitmap_decoder.format import Ints
from hwsim.bitmap_decoder.jobs import Job
from hwsim.kv.prune import prune_tokens
from hwsim.kv_workload.machine import KvMachine
from hwsim.kv_workload.models import VALUE_BYTES, KvModel
from hwsim.kv_workload.patterns import drawn
from hwsim.kv_workload.pruning import KvPruning


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """Blocks with which the blocks of a cache take turns; arrays (blocks,).

    Attributes:
        nbytes: from DRAM.
        cycles: of a unit, from its first step to the next block's.
        tiles: with a bitmap.
        tokens: of each block.
        end: cycles more behind the last block of a query: results leave, the next query's first block begins.
        start: cycles from a block that is there to its first step.
        drain: cycles from a last block's end, as ``cycles`` counts it, to its last result.
    """

    nbytes: Ints
    cycles: Ints
    tiles: Ints
    tokens: int
    end: int
    start: int
    drain: int


@lru_cache(maxsize=64)
def skip_pool(model: KvModel, machine: KvMachine, pruning: KvPruning, sparsity: float) -> Pool:
    """Compressed blocks on units that skip zeros."""
    config = machine.attention(model.shape.channels)
    offset_bytes = pruning.cache(sparsity).format.offset_bits // 8
    return pool_of(compressed_blocks(config, pruning, sparsity), offset_bytes)


def compressed_blocks(config: AttentionConfig, pruning: KvPruning, sparsity: float) -> list[Block]:
    """The drawn keys and values, pruned, cut into blocks."""
    keys, values = (prune_tokens(array, sparsity).reshape(-1, config.channels)
                    for array in drawn(pruning.patterns, config.channels, pruning.seed))
    parts = [slice(begin, begin + config.tile) for begin in range(0, len(keys) - config.tile + 1, config.tile)]
    return [Block(config=config, keys=keys[part].view(np.uint16), values=values[part].view(np.uint16),
                  kept=(keys[part] != 0, values[part] != 0)) for part in parts]


@lru_cache(maxsize=256)
def dense_pool(model: KvModel, machine: KvMachine, tokens: int) -> Pool:
    """One dense block of so many tokens."""
    return pool_of([dense_block(machine.attention(model.shape.channels), tokens)], offset_bytes=0)


def dense_block(config: AttentionConfig, tokens: int) -> Block:
    """A block of ones."""
    ones = np.full((tokens, config.channels), 0x3C00, np.uint16)
    return Block(config=config, keys=ones, values=ones)


@lru_cache(maxsize=64)
def decoded_pool(model: KvModel, machine: KvMachine, pruning: KvPruning, sparsity: float) -> Pool:
    """Compressed blocks that a decoder makes dense in front of dense units: their bytes, dense blocks' steps.

    The decoder gives a beat of ``macs`` elements in each cycle, so a block takes longer than a dense one only by the
    decoder's latency.
    """
    bitmap = skip_pool(model, machine, pruning, sparsity)
    config = machine.attention(model.shape.channels)
    dense = dense_pool(model, machine, config.tile)
    ones = np.ones((1, config.tile), bool)
    job = Job(config=machine.decoder(), dense=ones.astype(np.uint16), kept=ones)
    timeline = decoder_network([job]).solve()
    fill = int(timeline.start["o"][0] - timeline.start["v"][0])

    return Pool(nbytes=bitmap.nbytes, cycles=np.full(len(bitmap.nbytes), int(dense.cycles[0]) + fill),
                tiles=bitmap.tiles, tokens=bitmap.tokens, end=dense.end, start=dense.start, drain=dense.drain)


def pool_of(blocks: Sequence[Block], offset_bytes: int) -> Pool:
    """Blocks of equal length on the exact model: one query over all and the first again, then one over the first."""
    config = blocks[0].config
    query = np.zeros(config.channels, np.uint16)
    queries = [Query(config=config, query=query, blocks=[*blocks, blocks[0]]),
               Query(config=config, query=query, blocks=[blocks[0]])]
    timeline, steps = attention_network(queries).solve(), steps_of(queries)
    first = np.flatnonzero(np.diff(steps.job, prepend=-1))
    begin = timeline.start["step"][first]
    cycles = np.diff(begin)[:len(blocks)]
    tiles = np.array([0 if block.dense else len(block.counts) for block in blocks])
    stored = np.array([int((block.counts + block.fills).sum()) for block in blocks])
    return Pool(
        nbytes=stored * VALUE_BYTES + tiles * (config.tile // 8 + offset_bytes), cycles=cycles, tiles=tiles,
        tokens=blocks[0].tokens, end=int(begin[-1] - begin[-2] - cycles[0]), start=int(begin[0]),
        drain=int(timeline.cycles - begin[-1] - cycles[0]))
