"""Random legal configurations of the dequantiser, and the settings by which a user fixes a part of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.dsp_chain.dequant.config import DequantConfig
from rtl.dsp_chain.dequant.cases import CASE_KEYS
from rtl.verify.draw import fixed_fields


def draw_configuration(settings: Mapping[str, Any], rng: np.random.Generator) -> DequantConfig:
    """A configuration with the fields that the settings fix; a ``preset`` fixes all.

    Raises:
        InputError: unknown keys or values that cannot be built.
    """
    fixed = fixed_fields(settings, CASE_KEYS, DequantConfig)
    # A value for every field, whether it is fixed or not, so that fixing one leaves the others as they were.
    drawn: dict[str, Any] = {
        "word": 1 << int(rng.integers(3, 8)), "lanes": 1 << int(rng.integers(0, 5)),
        "multiplier_bits": int(rng.integers(1, 17)), "most_shift": int(rng.integers(2, 25)),
        "most_weights": int(rng.choice([300, 4095, 65535])), "h_slots": int(rng.integers(1, 4)),
        "s_slots": int(rng.integers(1, 4)), "o_depth": int(rng.choice([1, 2, int(rng.integers(3, 12)), 16]))}
    beats, spare = int(rng.choice([1, 2, 4])), int(rng.integers(4)) * int(rng.integers(2))
    if isinstance(weights := settings.get("weights"), int):
        drawn["most_weights"] = max(drawn["most_weights"], weights)
    known = {**drawn, **{key: value for key, value in fixed.items() if key != "buffer_words"}}
    if "group" not in fixed:
        known["group"] = known["lanes"] * beats if isinstance(known["lanes"], int) else known["lanes"]
    least = DequantConfig.from_mapping({**known, "buffer_words": 256}).least_words
    return DequantConfig.from_mapping({**known, "buffer_words": least + spare, **fixed})
