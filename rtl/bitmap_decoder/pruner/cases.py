"""Conformance cases of the pruner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.bitmap_decoder.config import MOST_ROWS
from hwsim.bitmap_decoder.format import Elements
from hwsim.bitmap_decoder.front import Gates
from hwsim.bitmap_decoder.pruner.account import pruner_counts
from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.model import pruner_network
from hwsim.bitmap_decoder.pruner.reference import pruned, records
from hwsim.bitmap_decoder.pruner.vectors import Batch, keep_of
from hwsim.config import merged, one_of, shared
from rtl.bench import Stimulus
from rtl.bitmap_decoder.cases import CASE_KEYS, VALUES, draw_count, draw_elements, draw_stalls, fraction
from rtl.bitmap_decoder.pruner.tokens import beat_tokens, compressed_tokens, descriptor_token, record_tokens
from rtl.verify.family import Case

INPUTS, OUTPUTS = ("p", "i"), ("h", "b", "c", "v")


def pruner_case(batches: Sequence[Batch], offer: Gates | None = None, ready: Gates | None = None,
                described: Mapping[str, Any] | None = None, behind: Sequence[Elements] | None = None) -> Case:
    """The case of batches that follow each other without a reset.

    Args:
        batches: of one pruner, in order.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: by output port: bool (cycles,), when its sink is ready; always, for ports left out.
        described: what the case is, for reports.
        behind: of each batch, what stands in the lanes behind a vector's end.
    """
    config, found = shared("batches", batches), [pruned(batch) for batch in batches]
    timeline = pruner_network(batches, offer, ready).solve()
    cycle = {port: timeline.start[port] for port in (*INPUTS, *OUTPUTS)}
    cycles = max(int(times.max(initial=-1)) for times in cycle.values()) + 1  # to the last transfer; packing may go on
    rest: Sequence[Elements | None] = behind or [None] * len(batches)
    tokens = {"p": [descriptor_token(config, batch.elements, batch.keep, batch.count) for batch in batches],
              "i": [token for batch, free in zip(batches, rest, strict=True) for token in beat_tokens(batch, free)]}
    told = [record_tokens(config, records(*pair)) for pair in zip(batches, found, strict=True)]
    value = {**compressed_tokens([vector for each in found for vector in each]),
             "c": [token for each in told for token in each], "error": []}
    stimulus = Stimulus(tokens=tokens, expect={port: len(tokens) for port, tokens in value.items()},
                        limit=cycles, offer=dict(offer or {}), ready=dict(ready or {}))
    return Case(described=described or {}, stimulus=stimulus, value=value, cycles=cycles, timeline=timeline,
                cycle={**cycle, "error": np.zeros(0, np.int64)}, actions=lambda: pruner_counts(batches))


def draw_pruner_case(config: PrunerConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A random case: one to five batches. Of the keys that fix parts of it (`rtl.bitmap_decoder.cases.CASE_KEYS`),
    ``rows`` is the number of vectors of each, ``density`` the fraction of elements that are kept.
    """
    batches, behind, described = [], [], []
    for _ in range(draw_count(settings, "jobs", int(rng.integers(1, 6)), 64)):
        batch, kind = _draw_batch(config, settings, rng)
        free = (batch.count, batch.beats * config.lanes - batch.elements)
        behind.append(draw_elements("special", config, free, rng))
        batches.append(batch)
        described.append({"vectors": batch.count, "elements": batch.elements, "keep": batch.keep, "values": kind})
    cycles = 256 + sum(batch.count * (4 * batch.elements + 64) for batch in batches)
    fractions, stalls = draw_stalls(settings, (*INPUTS, *OUTPUTS), cycles, rng)
    return pruner_case(batches, {port: stalls[port] for port in INPUTS}, {port: stalls[port] for port in OUTPUTS},
                       {"batches": described, "stalls": fractions}, behind)


def _draw_batch(config: PrunerConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> tuple[Batch, str]:
    """A batch, and the kind of its values; one in two has whole vectors."""
    most = 2 * config.tile + 3 if config.side == "keys" else 4  # up to two whole groups and a ragged one
    count = draw_count(settings, "rows", int(rng.integers(1, most + 1)), MOST_ROWS)
    drawn = int(rng.integers(1, config.length + 1)) if rng.integers(2) else config.length
    elements = draw_count(settings, "elements", drawn, config.length)
    kind = one_of("values", settings.get("values", str(rng.choice(VALUES))), VALUES)
    keep = int(rng.choice([0, 1, elements, *rng.integers(0, elements + 1, 5)]))
    if "density" in settings:
        keep = keep_of(elements, 1 - fraction("density", settings["density"]))
    vectors = draw_elements(kind, config, (count, elements), rng)
    return Batch(config=config, vectors=vectors, keep=keep), kind


def draw_pruner_configuration(settings: Mapping[str, Any], rng: np.random.Generator) -> PrunerConfig:
    """A configuration with the fields that the settings fix; a ``preset`` fixes all.

    Raises:
        InputError: unknown keys or values that cannot be built.
    """
    fixed = {key: value for key, value in settings.items() if key not in CASE_KEYS}
    if "preset" in fixed:
        name = one_of("preset", fixed.pop("preset"), PrunerConfig.presets)
        fixed = merged(PrunerConfig.preset(name).to_mapping(), fixed)
    pad, spare, share = int(rng.integers(1, 9)), int(rng.integers(4)) * int(rng.integers(2)), rng.random()
    tile = int(rng.choice([8, 9, 13, 16, 24]))
    drawn: dict[str, Any] = {
        "tile": tile, "pad": pad, "beat_values": int(fixed.get("pad", pad)) * int(rng.integers(1, 4)),
        "data_type": str(rng.choice(["fp16", "int8"])), "length": int(rng.integers(1, 49)),
        "lanes": 1 + int(share * min(int(fixed.get("tile", tile)), 12)), "digit_bits": int(rng.integers(1, 5)),
        "p_slots": int(rng.integers(1, 4)), "o_depth": int(rng.integers(1, 4)), "b_slots": 64, "buffer_beats": 64,
        "side": str(rng.choice(["values", "keys"]))}
    known = PrunerConfig.from_mapping({**drawn, **fixed})
    least = 1 if known.side == "keys" else known.most_tiles
    return PrunerConfig.from_mapping({**drawn, "b_slots": least + spare, "buffer_beats": known.least_beats + spare,
                                      **fixed})
