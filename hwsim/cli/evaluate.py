"""One point of a sweep: its experiment run, what earlier points of this process found used again.

Kept by content: workloads with their weights; prunings of them, and what they take on a GPU; layers on equal arrays,
memories and clocks; baselines.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from hwsim.cli.plans import Plan, plans_of
from hwsim.cli.simulate import BASELINES, refuse_huge, told_for
from hwsim.cli.sources import Source, read_source
from hwsim.experiment import Experiment
from hwsim.gpu.decoder import GpuGeneration
from hwsim.gpu.network import GpuNetwork, on_gpus
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.gpu import GPU_PATHS, GpuStep, gpu_step
from hwsim.kv_workload.storage import measured_ratio
from hwsim.llm.engine import EngineConfig
from hwsim.llm_workload.experiment import LlmExperiment
from hwsim.llm_workload.generation import Generation
from hwsim.nm_array.config import NmArrayConfig
from hwsim.result import LayerResult, NetworkResult
from hwsim.sparsity.ratio import Ratio
from hwsim.sweep.families import experiment_of
from hwsim.sweep.measure import gpu_metrics, network_detail, network_metrics, step_detail, step_metrics
from hwsim.sweep.measure_llm import generation_detail, generation_metrics
from hwsim.sweep.rows import Outcome, Point
from hwsim.workload.decoder.assignment import Assignment

T = TypeVar("T")


class Kept:
    """The newest ``size`` values by key."""

    def __init__(self, size: int):
        self.size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made where it is not there."""
        if key not in self._values:
            self._values[key] = make()
            if len(self._values) > self.size:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        found: T = self._values[key]
        return found


_sources, _plans, _layers, _networks, _generations = Kept(4), Kept(64), Kept(8), Kept(16), Kept(16)
_gpus = Kept(64)


def evaluate(point: Point) -> Outcome:
    """Run a point's experiment.

    Raises:
        InputError: what `hwsim run` refuses.
    """
    experiment = experiment_of(point.inputs)
    if isinstance(experiment, KvExperiment):
        return _decoded(experiment)
    if isinstance(experiment, LlmExperiment):
        return _generated(experiment)
    return _network(experiment, point.folder)


def _network(experiment: Experiment, folder: str) -> Outcome:
    source = _sources.get((experiment.workload, folder), lambda: read_source(experiment.workload, Path(folder)))
    config = experiment.accelerator.config
    refuse_huge(source, config)
    plan = _plans.get((experiment.workload, folder, experiment.pruning, config.ratios),
                      lambda: _checked(plans_of(source, experiment)[0]))
    result = told_for(_simulated(source, experiment, config, "", plan.ratios), experiment)
    gpus = _gpus.get((experiment.workload, folder, experiment.pruning, config.ratios, experiment.gpu, config.data_type),
                     lambda: on_gpus(source.workload, experiment.gpu.first, plan.ratios, config.data_type))
    baselines = {str(name): _baseline(source, experiment, folder, name) for name in experiment.baselines}
    return Outcome(workload=source.workload.name, seed=experiment.pruning.seed,
                   metrics=gpu_metrics(network_metrics(result, baselines), _that_fit(gpus)),
                   detail=network_detail(result))  # fmt: skip


def _baseline(source: Source, experiment: Experiment, folder: str, name: str) -> NetworkResult:
    config = BASELINES[name](experiment.accelerator.config)
    key = (folder, experiment.workload, name, config, experiment.memory, experiment.clock_hz, experiment.mapper)
    return told_for(_networks.get(key, lambda: _simulated(source, experiment, config, name, {})), experiment)


def _checked(plan: Plan) -> Plan:
    """The plan, its weights' N:M checked once; what follows depends on ratios alone, so the weights are dropped."""
    from hwsim.sparsity.nm import check_nm

    for name, ratio in plan.ratios.items():
        if plan.weights is not None and name in plan.weights:
            check_nm(plan.weights[name], ratio, 1, name)
    return Plan(label=plan.label, ratios=plan.ratios, weights=None, records=())


def _simulated(source: Source, experiment: Experiment, config: NmArrayConfig, name: str,
               ratios: Any) -> NetworkResult:  # fmt: skip
    from mappers.network import simulate_network

    def no_layers() -> dict[tuple[object, ...], LayerResult]:
        return {}

    known = _layers.get((config, experiment.memory, experiment.clock_hz, experiment.mapper), no_layers)
    asked: dict[str, Ratio] = dict(ratios)
    return simulate_network(source.workload, config, ratios=asked, dram=experiment.memory,
                            clock_hz=experiment.clock_hz, name=f"nm_array {name}".strip(), limits=experiment.mapper,
                            known=known)  # fmt: skip


def _decoded(experiment: KvExperiment) -> Outcome:
    from mappers.kv.decode import step_of

    (sparsity,), (context,) = experiment.pruning.sparsities, experiment.workload.contexts
    step = step_of(experiment, sparsity, "skip", context)
    dense = step_of(experiment, sparsity, "dense", context)
    ratio = measured_ratio(experiment.workload.kv, experiment.pruning, sparsity).mean
    gpus = [gpu_step(experiment, sparsity, path, context, ratio) for path in GPU_PATHS]
    return Outcome(workload=experiment.workload.kv.name, seed=experiment.pruning.seed,
                   metrics=gpu_metrics(step_metrics(experiment, step, dense), _that_fit(gpus)),
                   detail=step_detail(step))  # fmt: skip


def _generated(experiment: LlmExperiment) -> Outcome:
    from mappers.llm.generate import Generator

    model, assignment = experiment.loaded()

    def generation(engine: EngineConfig, weights: Assignment) -> Generation:
        key = (experiment.model, engine, weights, experiment.compiler, experiment.prompt, experiment.tokens)
        return _generations.get(key, lambda: Generator(model, engine, weights, experiment.compiler).generate(
            experiment.prompt, experiment.tokens))

    found = generation(experiment.engine, assignment)
    dense = generation(experiment.engine.replace(sparse_mux=False), assignment.dense())
    gpus = [(gpu.prefill_seconds + gpu.decode_seconds, gpu.prefill_joules[1] + gpu.joules[1])
            for gpu in _generation_on_gpu(experiment) if gpu.fits]
    return Outcome(workload=model.name, seed=assignment.seed,
                   metrics=gpu_metrics(generation_metrics(experiment, found, dense), gpus),
                   detail=generation_detail(experiment, found))


def _generation_on_gpu(experiment: LlmExperiment) -> tuple[GpuGeneration, ...]:
    """On the first GPU of the experiment."""
    chosen = experiment.replace(gpus=experiment.gpus[:1])
    return _gpus.get((chosen.model, chosen.prompt, chosen.tokens, chosen.gpus), chosen.on_gpus)


def _that_fit(gpus: Iterable[GpuNetwork | GpuStep]) -> list[tuple[float, float]]:
    """Seconds and joules of those that the GPU's memory has room for."""
    return [(gpu.seconds, gpu.joules[1]) for gpu in gpus if gpu.fits]
