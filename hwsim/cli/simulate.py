"""From an experiment to its outcome: read, prune, map and simulate, for each ratio and each baseline."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hwsim.cli.sources import Source, read_source
from hwsim.errors import InputError
from hwsim.experiment import Experiment
from hwsim.nm_array.config import NmArrayConfig
from hwsim.provenance import provenance
from hwsim.report.outcome import Outcome, Run
from hwsim.result import NetworkResult
from hwsim.sparsity.ratio import DENSE, Ratio

Stage = Callable[[str], Callable[[int, int, str], None]]

BASELINES: Mapping[str, Callable[[NmArrayConfig], NmArrayConfig]] = {
    "dense": NmArrayConfig.dense_twin,
    "systolic": NmArrayConfig.plain_systolic,
}
"""Accelerator that each baseline runs on, at equal multipliers."""

_BYTES_PER_PASS = 10_000
"""Memory of the mapper for each pass of the deepest tiling: all candidates' arrays, measured and rounded up."""


def run_experiment(experiment: Experiment, folder: str | Path = ".", stage: Stage | None = None) -> Outcome:
    """Run an experiment.

    Args:
        experiment: what to run.
        folder: that relative paths of the experiment start from.
        stage: gives the progress function of each part, from its title.

    Raises:
        InputError: a file cannot be used, a pattern matches no layer, or the workload is too large.
    """
    source = read_source(experiment.workload, folder)
    config = experiment.accelerator.config
    refuse_huge(source, config)
    plans = {ratio: plan_ratios(source, experiment, ratio) for ratio in experiment.pruning.runs}
    runs = []
    for ratio, (ratios, notes) in plans.items():
        weights, records = prune(source, ratios, notes)
        result = _simulate(source, experiment, config, "", ratios, weights, stage, f"pruned to {ratio}")
        runs.append(Run(ratio=str(ratio), result=result, pruning=records, similarity=similarity(source, weights)))
    baselines: dict[str, NetworkResult] = {
        str(name): _simulate(source, experiment, BASELINES[name](config), name, {}, None, stage, f"{name} baseline")
        for name in experiment.baselines
    }
    made_from = provenance(experiment.to_mapping(), seed=experiment.pruning.seed, files=source.files)
    return Outcome(runs=tuple(runs), baselines=baselines, provenance=made_from)


def similarity(source: Source, weights: Mapping[str, Any] | None) -> float | None:
    """Cosine between the outputs of the pruned and the unpruned network on its sample input, in float32."""
    if source.network is None or not weights:
        return None
    import numpy as np

    x = source.network.sample_input()
    before, after = (np.ravel(network.run(x)[0]).astype(np.float64)
                     for network in (source.network, source.network.with_weights(weights)))
    return round(float(before @ after / (np.linalg.norm(before) * np.linalg.norm(after))), 6)


def _simulate(
    source: Source, experiment: Experiment, config: NmArrayConfig, name: str, ratios: Mapping[str, Ratio],
    weights: Mapping[str, Any] | None, stage: Stage | None, title: str,
) -> NetworkResult:  # fmt: skip
    from mappers.network import simulate_network

    label = f"{experiment.accelerator.family} {config.rows}x{config.cols}"
    return simulate_network(
        source.workload,
        config,
        ratios=ratios,
        dram=experiment.memory,
        clock_hz=experiment.clock_hz,
        weights=weights,
        name=f"{label} {name}".strip(),
        limits=experiment.mapper,
        progress=stage(title) if stage else None,
    )


def plan_ratios(source: Source, experiment: Experiment, default: Ratio) -> tuple[dict[str, Ratio], dict[str, str]]:
    """Ratio of every layer with weights, and why a layer is left dense.

    A topology file's own ratios count where the experiment asks for none.
    """
    from mappers.prune import LeaveDense

    pruning = experiment.pruning
    layers = [op for op in source.workload if op.has_weights]
    pruning.layers.refuse_unused(op.name for op in layers)
    own = source.ratios if pruning.ratio is None and not pruning.ratios else {}
    leave = LeaveDense(first=pruning.keep_first, last=pruning.keep_last, depthwise=pruning.keep_depthwise,
                       smallest_k=pruning.smallest_k)  # fmt: skip
    ratios, notes = {}, {}
    for position, op in enumerate(layers):
        notes[op.name] = leave.reason(position, len(layers), op.weight_shape)
        asked = pruning.layers.ratio_of(op.name, own.get(op.name, default))
        ratios[op.name] = DENSE if notes[op.name] else asked
        if asked not in [mode.ratio for mode in experiment.accelerator.config.modes]:
            raise InputError(f"ratio of {op.name}", "a ratio that the array is built for", str(asked))
    return ratios, notes


def prune(
    source: Source, ratios: Mapping[str, Ratio], notes: Mapping[str, str]
) -> tuple[dict[str, Any] | None, tuple[dict[str, Any], ...]]:
    """Pruned weights (None for shapes), and a record per layer; shapes need none, as N:M fixes the work."""
    if source.weights is None:
        records = [{"name": name, "ratio": str(ratio), "note": notes[name]} for name, ratio in ratios.items()]
        return None, tuple(records)
    from mappers.prune import LeaveDense, prune_nm

    known = {name: source.weights[name] for name in ratios if name in source.weights}
    asked = {name: ratios[name] for name in known}
    pruned = prune_nm(known, {_literal(name): ratio for name, ratio in asked.items()},
                      LeaveDense(depthwise=False, smallest_k=0))  # fmt: skip
    rows = [{**asdict(layer.record), "note": notes[name]} for name, layer in pruned.items()]
    plain = [{**row, "shape": list(row["shape"]), "ratio": str(asked[row["name"]])} for row in rows]
    return {name: layer.weights for name, layer in pruned.items()}, tuple(plain)


def _literal(name: str) -> str:
    """A pattern that matches this name alone."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def refuse_huge(source: Source, config: NmArrayConfig) -> None:
    """Refuse operators whose schedule would not fit in memory, before any of it is allocated."""
    room = _memory_bytes()
    ws = config.dataflow == "ws"
    for op in source.workload.gemms:
        passes = _passes(config, op.m, op.k, op.n, op.groups, ws)
        if passes * _BYTES_PER_PASS > room:
            wanted = f"a product whose schedule fits in {room >> 30} GiB of memory"
            given = f"{op.m}x{op.k}x{op.n}x{op.groups}, about {passes * _BYTES_PER_PASS >> 30} GiB"
            raise InputError(f"workload: {op.name}", wanted, given)


def _passes(config: NmArrayConfig, m: int, k: int, n: int, groups: int, ws: bool) -> int:
    """Passes of the deepest tiling, dense."""
    tile_m, tile_k = (config.tile_depth, config.rows) if ws else (config.rows, config.tile_depth)
    span = config.modes[0].span
    return groups * -(-m // tile_m) * -(-k // (tile_k * span)) * -(-n // config.cols)


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 8 << 30  # unknown system: that of a small laptop
