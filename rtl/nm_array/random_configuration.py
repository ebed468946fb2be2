"""Random legal configurations of the N:M array, and the settings by which a user fixes a part of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.nm_array.config import NmArrayConfig
from hwsim.sparsity.ratio import Ratio
from rtl.verify.draw import fixed_fields, operating_ratio

RATIOS = tuple(map(Ratio.parse, ("1:2", "1:4", "2:4", "1:8", "2:8", "4:8", "1:16", "2:16", "4:16", "8:16")))
LONGEST_SIDE = {8: 4, 16: 2}
"""Most rows and columns that are drawn, by multipliers of a PE; 12 for the others. Large PEs take long to build."""
LONGEST_FLOAT_SIDE = 4
"""The same for floating point."""
CASE_KEYS = ("n", "m", "gemm", "tiling", "stalls", "programs")
"""Settings that are no fields of the configuration: the ratio N:M, tables that fix parts of the cases, and how
many programs follow each other in a case."""


def draw_configuration(settings: Mapping[str, Any], rng: np.random.Generator) -> NmArrayConfig:
    """A configuration with the fields that the settings fix; a ``preset`` fixes all.

    Without ``ratios``, the keys ``n`` and ``m`` give the only sparse ratio.

    Raises:
        InputError: unknown keys or values that cannot be built.
    """
    ratio = operating_ratio(settings)
    fixed = fixed_fields(settings, CASE_KEYS, NmArrayConfig)
    drawn = _draw(fixed, rng)
    config = NmArrayConfig.from_mapping({**drawn, **fixed})
    if ratio is not None:
        config.mode_number(ratio)
    return config


def _draw(fixed: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """A value for every field; drawn whether it is fixed or not, so that fixing one leaves the others as they were."""
    def whole(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    sparse = rng.permutation(len(RATIOS))[: whole(0, 3)]
    multipliers = int(rng.choice([1, 2, 4, 8, 16], p=[0.3, 0.25, 0.25, 0.1, 0.1]))
    given = fixed.get("multipliers", multipliers)
    longest_side = LONGEST_SIDE.get(given, 12) if isinstance(given, int) else 12
    floating = fixed.get("data_type", "int8") != "int8"
    longest_side = min(longest_side, LONGEST_FLOAT_SIDE) if floating else longest_side
    drawn: dict[str, Any] = {
        "rows": 1 + whole(0, 11) % longest_side, "cols": 1 + whole(0, 11) % longest_side, "multipliers": multipliers,
        "ratios": [str(RATIOS[i]) for i in sparse], "dataflow": str(rng.choice(["ws", "os", "both"])),
        "tile_depth": whole(1, 16), "a_slots": whole(1, 8), "w_slots": whole(1, 8), "q_slots": whole(1, 8),
        "d_slots": whole(1, 6), "shadow_weights": bool(rng.integers(2)), "product_stages": whole(0, 4)}
    spare = whole(0, 12) * whole(0, 1)  # half of them with just room for one pass
    if floating:
        drawn |= {"sum_stages": whole(1, 4), "interleave": whole(0, 4)}
        drawn["interleave"] = min(drawn["interleave"], _whole(fixed.get("sum_stages"), drawn["sum_stages"]) or 4)
    return drawn | _sizes({**drawn, **fixed}, fixed, spare)


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


def _sizes(chosen: Mapping[str, Any], fixed: Mapping[str, Any], spare: int) -> dict[str, int]:
    """Tile depth and rows that hold the interleaved outputs and fit a result buffer of a given depth, else its depth.

    What is fixed stays, whether it fits or not: the configuration checks it.
    """
    rows, depth = _whole(chosen["rows"], 1), _whole(chosen["tile_depth"], 1)
    stages = _whole(chosen.get("sum_stages", 0), 0) or (4 if chosen.get("data_type", "int8") != "int8" else 1)
    outputs = (_whole(chosen.get("interleave", 0), 0) or stages) if chosen["dataflow"] != "ws" else 1
    room = fixed.get("o_depth")
    if isinstance(room, int):
        rows = rows if "rows" in fixed or chosen["dataflow"] == "ws" else max(1, min(rows, room // outputs))
        depth = depth if "tile_depth" in fixed or chosen["dataflow"] == "os" else max(1, min(depth, room))
    if "tile_depth" not in fixed:
        depth = max(depth, outputs)
    longest = max([depth] * (chosen["dataflow"] != "os") + [rows * outputs] * (chosen["dataflow"] != "ws"))
    return {"rows": rows, "tile_depth": depth, "o_depth": longest + spare}
