"""The training core as a family that can be verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.config import merged, one_of
from hwsim.training_core.config import TrainingCoreConfig
from rtl.training_core.cases import CASE_KEYS, draw_case
from rtl.training_core.core import TrainingCore
from rtl.training_core.emit import NAME, convert
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
        fixed = {key: value for key, value in settings.items() if key not in CASE_KEYS}
        if "preset" in fixed:
            name = one_of("preset", fixed.pop("preset"), TrainingCoreConfig.presets)
            fixed = merged(TrainingCoreConfig.preset(name).to_mapping(), fixed)
        ratio = RATIOS[int(rng.integers(len(RATIOS)))]
        drawn: dict[str, Any] = {
            "rows": int(rng.integers(1, 5)), "cols": int(ratio.partition(":")[2]), "multipliers": 1 << rng.integers(3),
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
