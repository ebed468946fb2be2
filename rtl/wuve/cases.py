"""Conformance cases of WUVE: tensors with stalls, and what must come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.config import in_range, one_of, shared
from hwsim.wuve.account import action_counts
from hwsim.wuve.config import WuveConfig
from hwsim.wuve.model import Bools, beat_network
from hwsim.wuve.reference import reference
from hwsim.wuve.update import Hyperparameters, Update
from rtl.bench import Stimulus
from rtl.verify.draw import draw_fractions, draw_stall, whole_setting
from rtl.verify.family import Case
from rtl.wuve.tokens import operand_tokens, parameter_tokens, result_tokens

PORTS = ("p", "i", "o")
VALUES = ("training", "training", "close", "any", "special")
"""How operands are drawn; what stands twice is drawn twice as often."""
LONGEST_STALLS = 1 << 16
"""Cycles after which no port stalls any more."""


def make_case(updates: Sequence[Update], offer: Mapping[str, Bools] | None = None, ready: Bools | None = None,
              described: Mapping[str, Any] | None = None) -> Case:
    """The case of tensors that follow each other without a reset.

    Args:
        updates: of one engine, in order.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: bool (cycles,), when the sink of port ``o`` is ready; always by default.
        described: what the case is, for reports.
    """
    shared("updates", updates)
    timeline = beat_network(updates, offer, ready).solve()
    results = [token for update in updates for token in result_tokens(update, reference(update))]
    tokens = {"p": parameter_tokens(updates),
              "i": [token for update in updates for token in operand_tokens(update)]}
    stimulus = Stimulus(tokens=tokens, expect={"o": len(results)}, limit=timeline.cycles, offer=dict(offer or {}),
                        ready={} if ready is None else {"o": ready})
    return Case(described=described or {}, stimulus=stimulus, cycle={port: timeline.start[port] for port in PORTS},
                value={"o": results}, cycles=timeline.cycles, timeline=timeline,
                actions=lambda: action_counts(updates))


def draw_case(config: WuveConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A random case for that engine: one to four tensors.

    Settings that fix parts of it: ``tensors`` how many; ``beats`` of each; ``values`` their kind (one of `VALUES`); a
    table ``stalls`` (by port, the fraction of cycles in which it stalls).
    """
    count = in_range("tensors", whole_setting("tensors", settings.get("tensors", int(rng.integers(1, 5)))), 1, 64)
    updates, described = [], []
    for _ in range(count):
        beats = whole_setting("beats", settings.get("beats", min(config.most_beats, int(rng.integers(1, 33)))))
        kind = str(rng.choice(VALUES))
        if "values" in settings:
            kind = one_of("values", settings["values"], VALUES)
        update = draw_update(kind, config, in_range("beats", beats, 1, config.most_beats), rng)
        updates.append(update)
        described.append({"beats": beats, "values": kind, "parameters": update.parameters.to_mapping()})
    fractions = draw_fractions(settings.get("stalls", {}), PORTS, rng)
    cycles = min(LONGEST_STALLS, 8 * sum(update.beats for update in updates) + 256)
    stalls = {port: draw_stall(fractions[port], cycles, rng) for port in PORTS}
    ready = stalls.pop("o")
    return make_case(updates, stalls, ready, {"tensors": described, "stalls": fractions})


def draw_update(kind: str, config: WuveConfig, beats: int, rng: np.random.Generator) -> Update:
    """Random operands: ``training`` of usual sizes; ``close`` exponents, so that sums cancel and tie; ``any`` bits but
    NaN and infinity; ``special`` with NaNs, infinities, zeros and subnormal numbers among them.
    """
    shape, bits = (beats, config.lanes), config.format.bits
    gradient = _draw_bits(kind, shape, bits, config.format.exponent_bits, rng)
    wide = [_draw_bits(kind, shape, 32, 8, rng).astype(np.uint32).view(np.float32) for _ in range(2)]
    return Update(config=config, parameters=_draw_parameters(kind, rng), gradient=gradient.astype(np.uint16),
                  weight=wide[0], momentum=wide[1], dropped=rng.random(shape) < rng.choice([0.0, 0.5, 0.5, 0.75]))


def _draw_bits(kind: str, shape: tuple[int, int], bits: int, exponent_bits: int,
               rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Bit patterns (beats, lanes) of a format."""
    top, fraction_bits = (1 << exponent_bits) - 1, bits - 1 - exponent_bits
    middle = top // 2
    low, high = {"training": (middle - 6, middle + 1), "close": (middle - 1, middle + 1)}.get(kind, (0, top))
    exponent, sign = rng.integers(low, high, shape), rng.integers(0, 2, shape)
    fraction = rng.integers(0, 1 << fraction_bits, shape)
    if kind == "close":  # few bits: exact ties and exact zeros
        fraction = rng.integers(0, 8, shape) << (fraction_bits - 3) | rng.integers(0, 2, shape)
    if kind == "special":
        rare = rng.random(shape) < 0.4
        exponent = np.where(rare, rng.choice([0, 0, top], shape), exponent)
        fraction = np.where(rare & (rng.random(shape) < 0.5), 0, fraction)
    return sign << (bits - 1) | exponent << fraction_bits | fraction


def _draw_parameters(kind: str, rng: np.random.Generator) -> Hyperparameters:
    """Usual ones, zeros among them; with ``any`` and ``special`` up to where products overflow."""
    largest = 1e30 if kind in ("any", "special") and rng.random() < 0.3 else 1.0
    rate, momentum, decay, sparse = (float(np.float32(value)) for value in (
        rng.choice([0.1, 1.0, 0.0, largest]), rng.choice([0.0, 0.9, 1.0, 0.5]), rng.choice([0.0, 5e-4, 0.5]),
        rng.choice([0.0, 2e-4, 0.25])))
    scale = float(rng.choice([1.0, 0.5, 2.0**-10, 2.0**-24 if kind != "training" else 0.125, 1.5]))
    return Hyperparameters(learning_rate=rate, momentum=momentum, weight_decay=decay, sparse_decay=sparse,
                           gradient_scale=scale)
