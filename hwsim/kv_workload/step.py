"""One token of every sequence of a batch: attention, what goes into the cache, and the model's weights.

Attention of a layer comes from its timed network. The rest is bound by bytes or by MACs, whichever takes longer:
weights (read once for the batch), the new token's keys and values, and of a compressed cache the pruning and packing
of a group, spread over the tokens of the group. Nothing of this overlaps with attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hwsim.bitmap_decoder.pruner import timing as pruner_timing
from hwsim.energy import EnergyTree
from hwsim.kv.shape import CacheShape
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.layer import LayerTime
from hwsim.kv_workload.machine import Engine
from hwsim.kv_workload.models import VALUE_BYTES


@dataclass(frozen=True, kw_only=True)
class Compression:
    """Pruning and packing of tokens of one layer, of all heads and sequences.

    ``cycles``: of pruners or of DRAM, whichever takes longer; ``read`` and ``written``: DRAM bytes.
    """

    cycles: int
    read: int
    written: int


def compression(experiment: KvExperiment, tokens: int, ratio: float) -> Compression:
    """Of ``tokens`` tokens of each sequence, whose compressed form has ``ratio`` of their bytes."""
    if not tokens:
        return Compression(cycles=0, read=0, written=0)
    workload, machine = experiment.workload, experiment.accelerator
    shape = workload.kv.shape
    vectors = 2 * workload.batch * shape.kv_heads * tokens
    read = shape.layer_bytes(tokens, workload.batch)
    written = int(ratio * read)
    # Keys and values take turns on equal shares of the pruners; keys leave last.
    pruners = [machine.pruner(shape.channels, side) for side in ("values", "keys")]
    busy = -(-vectors // machine.pruners) * max(pruner_timing.interval(one, shape.channels) for one in pruners)
    busy += pruner_timing.latency(pruners[1], shape.channels)["v"]
    busy += shape.channels * -(-min(tokens, pruners[1].tile) // pruners[1].lanes)  # the last group of keys is read out
    moved = int(experiment.memory.service_cycles([read + written], experiment.clock_hz)[0])
    cycles = max(busy, moved) + experiment.memory.latency_cycles(experiment.clock_hz)
    return Compression(cycles=cycles, read=read, written=written)


def weight_cycles(experiment: KvExperiment, weights: int, tokens: int) -> int:
    """A product of weights with so many tokens: bound by their bytes or by MACs."""
    moved = int(experiment.memory.service_cycles([VALUE_BYTES * weights], experiment.clock_hz)[0])
    return max(moved, -(-weights * tokens // experiment.accelerator.weight_macs))


def append_cycles(experiment: KvExperiment, tokens: int) -> int:
    """Writing dense keys and values of so many tokens of each sequence, one layer."""
    shape: CacheShape = experiment.workload.kv.shape
    written = shape.layer_bytes(tokens, experiment.workload.batch)
    return int(experiment.memory.service_cycles([written], experiment.clock_hz)[0])


@dataclass(frozen=True, kw_only=True)
class Step:
    """One token of every sequence.

    Attributes:
        engine: see `hwsim.kv_workload.machine.ENGINES`.
        context: tokens of each sequence, the new one among them.
        layer: attention of one layer.
        attention_cycles: attention of all layers, with append and compression.
        compression_cycles: the part of it that compression takes.
        weight_cycles: weights of all layers and the vocabulary.
        cache_bytes: of all sequences.
        fits: whether weights and caches fit in the DRAM.
        attention_energy, weight_energy: of all sequences.
    """

    engine: Engine
    context: int
    batch: int
    clock_hz: float
    layer: LayerTime
    attention_cycles: float
    compression_cycles: float
    weight_cycles: int
    cache_bytes: float
    fits: bool
    attention_energy: EnergyTree
    weight_energy: EnergyTree

    @cached_property
    def energy(self) -> EnergyTree:
        """Of the whole token, all sequences."""
        return EnergyTree.merged([self.attention_energy, self.weight_energy])

    @property
    def cycles(self) -> float:
        """Of the whole token."""
        return self.attention_cycles + self.weight_cycles

    @property
    def tokens_per_s(self) -> float:
        """Of all sequences together, whole tokens."""
        return self.batch * self.clock_hz / self.cycles

    @property
    def attention_tokens_per_s(self) -> float:
        """If there were attention only."""
        return self.batch * self.clock_hz / self.attention_cycles

    @property
    def joules_per_token(self) -> float:
        """Of the whole token."""
        return float(self.energy.total) / self.batch

    @property
    def attention_joules_per_token(self) -> float:
        """Of attention, append and compression."""
        return float(self.attention_energy.total) / self.batch

    def to_dict(self) -> dict[str, Any]:
        """Plain data: cycles, bytes, joules."""
        return {
            "context": self.context, "cycles": self.cycles, "attention_cycles": self.attention_cycles,
            "compression_cycles": self.compression_cycles, "weight_cycles": self.weight_cycles,
            "layer_cycles": self.layer.cycles, "layer_dram_busy": self.layer.dram_busy, "splits": self.layer.splits,
            "cache_bytes": self.cache_bytes, "fits": self.fits, "tokens_per_s": self.tokens_per_s,
            "attention_tokens_per_s": self.attention_tokens_per_s, "joules_per_token": self.joules_per_token,
            "attention_joules_per_token": self.attention_joules_per_token}
