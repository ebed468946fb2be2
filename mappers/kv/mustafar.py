"""The published cases of Mustafar (arXiv 2505.22913) on our machine and on the GPU's roofline."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.errors import InputError
from hwsim.kv_workload.machine import ENGINES, Engine, KvMachine
from hwsim.kv_workload.models import KvModel
from hwsim.kv_workload.pruning import KvPruning, Patterns
from hwsim.kv_workload.step import Step
from hwsim.kv_workload.storage import Measured, cache_bytes, expected_ratio, measured_ratio, most_sequences
from hwsim.reproduce.mustafar_gpu import RTX_6000_ADA, most_tokens, token_seconds
from hwsim.reproduce.mustafar_outcome import SHARED, MustafarExperiment, MustafarOutcome
from mappers.kv.decode import Progress, step_of

STORED = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Sparsities of the storage rows."""
DENSE_BATCH, BITMAP_BATCH = 6, 8
SINGLE, GROUPED = "llama2-7b", "llama-3-8b"


def run(experiment: MustafarExperiment, progress: Progress = lambda *_: None) -> MustafarOutcome:
    """All cases."""
    model = KvModel.preset(SINGLE)
    measured: dict[Patterns, Mapping[float, Measured]] = {}
    patterns: tuple[Patterns, ...] = ("synthetic", "minilm")
    for number, name in enumerate(patterns):
        progress(number, 4, f"storage, {name}")
        found = _storage(model, experiment.pruning(name))
        if found is not None:
            measured[name] = found
    expected = {part: expected_ratio(experiment.pruning().cache(part), model.shape.channels) for part in STORED}
    progress(2, 4, "batches and units")
    machine, most = experiment.accelerator, experiment.batches[-1]
    by_batch = {part: {batch: _steps(experiment, part, batch, machine) for batch in experiment.batches}
                for part in SHARED}
    by_units = {part: {units: _steps(experiment, part, most, machine.replace(units=units))
                       for units in experiment.units} for part in SHARED}
    progress(3, 4, "capacity")
    grouped, pruning = KvModel.preset(GROUPED), experiment.pruning()
    gpu = RTX_6000_ADA
    contexts = most_tokens(gpu, grouped, DENSE_BATCH + 1) + 1, most_tokens(gpu, grouped, DENSE_BATCH)
    ratios = {part: measured_ratio(grouped, pruning, part).mean for part in SHARED}
    return MustafarOutcome(
        experiment=experiment, expected=expected, measured=measured, by_batch=by_batch, by_units=by_units,
        contexts=contexts, sequences={part: most_sequences(grouped, pruning, contexts[1], ratio, gpu.memory_bytes)
                                      for part, ratio in ratios.items()},
        served={part: _served(experiment, part, contexts[1]) for part in SHARED},
        roofline={part: _roofline(grouped, pruning, contexts[1], ratio) for part, ratio in ratios.items()})


def _storage(model: KvModel, pruning: KvPruning) -> Mapping[float, Measured] | None:
    """None where the trained network's packages are missing."""
    try:
        return {part: measured_ratio(model, pruning, part) for part in STORED}
    except InputError:
        if pruning.patterns == "minilm":
            return None
        raise


def _steps(experiment: MustafarExperiment, sparsity: float, batch: int, machine: KvMachine) -> dict[Engine, Step]:
    cached = experiment.cached(SINGLE, batch, experiment.context, machine)
    return {engine: step_of(cached, sparsity, engine, experiment.context) for engine in ENGINES}


def _served(experiment: MustafarExperiment, sparsity: float, context: int) -> float:
    """Whole tokens/s on our machine: 8 compressed sequences over 6 dense ones."""
    rates = [step_of(experiment.cached(GROUPED, batch, context, experiment.gqa_accelerator), sparsity, engine,
                     context).tokens_per_s
             for batch, engine in _cases()]
    return rates[0] / rates[1]


def _cases() -> tuple[tuple[int, Engine], tuple[int, Engine]]:
    return (BITMAP_BATCH, "skip"), (DENSE_BATCH, "dense")


def _roofline(model: KvModel, pruning: KvPruning, context: int, ratio: float) -> float:
    """The same on the GPU, by bytes of weights and caches."""
    rates = [batch / token_seconds(RTX_6000_ADA, model, batch * cache_bytes(model, pruning, context, part))
             for batch, part in ((BITMAP_BATCH, ratio), (DENSE_BATCH, None))]
    return rates[0] / rates[1]
