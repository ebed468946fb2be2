"""Conformance cases of the dequantiser: tensors with stalls, and what must come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hwsim.config import in_range, one_of
from hwsim.dsp_chain.dequant.account import action_counts
from hwsim.dsp_chain.dequant.config import WIDEST, WIDTHS, DequantConfig
from hwsim.dsp_chain.dequant.model import Bools, dequant_network
from hwsim.dsp_chain.dequant.reference import reference
from hwsim.dsp_chain.dequant.tensor import Ints, Packed, pack
from rtl.bench import Stimulus
from rtl.dsp_chain.dequant.tokens import header_tokens, scale_tokens, weight_tokens, word_tokens
from rtl.verify.draw import draw_fractions, draw_stall, whole_setting
from rtl.verify.family import Case

PORTS = ("h", "w", "s", "o")
CASE_KEYS = ("tensors", "weights", "width", "values", "stalls")
"""Settings that are no fields of the configuration: how many tensors a case has, weights of each and their width, the
kind of their values, and a table of stalls by port."""
VALUES = ("any", "any", "ties", "extreme", "plain")
"""How weights and scales are drawn; what stands twice is drawn twice as often."""
LONGEST_STALLS = 1 << 16
"""Cycles after which no port stalls any more."""
_LONG_TENSORS, _LONG = 1 / 32, 2500
"""How many of the random cases are one long tensor, and its most words and beats."""


def make_case(tensors: Sequence[Packed], offer: Mapping[str, Bools] | None = None, ready: Bools | None = None,
              described: Mapping[str, Any] | None = None) -> Case:
    """The case of tensors that follow each other without a reset; no error may come.

    Args:
        tensors: of one dequantiser, in order.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: bool (cycles,), when the sink of port ``o`` is ready; always by default.
        described: what the case is, for reports.
    """
    timeline = dequant_network(tensors, offer, ready).solve()
    results = [token for tensor in tensors for token in weight_tokens(reference(tensor))]
    tokens = {"h": header_tokens(tensors), "w": [token for tensor in tensors for token in word_tokens(tensor)],
              "s": [token for tensor in tensors for token in scale_tokens(tensor)]}
    stimulus = Stimulus(tokens=tokens, expect={"o": len(results), "error": 0}, limit=timeline.cycles,
                        offer=dict(offer or {}), ready={} if ready is None else {"o": ready})
    cycle = {port: timeline.start[port] for port in PORTS}
    return Case(described=described or {}, stimulus=stimulus, cycle={**cycle, "error": np.zeros(0, np.int64)},
                value={"o": results, "error": []}, cycles=timeline.cycles, timeline=timeline,
                actions=lambda: action_counts(tensors))


def draw_case(config: DequantConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A random case: one to six tensors of any width, one in two with a ragged end, or, rarely, one long tensor.
    `CASE_KEYS` fix parts of it.
    """
    settings = {**_long_tensor(config, settings, rng), **settings}
    tensors, described = [], []
    for _ in range(_count(settings, "tensors", int(rng.integers(1, 7)), 64)):
        ragged = int(rng.integers(config.lanes)) * int(rng.integers(2))
        weights = max(int(rng.integers(1, 17)) * config.lanes - ragged, 1)
        weights = _count(settings, "weights", min(weights, config.most_weights), config.most_weights)
        width, kind = int(rng.choice(WIDTHS)), str(rng.choice(VALUES))
        width = one_of("width", settings.get("width", width), WIDTHS)
        kind = one_of("values", settings.get("values", kind), VALUES)
        tensors.append(draw_tensor(kind, config, width, weights, rng))
        described.append({"weights": weights, "width": width, "values": kind})
    fractions = draw_fractions(settings.get("stalls", {}), PORTS, rng)
    cycles = min(LONGEST_STALLS, 8 * sum(tensor.beats + len(tensor.words) for tensor in tensors) + 256)
    stalls = {port: draw_stall(fractions[port], cycles, rng) for port in PORTS}
    ready = stalls.pop("o")
    return make_case(tensors, stalls, ready, {"tensors": described, "stalls": fractions})


def _long_tensor(config: DequantConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Settings of a tensor as long as the configuration allows, up to `_LONG`, in one case of many; none where a
    setting says how long tensors are. Drawn from a generator of its own, so that all other cases stay as they are.
    """
    rare = rng.spawn(1)[0].random() < _LONG_TENSORS
    if not (rare and settings.keys().isdisjoint(("tensors", "weights", "width"))):
        return {}
    most = _LONG * min(config.lanes, config.word // WIDEST)
    return {"tensors": 1, "width": WIDEST, "weights": min(config.most_weights, most)}


def draw_tensor(kind: str, config: DequantConfig, width: int, weights: int, rng: np.random.Generator) -> Packed:
    """Random weights and scales: ``any``; ``ties``, products half way between two results; ``extreme`` weights and
    multipliers, so that many saturate; ``plain`` weights that leave as they are.
    """
    low, high = -(1 << width - 1), (1 << width - 1) - 1
    values = rng.integers(low, high + 1, weights)
    groups, most = -(-weights // config.group), (1 << config.multiplier_bits) - 1
    multipliers, shifts = _draw_scales(kind, groups, most, config.most_shift, rng)
    if kind == "extreme":
        values = rng.choice([low, high, 0, -1, 1], weights)
    tensor = pack(config, width, values, multipliers, shifts)
    bits = np.unpackbits(tensor.words, bitorder="little")
    bits[weights * width:] = rng.integers(0, 2, len(bits) - weights * width)  # they do not count
    return replace(tensor, words=np.packbits(bits, bitorder="little").reshape(tensor.words.shape))


def _draw_scales(kind: str, groups: int, most: int, most_shift: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Multipliers and shifts (groups,)."""
    multipliers, shifts = rng.integers(0, most + 1, groups), rng.integers(0, most_shift + 1, groups)
    if kind == "ties":  # odd · 2^(shift - 1) / 2^shift
        shifts = rng.integers(1, min(most_shift, max(most.bit_length() - 2, 1)) + 1, groups)
        multipliers = np.minimum((2 * rng.integers(0, 3, groups) + 1) << (shifts - 1), most)
    if kind == "extreme":
        multipliers, shifts = rng.choice([most, most // 2, 1, 0], groups), rng.choice([0, 1, most_shift], groups)
    if kind == "plain":
        multipliers, shifts = np.ones(groups, np.int64), np.zeros(groups, np.int64)
    return multipliers, shifts


def _count(settings: Mapping[str, Any], key: str, drawn: int, most: int) -> int:
    """A number of things, fixed or drawn."""
    return in_range(key, whole_setting(key, settings.get(key, drawn)), 1, most)
