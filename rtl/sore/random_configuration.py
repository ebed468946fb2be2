"""Random legal configurations of SORE, and the settings by which a user fixes a part of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.sore.config import SoreConfig
from hwsim.sparsity.ratio import Ratio
from rtl.verify.draw import fixed_fields, operating_ratio

RATIOS = tuple(map(Ratio.parse, ("1:2", "1:4", "2:4", "1:8", "2:8", "4:8", "1:16", "2:16", "4:16", "8:16")))
CASE_KEYS = ("n", "m", "slices", "rows", "values", "stalls")
"""Settings that are no fields of the configuration: the ratio N:M of all slices, how many there are, rows of each,
the kind of their values, and a table of stalls by port."""
MOST_LANES = 32


def draw_configuration(settings: Mapping[str, Any], rng: np.random.Generator) -> SoreConfig:
    """A configuration with the fields that the settings fix; a ``preset`` fixes all.

    Without ``ratios``, the keys ``n`` and ``m`` give the only sparse ratio.

    Raises:
        InputError: unknown keys or values that cannot be built.
    """
    ratio = operating_ratio(settings)
    fixed = fixed_fields(settings, CASE_KEYS, SoreConfig)
    drawn = _draw(fixed, rng)
    if isinstance(rows := settings.get("rows"), int):
        drawn["most_rows"] = max(drawn["most_rows"], rows)
    config = SoreConfig.from_mapping({**drawn, **fixed})
    if ratio is not None:
        config.mode_number(ratio)
    return config


def _draw(fixed: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """A value for every field; drawn whether it is fixed or not, so that fixing one leaves the others as they were."""
    shuffled, count = rng.permutation(len(RATIOS)), int(rng.integers(1, 4))
    sparse = [str(ratio) for ratio in (RATIOS[i] for i in shuffled) if _fits(ratio, fixed)][:count]
    share, spare = rng.random(), int(rng.integers(0, 13)) * int(rng.integers(2))  # half of them with the least room
    drawn: dict[str, Any] = {
        "ratios": sparse, "data_type": str(rng.choice(["fp16", "bf16"])), "most_rows": int(rng.choice([16, 100, 4096])),
        "p_slots": int(rng.integers(1, 5))}
    listed = fixed.get("ratios", sparse)
    ratios = [Ratio.parse(text) for text in listed] if isinstance(listed, list | tuple) else []  # refused later
    group, kept = max((r.m for r in ratios), default=1), max((r.n for r in ratios), default=1)
    return {**drawn, "lanes": group * (1 + int(share * min(4, MOST_LANES // group))), "o_depth": kept + spare}


def _fits(ratio: Ratio, fixed: Mapping[str, Any]) -> bool:
    """Whether an engine of the fixed lanes and queues can have that ratio."""
    lanes, depth = fixed.get("lanes"), fixed.get("o_depth")
    return not (isinstance(lanes, int) and lanes % ratio.m) and not (isinstance(depth, int) and depth < ratio.n)
