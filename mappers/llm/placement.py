"""Where weights, key/value cache and activations of a model lie in the HBM of one core.

A core's channels form groups as wide as the A buffer's: a matrix is spread over all channels of one group, at the same
address in each, so that they deliver it in parallel. The channels of the B buffer with its tables, and of instructions,
stand behind the first group and hold no matrix. Every region begins at a multiple of `ALIGNMENT` bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import Buffer, Instructions, Opcode
from hwsim.workload.decoder import DecoderConfig
from hwsim.workload.decoder.assignment import ModelAssignment
from hwsim.workload.decoder.parameters import linear_weights
from mappers.llm.tiling import ceil_div

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
    """Regions of one core by name, and the width of a group."""

    regions: dict[str, Region]
    width: int

    def address(self, rows: Instructions, stages: Sequence[str], layer: int | None) -> None:
        """Add the addresses of regions to the offsets of loads and stores, in place.

        Args:
            rows: instructions of one layer, or of the head (``None``); their field ``layer`` points to `stages`.
            stages: names; the first operator of a stage says which weight or cache it streams.
            layer: number of the layer.
        """
        load, store, buffer = rows["op"] == Opcode.LD, rows["op"] == Opcode.ST, rows["buffer"]
        many = np.bincount(rows["layer"], rows["op"] == Opcode.MM, len(stages)) > 0  # then the matrix goes to B
        matrix = load & (buffer == np.where(many[rows["layer"]], Buffer.B, Buffer.A))
        read = [self.region(stage, layer, _STREAMED) for stage in stages]
        made = [self.region(stage, layer, _MADE) for stage in stages]
        other = self.regions[_ACTIVATIONS]

        def of_region(field: str) -> np.ndarray:
            first, last = (np.array([getattr(region, field) for region in named])[rows["layer"]]
                           for named in (read, made))
            return np.where(matrix, first, np.where(store, last, getattr(other, field)))

        rows["hbm"] += np.where(load | store, of_region("start"), 0).astype(np.uint64)
        wide = matrix | (rows["channels"] == self.width)
        rows["channel"] += np.where(wide, of_region("channel"), 0).astype(np.uint8)

    def region(self, stage: str, layer: int | None, caches: Mapping[str, str]) -> Region:
        """What a stage streams (its weight, or keys or values), or makes (new rows of these); else the activations."""
        first = stage.partition("+")[0]
        kind = caches.get(first, first if caches is _STREAMED else _ACTIVATIONS)
        return self.regions.get(kind if layer is None else f"layers.{layer}.{kind}", self.regions[_ACTIVATIONS])

    @cached_property
    def used(self) -> int:
        """Bytes of all regions, all channels together."""
        return self.width * sum(region.size for region in self.regions.values())


_ACTIVATIONS = "activations"
_STREAMED = {"scores": "keys", "values": "values"}
_MADE = {"k_proj": "keys", "k_rope": "keys", "append_k": "keys", "v_proj": "values", "append_v": "values"}


def placed(model: DecoderConfig, weights: ModelAssignment, engine: EngineConfig) -> Placement:
    """Regions for all lengths up to the engine's maximum, so that the programs of all steps agree.

    Raises:
        InputError: the model does not fit.
    """
    cores, width, length = engine.slrs, engine.memory.a_channels, min(engine.max_length, model.max_positions)
    wanted = {name: ceil_div(weights.stored_bytes(name), cores) for name in linear_weights(model)}
    cache = ceil_div(model.kv_heads, cores) * model.head_dim * length
    wanted |= {f"layers.{layer}.{kind}": cache for layer in range(model.layers) for kind in ("keys", "values")}
    widest = max(model.hidden, model.intermediate, model.query_width)
    wanted[_ACTIVATIONS] = length * (ceil_div(model.heads, cores) * length + 4 * widest)
    return Placement(_packed(wanted, engine, model.name), width)


def _packed(wanted: dict[str, int], engine: EngineConfig, model: str) -> dict[str, Region]:
    """Each in the first group that has room, in the order given."""
    width, room = engine.memory.a_channels, engine.memory.channel_bytes
    behind = width + TABLE_CHANNELS
    starts = [0, *range(behind, engine.core_channels - width + 1, width)]
    free = dict.fromkeys(starts, 0)
    regions = {}
    for name, size in wanted.items():
        share = ALIGNMENT * ceil_div(size, width * ALIGNMENT)
        group = next((start for start in starts if free[start] + share <= room), None)
        if group is None:
            total, there = sum(wanted.values()) * engine.slrs, len(starts) * width * room * engine.slrs
            raise InputError("HBM", f"a model that fits in {there / 1e9:.2f} GB of matrices",
                             f"{model} with {total / 1e9:.2f} GB of weights, cache and activations")
        regions[name] = Region(name, group, free[group], share)
        free[group] += share
    return regions
