"""The training core as a family that can be verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.sparsity.ratio import Ratio
from hwsim.training_core.config import TrainingCoreConfig
from rtl.training_core.cases import CASE_KEYS, draw_case
from rtl.training_core.core import TrainingCore
from rtl.training_core.emit import NAME, convert
from rtl.verify.draw import fixed_fields
from rtl.verify.family import Case

RATIOS = ("1:2", "1:4", "2:4", "2:8", "4:8")


class TrainingCoreFamily:
    """See `rtl.verify.family.Family`. Settings: the fields of `TrainingCoreConfig`, ``preset``, those of the cases."""

    name = NAME

    def configuration(self, settings: Mapping[str, Any], rng: np.random.Generator) -> TrainingCoreConfig:
        """A small core with the fields that the settings fix; a ``preset`` fixes all.

        Raises:
            InputError: unknown keys or values that cannot be built.
        """
        fixed = fixed_fields(settings, CASE_KEYS, TrainingCoreConfig)
        lanes = fixed.get("cols")
        fitting = [text for text in RATIOS if not isinstance(lanes, int) or lanes % Ratio.parse(text).m == 0]
        ratio = (fitting or RATIOS)[int(rng.integers(len(fitting or RATIOS)))]
        drawn: dict[str, Any] = {
            "rows": int(rng.integers(1, 5)), "cols": Ratio.parse(ratio).m, "multipliers": 1 << rng.integers(3),
            "ratios": [ratio], "data_type": str(rng.choice(["fp16", "bf16"])), "tile_depth": int(rng.integers(4, 17)),
            "product_stages": int(rng.integers(3)), "sum_stages": int(rng.integers(1, 5)),
            "route_slots": int(rng.integers(1, 5)), "vector_depth": int(rng.integers(8, 33)), "o_depth": 32}
        return TrainingCoreConfig.from_mapping({**drawn, **fixed})

    def case(self, configuration: TrainingCoreConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
        """See `rtl.training_core.cases.draw_case`."""
        return draw_case(configuration, settings, rng)

    def component(self, configuration: TrainingCoreConfig) -> TrainingCore:
        """The core."""
        return TrainingCore(configuration)

    def verilog(self, component: TrainingCore) -> str:
        """The core as users get it."""
        return convert(component)
