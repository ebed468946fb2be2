"""Random legal configurations of the components, and the settings by which a user fixes a part of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.bitmap_decoder.components import COMPONENTS, ComponentConfig
from hwsim.bitmap_decoder.config import DecoderConfig, DotConfig
from hwsim.config import merged, one_of
from hwsim.errors import InputError
from rtl.bitmap_decoder.attention.cases import CASE_KEYS as ATTENTION_KEYS
from rtl.bitmap_decoder.attention.random_configuration import draw_attention
from rtl.bitmap_decoder.cases import CASE_KEYS
from rtl.bitmap_decoder.pruner.cases import draw_pruner_configuration
from rtl.verify.draw import component_for

KINDS = {name: (kind, ATTENTION_KEYS if name == "attention" else CASE_KEYS) for name, kind in COMPONENTS.items()}
"""By component: its configuration, and the keys of its cases."""


def draw_configuration(settings: Mapping[str, Any], rng: np.random.Generator) -> ComponentConfig:
    """A configuration with the fields that the settings fix; a ``preset`` fixes all, ``component`` the component.

    Raises:
        InputError: unknown keys or values that cannot be built.
    """
    fixed = {key: value for key, value in settings.items() if key not in CASE_KEYS}
    name = component_for(settings, KINDS, rng)
    if name == "attention":
        return draw_attention(settings, rng)
    if name == "pruner":
        return draw_pruner_configuration(settings, rng)
    kind: type[DecoderConfig] | type[DotConfig] = DecoderConfig if name == "decoder" else DotConfig
    if "preset" in fixed:
        name = one_of("preset", fixed.pop("preset"), kind.presets)
        fixed = merged(kind.preset(name).to_mapping(), fixed)
    fields = _draw_step(kind, fixed, rng) | _draw_format(fixed, rng)
    spare = int(rng.integers(4)) * int(rng.integers(2))  # half of them with the least room
    fields["buffer_beats"] = 256
    known = kind.from_mapping({**fields, **{key: value for key, value in fixed.items() if key != "buffer_beats"}})
    return kind.from_mapping({**known.to_mapping(), "buffer_beats": known.least_beats + spare, **fixed})


def _draw_format(fixed: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Fields of the compressed side; all drawn, whether they are fixed or not, so that the others stay as they were."""
    pad, words = int(rng.integers(1, 9)), int(rng.integers(1, 4))
    if "beat_values" in fixed:
        pad = math.gcd(pad, _whole(fixed, "beat_values", 0))
    return {"pad": pad, "beat_values": _whole(fixed, "pad", pad) * words, "b_slots": int(rng.integers(1, 5)),
            "data_type": str(rng.choice(["fp16", "int8"])), "o_depth": int(rng.choice([1, 2, 3, 4, 6, 8, 16]))}


def _draw_step(kind: type[DecoderConfig] | type[DotConfig], fixed: Mapping[str, Any],
               rng: np.random.Generator) -> dict[str, Any]:
    """Size of a tile, and the fields that are the component's own."""
    least = max(_whole(fixed, "lanes", 1), _whole(fixed, "macs", 1))
    tile, share = max(least, int(rng.choice([8, 9, 13, 16, 24, 32]))), rng.random()
    if kind is DecoderConfig:
        return {"tile": tile, "lanes": 1 + int(share * min(_whole(fixed, "tile", tile), 16))}
    return {"tile": tile, "macs": 1 << int(share * 4), "cols": int(rng.integers(1, 4)), "x_depth": 128,
            "product_stages": int(rng.integers(5)), "sum_stages": int(rng.integers(5))}


def _whole(fixed: Mapping[str, Any], key: str, drawn: int) -> int:
    """A fixed field that others are drawn by; `InputError` if it is no whole number."""
    value = fixed.get(key, drawn)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(key, "an integer", value)
    return value
