"""Conformance cases: jobs with stalls, and what must come of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.bitmap_decoder.account import decoder_counts
from hwsim.bitmap_decoder.config import BitmapConfig, DecoderConfig
from hwsim.bitmap_decoder.decoder import DecoderJob, decode, decoder_network
from hwsim.bitmap_decoder.format import Bools, Elements
from hwsim.bitmap_decoder.front import Gates
from hwsim.config import in_range, one_of
from hwsim.energy import ActionCount
from hwsim.errors import InputError
from hwsim.network import Network
from rtl.bench import Stimulus
from rtl.bitmap_decoder.tokens import dense_tokens, input_tokens
from rtl.verify.draw import draw_fractions, draw_stall
from rtl.verify.family import Case

CASE_KEYS = ("jobs", "rows", "elements", "density", "values", "stalls")
"""Settings that are no fields of a configuration: how many jobs, rows and elements of each, the fraction of elements
that are kept, the kind of their values, and a table of stalls by port."""
VALUES = ("any", "small", "special")
DENSITIES = (0.0, 0.05, 0.2, 0.3, 0.5, 0.8, 1.0)
LONGEST_STALLS = 1 << 16
"""Cycles after which no port stalls any more."""


def decoder_case(jobs: Sequence[DecoderJob], offer: Gates | None = None, ready: Gates | None = None,
                 described: Mapping[str, Any] | None = None) -> Case:
    """The case of jobs that follow each other without a reset.

    Args:
        jobs: of one decoder, in order.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: by output port: bool (cycles,), when its sink is ready; always, for ports left out.
        described: what the case is, for reports.
    """
    value = [token for job in jobs for token in dense_tokens(job.config.element_bits, decode(job))]
    return made_case(decoder_network(jobs, offer, ready), input_tokens(jobs), {"o": value}, offer, ready, described,
                     lambda: decoder_counts(jobs))


def made_case(net: Network, tokens: dict[str, list[int]], value: dict[str, list[int]], offer: Gates | None,
              ready: Gates | None, described: Mapping[str, Any] | None,
              actions: Callable[[], list[ActionCount]]) -> Case:
    """A case from its network; no error may come."""
    timeline = net.solve()
    value = {**value, "error": []}
    ports = {port: timeline.start[port] for port in (*tokens, "o")}
    stimulus = Stimulus(tokens=tokens, expect={port: len(tokens) for port, tokens in value.items()},
                        limit=timeline.cycles, offer=dict(offer or {}), ready=dict(ready or {}))
    return Case(described=described or {}, stimulus=stimulus, value=value, cycles=timeline.cycles, timeline=timeline,
                cycle={**ports, "error": np.zeros(0, np.int64)}, actions=actions)


def draw_decoder_case(config: DecoderConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A random case: one to four jobs, ragged or not, of any density. `CASE_KEYS` fix parts of it."""
    jobs, described = [], []
    for _ in range(draw_count(settings, "jobs", int(rng.integers(1, 5)), 64)):
        rows, elements, kind = draw_shape(config, settings, rng)
        kept, density = draw_kept((rows, elements), config.tile, settings, rng)
        dense = draw_elements(kind, config, (rows, elements), rng)
        jobs.append(DecoderJob(config=config, dense=dense, kept=kept))
        described.append({"rows": rows, "elements": elements, "density": density, "values": kind})
    ports = ("h", "b", "v", "o")
    fractions, stalls = draw_stalls(settings, ports, 16 * sum(job.dense.size for job in jobs) + 256, rng)
    return decoder_case(jobs, {port: stalls[port] for port in ports[:-1]}, {"o": stalls["o"]},
                        {"jobs": described, "stalls": fractions})


def draw_stalls(settings: Mapping[str, Any], ports: Sequence[str], cycles: int,
                rng: np.random.Generator) -> tuple[dict[str, float], dict[str, Bools]]:
    """By port: the fraction of cycles in which it stalls, and the pattern."""
    fractions = draw_fractions(settings.get("stalls", {}), ports, rng)
    return fractions, {port: draw_stall(fractions[port], min(LONGEST_STALLS, cycles), rng) for port in ports}


def draw_shape(config: BitmapConfig, settings: Mapping[str, Any],
               rng: np.random.Generator) -> tuple[int, int, str]:
    """Rows, elements and kind of values of one job; one in two rows is ragged."""
    tiles = int(rng.integers(1, 4))
    ragged = int(rng.integers(config.tile)) * int(rng.integers(2))
    rows = draw_count(settings, "rows", int(rng.integers(1, 6)), 1 << 10)
    elements = draw_count(settings, "elements", tiles * config.tile - ragged, 1 << 14)
    kind = str(rng.choice(VALUES))
    return rows, elements, one_of("values", settings.get("values", kind), VALUES)


def draw_kept(shape: tuple[int, int], tile: int, settings: Mapping[str, Any],
              rng: np.random.Generator) -> tuple[Bools, float]:
    """Which elements are kept; some tiles wholly, some not at all, unless the settings fix a density."""
    density = float(rng.choice(DENSITIES))
    kept = rng.random(shape) < density
    column = np.arange(shape[1]) // tile
    whole, none = (rng.random((shape[0], column[-1] + 1)) < 0.1 for _ in range(2))
    if "density" in settings:
        density = fraction("density", settings["density"])
        return rng.random(shape) < density, density
    return (kept | whole[:, column]) & ~none[:, column], density


def draw_elements(kind: str, config: BitmapConfig, shape: tuple[int, int], rng: np.random.Generator) -> Elements:
    """Elements: ``any`` finite ones, ``small`` (many zeros and equal ones), ``special`` (infinities, NaNs, subnormals,
    for whole numbers the extremes).
    """
    if config.data_type == "int8":
        whole = {"any": rng.integers(-128, 128, shape), "small": rng.integers(-1, 2, shape),
                 "special": rng.choice([-128, 127, 0], shape)}[kind]
        return whole.astype(np.int8)
    sign = rng.integers(0, 2, shape) << 15
    rare = rng.choice([1, 0x3FF, 0x400, 0x7C00, 0x7C01, 0x7E00, 0x7BFF], shape)
    finite = rng.integers(0, 0x7C00, shape)
    magnitude = {"any": finite, "small": rng.choice([0, 1, 0x3C00, 0x4000], shape),
                 "special": np.where(rng.random(shape) < 0.2, rare, finite)}[kind]
    return (magnitude | sign).astype(np.uint16)


def draw_count(settings: Mapping[str, Any], key: str, drawn: int, most: int) -> int:
    """A number of things, fixed or drawn."""
    value = settings.get(key, drawn)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(key, "an integer", value)
    return in_range(key, value, 1, most)


def fraction(place: str, value: Any) -> float:
    """A number from 0 to 1, checked."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(place, "a number from 0 to 1", value)
    return float(in_range(place, value, 0, 1))
