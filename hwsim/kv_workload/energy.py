"""Energy of one token of every sequence, by counted actions.

Counted: DRAM, block buffers, multiply-accumulates with their accumulators, decoding, selection of accumulators,
comparisons of the pruners. Not counted: softmax, the matrix engine's buffers, control.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hwsim.bitmap_decoder.account import decoder_counts
from hwsim.bitmap_decoder.jobs import Job
from hwsim.bitmap_decoder.pruner import timing as pruner_timing
from hwsim.energy import ActionCount, EnergyTree, of_bytes
from hwsim.kv_workload.blocks import compressed_blocks
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.layer import Parts
from hwsim.kv_workload.machine import Engine, KvMachine
from hwsim.kv_workload.models import VALUE_BYTES
from hwsim.kv_workload.pruning import KvPruning
from hwsim.kv_workload.step import Compression
from hwsim.nm_array.account import dram_cost

SUM_BITS = 32


def attention_energy(experiment: KvExperiment, sparsity: float, engine: Engine, parts: Parts, packed: Compression,
                     group: int) -> EnergyTree:
    """All layers, all sequences: the cache read once, the new token written, compression spread over its group."""
    workload, machine = experiment.workload, experiment.accelerator
    shape, cost = workload.kv.shape, dram_cost(experiment.memory)
    heads = shape.layers * workload.batch * shape.kv_heads
    nbytes, macs, steps = (heads * sum(float(getattr(pool, name).mean()) * number for pool, number in parts)
                           for name in ("nbytes", "macs", "steps"))
    buffer = machine.slots * 2 * 64 * shape.channels * VALUE_BYTES
    counts = [
        of_bytes("DRAM", "cache", nbytes, cost=cost),
        of_bytes("DRAM", "append", shape.dense_bytes(1, workload.batch), cost=cost),
        of_bytes("DRAM", "compress", shape.layers * (packed.read + packed.written) / group, cost=cost),
        of_bytes("block buffers", "write", nbytes, cost="sram", capacity_bytes=buffer),
        of_bytes("block buffers", "read", nbytes, cost="sram", capacity_bytes=buffer),
        *_units(workload.kv.queries * macs, workload.kv.queries * steps, machine.macs, engine),
        _pruners(machine, shape.channels, shape.layers * packed.read / group / VALUE_BYTES)]
    if engine == "decoded":
        blocks = heads * sum(number for pool, number in parts if pool.tiles[0])
        counts += [count.replace(component="decoder", action=f"{count.component} {count.action}", cost=count.cost_name,
                                 count=count.count * blocks)
                   for count in _decoding(machine, experiment.pruning, sparsity, shape.channels)]
    return EnergyTree.of(counts)


def weight_energy(experiment: KvExperiment) -> EnergyTree:
    """Weights of all layers and the vocabulary: read once, multiplied for every sequence."""
    weights = experiment.workload.kv.read_weights
    return EnergyTree.of([
        of_bytes("DRAM", "weights", VALUE_BYTES * weights, cost=dram_cost(experiment.memory)),
        ActionCount(component="matrix engine", action="multiply-accumulate", cost="mac.fp16-fp32",
                    count=weights * experiment.workload.batch)])


def _units(macs: float, steps: float, lanes: int, engine: Engine) -> list[ActionCount]:
    """Products and accumulators; where zeros are skipped each of 64 accumulators chooses among the lanes' products."""
    counts = [ActionCount(component="units", action="multiply-accumulate", count=macs, cost="mac.fp16-fp32"),
              ActionCount(component="units", action="sum read", count=SUM_BITS * macs, cost="register.read"),
              ActionCount(component="units", action="sum write", count=SUM_BITS * macs, cost="register.write")]
    if engine == "skip":
        counts.append(ActionCount(component="units", action="choose accumulator", cost="mux2",
                                  count=steps * 64 * (lanes - 1) * SUM_BITS))
    return counts


def _pruners(machine: KvMachine, channels: int, elements: float) -> ActionCount:
    """Each digit of the threshold compares every magnitude with 2^digit_bits - 1 candidates."""
    config = machine.pruner(channels)
    times = pruner_timing.digits(config) * ((1 << config.digit_bits) - 1)
    return ActionCount(component="pruners", action="compare", count=elements * times * config.element_bits)


@lru_cache(maxsize=64)
def _decoding(machine: KvMachine, pruning: KvPruning, sparsity: float, channels: int) -> tuple[ActionCount, ...]:
    """Of one compressed block, the mean of the drawn ones."""
    blocks = compressed_blocks(machine.attention(channels), pruning, sparsity)
    jobs = [Job(config=machine.decoder(), dense=block.bitmaps.astype(np.uint16), kept=block.bitmaps)
            for block in blocks]
    return tuple(count.replace(count=count.count / len(blocks)) for count in decoder_counts(jobs))
