"""From an experiment to its outcome: read, prune, map and simulate, for each ratio and each baseline."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hwsim.cli.plans import plans_of
from hwsim.cli.sources import Source, read_source
from hwsim.energy import load_costs
from hwsim.energy.technology import DEFAULT
from hwsim.errors import InputError
from hwsim.experiment import Experiment
from hwsim.gpu.network import on_gpus
from hwsim.nm_array.config import Dataflow, NmArrayConfig
from hwsim.provenance import provenance
from hwsim.report.outcome import Outcome, Run
from hwsim.result import NetworkResult
from hwsim.sparsity.ratio import Ratio

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
    runs = []
    for plan in plans_of(source, experiment):
        title = f"weights {plan.label}"
        result = _simulate(source, experiment, config, "", plan.ratios, plan.weights, stage, title)
        runs.append(Run(ratio=plan.label, result=result, pruning=plan.records,
                        similarity=similarity(source, plan.weights),
                        gpus=on_gpus(source.workload, experiment.gpu, plan.ratios, config.data_type)))  # fmt: skip
    baselines: dict[str, NetworkResult] = {
        str(name): _simulate(source, experiment, BASELINES[name](config), name, {}, None, stage, f"{name} baseline")
        for name in experiment.baselines
    }
    made_from = provenance(experiment.to_mapping(), seed=experiment.pruning.seed, files=source.files)
    return Outcome(runs=tuple(runs), baselines=baselines, provenance=made_from, dollars=experiment.gpu.dollars,
                   costs=load_costs(technology=experiment.energy.technology))


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
    result = simulate_network(
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
    return told_for(result, experiment)


def told_for(result: NetworkResult, experiment: Experiment) -> NetworkResult:
    """The result at the costs of the experiment's technology."""
    technology = experiment.energy.technology
    return result if technology == DEFAULT else result.repriced(load_costs(technology=technology))


def refuse_huge(source: Source, config: NmArrayConfig) -> None:
    """Refuse operators whose schedule would not fit in memory, before any of it is allocated."""
    room = _memory_bytes()
    for op in source.workload.gemms:
        passes = max(_passes(config, op.m, op.k, op.n, op.groups, dataflow) for dataflow in config.dataflows)
        if passes * _BYTES_PER_PASS > room:
            wanted = f"a product whose schedule fits in {room >> 30} GiB of memory"
            given = f"{op.m}x{op.k}x{op.n}x{op.groups}, about {passes * _BYTES_PER_PASS >> 30} GiB"
            raise InputError(f"workload: {op.name}", wanted, given)


def _passes(config: NmArrayConfig, m: int, k: int, n: int, groups: int, dataflow: Dataflow) -> int:
    """Passes of the deepest tiling, dense."""
    tile_m, tile_k = config.result_rows(dataflow), config.rows if dataflow == "ws" else config.most_beats(dataflow)
    span = config.modes[0].span
    return groups * -(-m // tile_m) * -(-k // (tile_k * span)) * -(-n // config.cols)


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 8 << 30  # unknown system: that of a small laptop
