"""Where weights, key/value cache and activations of a model lie in the HBM of one core.

A core's channels form groups as wide as the A buffer's: a matrix is spread over all channels of one group, at the same
address in each, so that they deliver it in parallel. The channels of the B buffer with its tables, and of instructions,
stand behind the first group and hold no matrix. Every region begins at a multiple of `ALIGNMENT` bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK, Buffer, Instructions, Opcode
from hwsim.llm_workload.options import CompilerOptions
from hwsim.workload.decoder import DecoderConfig, Operator, head_operators, operators
from hwsim.workload.decoder.assignment import ModelAssignment
from mappers.llm.matvec import layout_of
from mappers.llm.step import Machine, matrix, stored
from mappers.llm.surround import BIAS_BYTES
from mappers.llm.tiling import DENSE, ceil_div

ALIGNMENT = 64
TABLE_CHANNELS = 2
"""Channels of a core that hold no matrix: B with its tables, and instructions."""


@dataclass(frozen=True)
class Region:
    """Bytes ``start … start + size`` in each channel of the group that begins at `channel`."""

    name: str
    channel: int
    start: int
    size: int


@dataclass(frozen=True)
class Placement:
    """Regions of one core by name, the width of a group, and biases by weight in the first channel behind the group."""

    regions: dict[str, Region]
    width: int
    biases: dict[str, Region]

    def address(self, rows: Instructions, stage: str, layer: int | None) -> None:
        """Add the address of its region to each offset of a stage's loads and stores, in place.

        Args:
            rows: instructions of one stage, offsets in ``hbm`` and channels counted from the first of a group.
            stage: name; its first operator says which weight or cache it streams.
            layer: number of the layer; ``None`` of the head.
        """
        load, bias = rows["op"] == Opcode.LD, rows["buffer"] == Buffer.BIAS
        streams = Buffer.B if (rows["op"] == Opcode.MM).any() else Buffer.A
        matrix = load & (rows["buffer"] == streams)
        if stage.partition("+")[0] in _APPENDS:
            matrix = load
        other = load & ~matrix & ~bias
        for where, region in ((matrix, self.region(stage, layer, _STREAMED)), (other, self.regions[_ACTIVATIONS]),
                              (rows["op"] == Opcode.ST, self.region(stage, layer, _MADE))):
            rows["hbm"][where] += np.uint64(region.start)
            rows["channel"][where] += np.uint8(region.channel)
        if bias.any():
            rows["hbm"][bias] += np.uint64(self.biases[_named(stage.partition("+")[0], layer)].start)

    def region(self, stage: str, layer: int | None, caches: Mapping[str, str]) -> Region:
        """What a stage streams (its weight, or keys or values), or makes (new rows of these); else the activations."""
        first = stage.partition("+")[0]
        kind = caches.get(first, first if caches is _STREAMED else _ACTIVATIONS)
        return self.regions.get(_named(kind, layer), self.regions[_ACTIVATIONS])

    @cached_property
    def used(self) -> int:
        """Bytes of all regions, all channels together."""
        return self.width * sum(region.size for region in self.regions.values())


_ACTIVATIONS = "activations"
_APPENDS = {"append_k": "keys", "append_v": "values"}
_STREAMED = {"scores": "keys", "values": "values", **_APPENDS}
_MADE = {"k_proj": "keys", "k_rope": "keys", "v_proj": "values", **_APPENDS}


def _named(kind: str, layer: int | None) -> str:
    return kind if layer is None else f"layers.{layer}.{kind}"


def placed(model: DecoderConfig, weights: ModelAssignment, engine: EngineConfig,
           options: CompilerOptions | None = None) -> Placement:
    """Regions for all lengths up to the engine's maximum, so that the programs of all steps agree.

    Each is as large as what loads and stores reach in a channel: whole column blocks, all of K.

    Raises:
        InputError: the model does not fit.
    """
    machine, wanted, biases, behind = Machine(engine, options or CompilerOptions()), {}, {}, 0
    for op in _products(model):
        share = matrix(op, stored(op, weights, machine.options), machine)
        wanted[str(op.weight)] = layout_of(share, machine.target).nbytes
        size = ALIGNMENT * ceil_div(BIAS_BYTES * share.n, ALIGNMENT)
        biases[str(op.weight)] = Region(str(op.weight), engine.memory.a_channels, behind, size)
        behind += size
    for layer, (kind, size) in product(range(model.layers), _caches(model, machine).items()):
        wanted[f"layers.{layer}.{kind}"] = size
    wanted[_ACTIVATIONS] = _activations(model, machine)
    return Placement(_packed(wanted, engine, model.name), engine.memory.a_channels, biases)


def _products(model: DecoderConfig) -> list[Operator]:
    """Products with weights, with enough tokens that every expert has some."""
    tokens = min(model.experts, model.max_positions)
    listed = [op for layer in range(model.layers) for op in operators(model, tokens, tokens, layer)]
    return [op for op in (*listed, *head_operators(model)) if op.kind in ("linear", "router")]


def _caches(model: DecoderConfig, machine: Machine) -> dict[str, int]:
    """Bytes in each channel of a layer's keys, and of its values: those end with room for a load of one column that
    crosses channels and names the first alone.
    """
    layout = machine.cache("values", model.head_dim)
    size = machine.heads(model.kv_heads) * layout.nbytes
    return {"keys": size, "values": size + layout.k_blocks * DENSE}


def _activations(model: DecoderConfig, machine: Machine) -> int:
    """Bytes in each channel that the loads and stores of the longest prompt reach, each stage from the beginning."""
    engine, high = machine.engine, machine.target.geometry.mm_blocks
    blocks, width = engine.max_length // BLOCK, engine.memory.a_channels
    tiles, heads = ceil_div(blocks, high), machine.heads(model.heads)
    widest = max(model.hidden, model.intermediate, model.query_width)
    made = max(widest, model.vocabulary) if machine.options.logits == "all" else widest
    lines = max(ceil_div(engine.max_length, machine.cores) * widest, heads * engine.max_length)  # in one channel
    operand = (tiles * ceil_div(high, width) + high) * ceil_div(widest, BLOCK) * DENSE  # what crosses is in one, too
    results = tiles * ceil_div(DENSE * high, width) * ceil_div(made, BLOCK)
    attention = heads * blocks * max(blocks, ceil_div(model.head_dim, BLOCK)) * ceil_div(DENSE, width)
    return max(lines, operand, results, attention, model.vocabulary)


def _packed(wanted: dict[str, int], engine: EngineConfig, model: str) -> dict[str, Region]:
    """Each in the first group that has room, in the order given; sizes are bytes in each channel."""
    width, room = engine.memory.a_channels, engine.memory.channel_bytes
    behind = width + TABLE_CHANNELS
    starts = [0, *range(behind, engine.core_channels - width + 1, width)]
    free = dict.fromkeys(starts, 0)
    regions = {}
    for name, size in wanted.items():
        share = ALIGNMENT * ceil_div(size, ALIGNMENT)
        group = next((start for start in starts if free[start] + share <= room), None)
        if group is None:
            total, there = sum(wanted.values()) * width * engine.slrs, len(starts) * width * room * engine.slrs
            raise InputError("HBM", f"a model that fits in {there / 1e9:.2f} GB of matrices",
                             f"{model} with {total / 1e9:.2f} GB of weights, cache and activations")
        regions[name] = Region(name, group, free[group], share)
        free[group] += share
    return regions
