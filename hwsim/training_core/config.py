"""Configuration of the training core: one object from which those of its three engines follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from hwsim.config import Configuration, in_range
from hwsim.errors import InputError
from hwsim.nm_array.config import NmArrayConfig
from hwsim.sore.config import SoreConfig
from hwsim.sparsity.ratio import Ratio
from hwsim.wuve.config import WuveConfig


@dataclass(frozen=True, kw_only=True)
class TrainingCoreConfig(Configuration):
    """An N:M array whose weight gradients go straight into WUVE, whose new weights go straight into SORE.

    A column of the array is a lane of both vector engines.
    """

    rows: int = 32              # PEs down
    cols: int = 32              # PEs across, and lanes; a multiple of the largest M
    multipliers: int = 2        # multipliers of one PE
    ratios: tuple[Ratio, ...] = (Ratio(2, 4), Ratio(2, 8), Ratio(2, 16))
    data_type: Literal["fp16", "bf16"] = "fp16"
    tile_depth: int = 256       # most beats of an activation tile
    o_depth: int = 512          # result buffer of the array, beats
    product_stages: int = 2     # registers of a multiplier
    sum_stages: int = 4         # registers of an adder
    route_slots: int = 4        # queue of destinations
    vector_depth: int = 32      # result queues of WUVE and SORE, beats

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "sat-32x32": {},
        "small-4x4": {"rows": 4, "cols": 4, "multipliers": 1, "ratios": ["2:4"], "tile_depth": 16, "o_depth": 32},
    }

    def check(self) -> None:
        """Raise `InputError` for sizes that cannot be built."""
        in_range("route_slots", self.route_slots, 1, 64)
        in_range("sum_stages", self.sum_stages, 1, 4)
        object.__setattr__(self, "ratios", self.array.ratios)
        for engine in ("wuve", "sore"):
            try:
                getattr(self, engine)
            except InputError as error:
                place = {"lanes": "cols", "o_depth": "vector_depth"}.get(error.place, error.place)
                raise InputError(place, error.wanted, error.given) from None

    @cached_property
    def array(self) -> NmArrayConfig:
        """The array: both dataflows, as the step wants now one, now the other."""
        return NmArrayConfig(
            rows=self.rows, cols=self.cols, multipliers=self.multipliers, ratios=self.ratios, dataflow="both",
            data_type=self.data_type, tile_depth=self.tile_depth, o_depth=self.o_depth,
            product_stages=self.product_stages, sum_stages=self.sum_stages)

    @cached_property
    def wuve(self) -> WuveConfig:
        """The weight update."""
        return WuveConfig(lanes=self.cols, data_type=self.data_type, multiply_stages=self.product_stages,
                          add_stages=self.sum_stages, o_depth=self.vector_depth)

    @cached_property
    def sore(self) -> SoreConfig:
        """The selection."""
        return SoreConfig(lanes=self.cols, ratios=self.ratios, data_type=self.data_type, o_depth=self.vector_depth)
