"""Conformance cases of SORE: slices with stalls, and what must come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.config import in_range, one_of, shared
from hwsim.sore.account import action_counts
from hwsim.sore.config import SoreConfig
from hwsim.sore.model import Bools, beat_network
from hwsim.sore.reference import MAGNITUDE, reference
from hwsim.sore.slices import Bits16, Slice
from rtl.bench import Stimulus
from rtl.sore.tokens import descriptor_tokens, result_tokens, row_tokens
from rtl.verify.draw import draw_fractions, draw_stall, operating_ratio, whole_setting
from rtl.verify.family import Case

PORTS = ("p", "i", "f", "b")
INPUTS, OUTPUTS = PORTS[:2], PORTS[2:]
VALUES = ("any", "ties", "sparse", "zero", "special")
LONGEST_STALLS = 1 << 16
"""Cycles after which no port stalls any more."""


def make_case(slices: Sequence[Slice], offer: Mapping[str, Bools] | None = None,
              ready: Mapping[str, Bools] | None = None, described: Mapping[str, Any] | None = None) -> Case:
    """The case of slices that follow each other without a reset.

    Args:
        slices: of one engine, in order.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: by output port: bool (cycles,), when its sink is ready; always, for ports left out.
        described: what the case is, for reports.
    """
    config = shared("slices", slices)
    timeline = beat_network(slices, offer, ready).solve()
    found = [reference(part) for part in slices]
    value = {port: [token for beats in found if port in beats for token in result_tokens(config, beats[port])]
             for port in OUTPUTS}
    stimulus = Stimulus(tokens={"p": descriptor_tokens(slices), "i": row_tokens(slices)},
                        expect={port: len(value[port]) for port in OUTPUTS}, limit=timeline.cycles,
                        offer=dict(offer or {}), ready=dict(ready or {}))
    return Case(described=described or {}, stimulus=stimulus, cycle={port: timeline.start[port] for port in PORTS},
                value=value, cycles=timeline.cycles, timeline=timeline, actions=lambda: action_counts(slices))


def draw_case(config: SoreConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A random case for that engine: one to five slices, of changing ratios.

    Settings that fix parts of it: ``n`` and ``m`` the ratio; ``slices`` how many; ``rows`` of each; ``values`` their
    kind (one of `VALUES`); a table ``stalls`` (by port, the fraction of cycles in which it stalls).
    """
    count = in_range("slices", whole_setting("slices", settings.get("slices", int(rng.integers(1, 6)))), 1, 64)
    slices, described = [], []
    for _ in range(count):
        part, kind = _draw_slice(config, settings, rng)
        slices.append(part)
        described.append({"ratio": str(part.ratio), "rows": part.rows, "forward": part.forward,
                          "backward": part.backward, "values": kind})
    fractions = draw_fractions(settings.get("stalls", {}), PORTS, rng)
    cycles = min(LONGEST_STALLS, 8 * sum(part.rows + 2 * part.ratio.m for part in slices) + 256)
    stalls = {port: draw_stall(fractions[port], cycles, rng) for port in PORTS}
    return make_case(slices, {port: stalls[port] for port in INPUTS}, {port: stalls[port] for port in OUTPUTS},
                     {"slices": described, "stalls": fractions})


def _draw_slice(config: SoreConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> tuple[Slice, str]:
    """A slice of up to four groups, often with a ragged last one, and the kind of its values."""
    ratio = operating_ratio(settings) or config.modes[int(rng.integers(len(config.modes)))]
    drawn = int(rng.choice([ratio.m, int(rng.integers(1, 4 * ratio.m + 1))])) + ratio.m * int(rng.integers(0, 2))
    rows = whole_setting("rows", settings.get("rows", min(drawn, config.most_rows)))
    in_range("rows", rows, 1, config.most_rows)
    kind = str(rng.choice(VALUES))
    if "values" in settings:
        kind = one_of("values", settings["values"], VALUES)
    forward, backward = ((True, True), (True, True), (True, False), (False, True))[int(rng.integers(4))]
    bits = draw_weights(kind, config, (rows, config.lanes), rng)
    return Slice(config=config, ratio=ratio, bits=bits, forward=forward, backward=backward), kind


def draw_weights(kind: str, config: SoreConfig, shape: tuple[int, int], rng: np.random.Generator) -> Bits16:
    """Bit patterns: ``any`` finite number; ``ties`` of three magnitudes; ``sparse`` mostly zeros of both signs;
    ``zero``; ``special`` with infinities, NaNs and subnormals among them.
    """
    sign = rng.integers(0, 2, shape) << 15
    magnitude = {"any": rng.integers(0, config.infinity, shape), "ties": rng.choice([0, 1, 0x3C00, 0x3C01], shape),
                 "sparse": rng.integers(0, config.infinity, shape) * (rng.random(shape) < 0.3),
                 "zero": np.zeros(shape, np.int64), "special": rng.integers(0, config.infinity, shape)}[kind]
    if kind == "special":
        rare = rng.choice([1, config.infinity, config.infinity, config.infinity + 1, MAGNITUDE], shape)
        magnitude = np.where(rng.random(shape) < rng.choice([0.05, 0.5]), rare, magnitude)
    return (magnitude | sign).astype(np.uint16)
