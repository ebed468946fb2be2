"""Conformance cases of the training core: whole training steps under stalls, and what must come of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from hwsim.config import in_range
from hwsim.floats import FORMATS, round_to
from hwsim.nm_array.program import Tiling
from hwsim.training_core.config import TrainingCoreConfig
from hwsim.training_core.model import INPUTS, OUTPUTS, Bools, core_network, offers_of
from hwsim.training_core.step import run_step
from hwsim.training_core.work import Kind, Layer, Step, Task
from hwsim.wuve.update import Hyperparameters
from rtl.bench import Stimulus
from rtl.training_core.tokens import input_tokens, output_tokens
from rtl.verify.draw import draw_fractions, draw_stall, whole_setting
from rtl.verify.family import Case

CASE_KEYS = ("layers", "batch", "stalls")
"""Settings that are no fields of the configuration: how many layers, samples of the batch, and stalls by port."""
KINDS: tuple[Kind, ...] = ("FF", "BP", "WU")
ORDERS: tuple[Literal["mn", "nm"], ...] = ("mn", "nm")
LONGEST_STALLS = 1 << 14
"""Cycles after which no port stalls any more."""


def make_case(step: Step, offer: Mapping[str, Bools] | None = None, ready: Mapping[str, Bools] | None = None,
              described: Mapping[str, Any] | None = None) -> Case:
    """The case of one step.

    Args:
        step: from `hwsim.training_core.step.run_step`.
        offer: by input port: bool (cycles,), when its source may begin to offer; always, for ports left out.
        ready: by output port: bool (cycles,), when its sink is ready; always, for ports left out.
        described: what the case is, for reports.
    """
    timeline = core_network(step, offer, ready).solve()
    value = output_tokens(step)
    stimulus = Stimulus(tokens=input_tokens(step), expect={port: len(tokens) for port, tokens in value.items()},
                        limit=timeline.cycles, offer=offers_of(step, timeline, offer), ready=dict(ready or {}))
    return Case(described=described or {}, stimulus=stimulus, value=value, cycles=timeline.cycles, timeline=timeline,
                cycle={port: timeline.start[port] for port in INPUTS + OUTPUTS})


def draw_case(config: TrainingCoreConfig, settings: Mapping[str, Any], rng: np.random.Generator) -> Case:
    """A step of a random perceptron of one to three layers.

    Settings that fix parts of it: ``layers`` how many; ``batch``; a table ``stalls`` (by port, the fraction of cycles
    in which it stalls).
    """
    step, described = draw_step(config, settings, rng)
    fractions = draw_fractions(settings.get("stalls", {}), INPUTS + OUTPUTS, rng)
    quiet = core_network(step).solve().cycles
    stalls = {port: draw_stall(fractions[port], min(LONGEST_STALLS, 4 * quiet), rng) for port in INPUTS + OUTPUTS}
    return make_case(step, {port: stalls[port] for port in INPUTS}, {port: stalls[port] for port in OUTPUTS},
                     {**described, "stalls": fractions})


def draw_step(config: TrainingCoreConfig, settings: Mapping[str, Any],
              rng: np.random.Generator) -> tuple[Step, dict[str, Any]]:
    """Random layers, data and tilings."""
    count = in_range("layers", whole_setting("layers", settings.get("layers", int(rng.integers(1, 4)))), 1, 8)
    batch = in_range("batch", whole_setting("batch", settings.get("batch", int(rng.integers(1, 13)))), 1, 256)
    sizes = [int(rng.integers(1, 2 * config.sore.group + config.cols + 1)) for _ in range(count + 1)]
    ratios = [mode.ratio for mode in config.array.modes]
    layers = [Layer(weight=_normal((fan_in, fan_out), fan_in**-0.5, rng), momentum=_normal((fan_in, fan_out), 0.1, rng),
                    ratio=ratios[int(rng.integers(len(ratios)))])
              for fan_in, fan_out in zip(sizes, sizes[1:], strict=False)]
    x = round_to(FORMATS[config.data_type], _normal((batch, sizes[0]), 1.0, rng)).astype(np.uint16)
    parameters = Hyperparameters(learning_rate=0.125, momentum=float(rng.choice([0.0, 0.9])), weight_decay=2.0**-10,
                                 sparse_decay=2.0**-12, gradient_scale=float(rng.choice([1.0, 2.0**-8])))
    task = Task(x=x, target=_normal((batch, sizes[-1]), 1.0, rng), parameters=parameters)
    tilings = {(kind, number): _draw_tiling(config, rng) for kind in KINDS for number in range(count)}
    described = {"sizes": sizes, "batch": batch, "ratios": [str(layer.ratio) for layer in layers],
                 "tilings": [f"{kind} {number}: {tiling.dataflow} {tiling.beats} {tiling.order}"
                             for (kind, number), tiling in tilings.items()]}
    return run_step(config, layers, task, tilings), described


def _draw_tiling(config: TrainingCoreConfig, rng: np.random.Generator) -> Tiling:
    dataflow, order = config.array.dataflows[int(rng.integers(2))], ORDERS[int(rng.integers(2))]
    beats = int(rng.integers(1, config.array.most_beats(dataflow) + 1))
    return Tiling(beats=beats, order=order, dataflow=dataflow)


def _normal(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (scale * rng.normal(size=shape)).astype(np.float32)
