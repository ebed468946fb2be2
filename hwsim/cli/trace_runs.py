"""The runs that ``hwsim trace`` shows: a random case of a family, a layer with its memory, a language model's step."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.cli.packages import missing_package
from hwsim.errors import InputError
from hwsim.provenance import provenance
from hwsim.settings import merged
from hwsim.trace.network import network_trace
from hwsim.trace.program import program_trace
from hwsim.trace.tracks import Trace

_CYCLES = "1 cycle of the accelerator's clock is shown as 1 ns"
_REAL = "real time in ns, rounded down; start_ps and ps of each slice are exact"


def case_trace(family: str, settings: Mapping[str, Any], seed: int, configuration: int, case: int) -> Trace:
    """The case that ``hwsim verify`` runs on the RTL by the same seed and numbers.

    Raises:
        InputError: settings that cannot be used, or a package that is missing.
    """
    try:
        from rtl.verify.registry import find_family
    except ImportError as error:
        raise missing_package(f"trace {family}", error) from error
    chosen = find_family(family)
    config = chosen.configuration(settings, np.random.default_rng([seed, configuration]))
    drawn = chosen.case(config, settings, np.random.default_rng([seed, configuration, case]))
    timeline, stimulus = drawn.timeline, drawn.stimulus
    inputs = {port: stimulus.offer.get(port) for port in stimulus.tokens if port in timeline.start}
    outputs = {port: stimulus.ready.get(port) for port in stimulus.expect if port in timeline.start}
    given = {"family": family, "configuration": config.to_mapping(), "settings": dict(settings), "only":
             [configuration, case], "case": dict(drawn.described)}
    meta = {"time": _CYCLES, "cycles": timeline.cycles, "provenance": provenance(given, seed=seed)}
    return network_trace(timeline, f"{family}, seed {seed}, case {configuration}.{case}", inputs, outputs, meta)


def layer_trace(arguments: argparse.Namespace) -> Trace:
    """A layer as ``hwsim run`` schedules it, with its memory: by tiles, or by the beats that the RTL sees.

    Raises:
        InputError: no such layer, and what ``hwsim run`` refuses.
    """
    from hwsim.cli.plans import plans_of
    from hwsim.cli.run import experiment_of
    from hwsim.cli.simulate import refuse_huge
    from hwsim.cli.sources import read_source
    from hwsim.fields import one_of
    from hwsim.nm_array.model import beat_network
    from hwsim.nm_array.replay import memory_stalls
    from hwsim.sparsity.ratio import DENSE
    from mappers.nm_array import schedule

    experiment, folder = experiment_of(arguments)
    source, config = read_source(experiment.workload, folder), experiment.accelerator.config
    refuse_huge(source, config)
    names = [operator.name for operator in source.workload.gemms]
    if arguments.layer is None and len(names) > 1:
        raise InputError("trace --layer", f"one of {', '.join(names)}", "none")
    layer = one_of("--layer", arguments.layer or names[0], names)
    plans = plans_of(source, experiment)
    ratio = plans[0].ratios.get(layer, DENSE)
    found = schedule(config, source.workload[layer], ratio, experiment.memory, experiment.clock_hz, experiment.mapper)
    given = {"experiment": experiment.to_mapping(), "layer": layer, "ratio": str(ratio)}
    made = provenance(given, seed=experiment.pruning.seed, files=source.files)
    meta = {"time": _CYCLES, "clock_hz": experiment.clock_hz, "provenance": made}
    name = f"{source.workload.name}, {layer}, {ratio}"
    if len(plans) > 1:
        name += f" (run {plans[0].label}, the first of {len(plans)})"
    if not arguments.beats:
        return network_trace(found.timeline, f"{name}, by tiles", meta={**meta, "cycles": found.cycles})
    offers, ready = memory_stalls(found.program, found.timeline)
    timeline = beat_network(found.program, offers, ready).solve()
    inputs = {port: offers.get(port) for port in "dawq"}
    meta["cycles"] = timeline.cycles
    return network_trace(timeline, f"{name}, by beats", inputs, {"o": ready}, meta)


def step_trace(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> Trace:
    """One step of a language model, compiled as ``hwsim llm`` does.

    Raises:
        InputError: what ``hwsim llm`` refuses.
    """
    from hwsim.llm.simulate import simulate
    from hwsim.llm_workload.experiment import LlmExperiment
    from mappers.llm.generate import Generator

    if (arguments.prefill is None) == (arguments.decode_at is None):
        raise InputError("trace llm", "one of --prefill and --decode-at", "neither" if arguments.prefill is None
                         else "both")
    stage, length = ("prefill", arguments.prefill) if arguments.decode_at is None else ("decode", arguments.decode_at)
    experiment = LlmExperiment.from_mapping(
        {"preset": arguments.preset or "u280", **settings, "model": arguments.model}, "trace llm")
    model, assignment = experiment.loaded()
    generator = Generator(model, experiment.engine, assignment, experiment.compiler)
    bucket = generator.bucket(stage, length)
    run = simulate(generator.program(stage, bucket).program(addresses=False), experiment.engine)
    given = {"experiment": experiment.to_mapping(), "stage": stage, "length": length, "bucket": bucket}
    meta = {"time": _REAL, "clock_hz": experiment.engine.clock_hz, "picoseconds": run.total,
            "provenance": provenance(given, seed=0)}
    return program_trace(run, f"{model.name}, {stage} {length}", meta)


def file_trace(path: Path, settings: Mapping[str, Any]) -> Trace:
    """A program file or assembler text, as ``hwsim run`` takes it.

    Raises:
        InputError: what ``hwsim run`` refuses.
        ProgramDeadlock: a token never comes.
    """
    from hwsim.llm.engine import EngineConfig
    from hwsim.llm.program import read_program
    from hwsim.llm.simulate import simulate

    program = read_program(path)
    base = {} if "preset" in settings else program.notes.get("engine", {"preset": "u280"})
    run = simulate(program, EngineConfig.from_mapping(merged(base, settings), "--set"))
    given = {"program": path.name, "engine": run.config.to_mapping()}
    meta = {"time": _REAL, "clock_hz": run.config.clock_hz, "picoseconds": run.total,
            "provenance": provenance(given, seed=0, files=[path])}
    return program_trace(run, program.name, meta)
