"""Random legal configurations of attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.config import merged, one_of
from rtl.bitmap_decoder.attention.cases import CASE_KEYS


def draw_attention(settings: Mapping[str, Any], rng: np.random.Generator) -> AttentionConfig:
    """A configuration with the fields that the settings fix; a ``preset`` fixes all.

    Raises:
        InputError: unknown keys or values that cannot be built.
    """
    fixed = {key: value for key, value in settings.items() if key not in CASE_KEYS}
    if "preset" in fixed:
        name = one_of("preset", fixed.pop("preset"), AttentionConfig.presets)
        fixed = merged(AttentionConfig.preset(name).to_mapping(), fixed)
    # A value for every field, whether it is fixed or not, so that fixing one leaves the others as they were.
    tile, segments, pad = int(rng.choice([8, 9, 13])), int(rng.integers(1, 3)), int(rng.integers(1, 5))
    words, spare = int(rng.integers(1, 4)), int(rng.integers(4)) * int(rng.integers(2))
    drawn: dict[str, Any] = {
        "tile": tile, "channels": int(fixed.get("tile", tile)) * segments, "pad": pad,
        "beat_values": int(fixed.get("pad", pad)) * words, "b_slots": int(rng.integers(1, 5)),
        "macs": int(rng.choice([1, 2, 3, 4, 8])), "o_depth": int(rng.choice([1, 2, 3, 8])),
        **{f"{name}_stages": int(rng.integers(5)) for name in ("product", "sum", "multiply")},
        "data_type": str(rng.choice(["fp16", "int8"]))}
    known = AttentionConfig.from_mapping(
        {**drawn, **{key: value for key, value in fixed.items() if key != "buffer_beats"}, "buffer_beats": 64})
    return AttentionConfig.from_mapping({**known.to_mapping(), "buffer_beats": known.least_beats + spare, **fixed})
