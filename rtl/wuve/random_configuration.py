"""Random legal configurations of WUVE, and the settings by which a user fixes a part of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.wuve.config import WuveConfig
from rtl.verify.draw import fixed_fields

CASE_KEYS = ("tensors", "beats", "values", "stalls")
"""Settings that are no fields of the configuration: how many tensors a case has, beats of each, the kind of their
values, and a table of stalls by port."""


def draw_configuration(settings: Mapping[str, Any], rng: np.random.Generator) -> WuveConfig:
    """A configuration with the fields that the settings fix; a ``preset`` fixes all.

    Raises:
        InputError: unknown keys or values that cannot be built.
    """
    fixed = fixed_fields(settings, CASE_KEYS, WuveConfig)
    # A value for every field, whether it is fixed or not, so that fixing one leaves the others as they were.
    drawn: dict[str, Any] = {
        "lanes": int(rng.choice([1, 2, 3, 4])), "data_type": str(rng.choice(["fp16", "bf16"])),
        "multiply_stages": int(rng.integers(0, 5)), "add_stages": int(rng.integers(0, 5)),
        "round_stages": int(rng.integers(0, 3)), "flush": bool(rng.integers(2)),
        "most_beats": int(rng.choice([7, 255, 65535])), "p_slots": int(rng.integers(1, 5)),
        "o_depth": int(rng.choice([1, 2, int(rng.integers(3, 24)), 40]))}
    if isinstance(beats := settings.get("beats"), int):
        drawn["most_beats"] = max(drawn["most_beats"], beats)
    return WuveConfig.from_mapping({**drawn, **fixed})
