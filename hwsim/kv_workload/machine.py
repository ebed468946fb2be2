"""The accelerator that decodes with a cache: attention units, pruners, and a matrix engine for the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.config import DecoderConfig
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.config import Configuration, in_range, positive
from hwsim.errors import InputError
from hwsim.sparsity.mustafar import Side

Engine = Literal["dense", "decoded", "skip"]
ENGINES: Mapping[Engine, str] = {
    "dense": "dense cache, dense engine",
    "decoded": "bitmap cache decoded to a dense engine",
    "skip": "bitmap cache, zeros skipped",
}
"""The three that are compared: equal multipliers, buffers, clock and DRAM."""


@dataclass(frozen=True, kw_only=True)
class KvMachine(Configuration):
    """Attention units, each a `BitmapAttention`, and what stands beside them.

    Units stand in clusters of as many as a head of the cache has queries: they share a block of keys and values and
    work on it with one query each. A cluster has ``slots`` buffers of a block (64 tokens); blocks come from one DRAM.
    In a cycle a unit multiplies ``macs`` elements of the cache: the next non-zeros of a tile in engine ``skip``; of
    dense tiles in ``dense`` and, behind a `BitmapDecoder` of as many lanes, in ``decoded``. Sizes of the presets are
    our assumption.
    """

    family: Literal["bitmap_decoder"] = "bitmap_decoder"
    units: int = 64
    macs: int = 8               # elements of the cache that a unit multiplies in a cycle
    slots: int = 2              # block buffers of a cluster
    pruners: int = 16           # `BitmapPruner`s, preset mustafar-16
    weight_macs: int = 16384    # of the matrix engine for projections and MLP

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "kv-64x8": {},
        "kv-256x8": {"units": 256},  # as many elements a cycle where four queries share a head
    }

    def check(self) -> None:
        """Refuse sizes out of range."""
        for name in ("units", "pruners", "weight_macs"):
            positive(name, getattr(self, name))
        in_range("slots", self.slots, 1, 64)
        in_range("macs", self.macs, 1, 32)

    def attention(self, channels: int) -> AttentionConfig:
        """A unit; its ports give what a step takes."""
        return AttentionConfig(channels=channels, macs=self.macs, beat_values=self._beat)

    def decoder(self) -> DecoderConfig:
        """The decoder before a dense unit."""
        return DecoderConfig(lanes=self.macs, beat_values=self._beat)

    def pruner(self, channels: int, side: Side = "values") -> PrunerConfig:
        """A pruner of vectors of so many elements; those of keys turn their tiles along tokens."""
        return PrunerConfig.preset("mustafar-16", length=channels, side=side)

    @property
    def _beat(self) -> int:
        return -(-self.macs // 8) * 8

    def clusters(self, queries: int) -> int:
        """Clusters of units, for a model in which ``queries`` share a head.

        Raises:
            InputError: fewer units than queries.
        """
        if self.units < queries:
            raise InputError("accelerator.units", f"at least the {queries} queries that share a head", self.units)
        return self.units // queries

    @property
    def multipliers(self) -> int:
        """Multipliers of all units."""
        return self.units * self.macs
