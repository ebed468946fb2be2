"""N:M sparse training of the SAT paper's networks: every ratio, the schedule's baselines, and sensitivities."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from multiprocessing import get_context

from hwsim.energy import load_costs
from hwsim.search import SearchLimits
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.training.bound import network_bound
from hwsim.training.machine import TrainingMachine
from hwsim.training.outcome import TrainingExperiment, TrainingOutcome
from hwsim.training.result import StepResult
from hwsim.training.stages import training_stages
from hwsim.workload.zoo_training import NETWORKS
from mappers.training.step import SCHEDULED, Policy, schedule_step

Progress = Callable[[int, int, str], None]

BASELINES: Mapping[str, tuple[bool, Policy]] = {
    "fixed WS": (True, Policy(dataflows=("ws",))),
    "fixed OS": (True, Policy(dataflows=("os",))),
    "fixed OS, no interleave": (False, Policy(dataflows=("os",))),
    "scheduled, no interleave": (False, SCHEDULED),
    "no pre-generation": (True, Policy(generation="on line")),
    "update not overlapped": (True, Policy(overlap=False)),
    "tiled for cycles alone": (True, Policy(limits=SearchLimits(objective="cycles"))),
}
"""By name: whether the array interleaves sums, and what the schedule may choose."""


@dataclass(frozen=True, kw_only=True)
class _Change:
    """One assumption changed."""

    machine: TrainingMachine
    batch: int
    norms: bool = True  # batch norms count


@dataclass(frozen=True, kw_only=True, eq=False)
class _Network:
    """All of one network; arguments as of `TrainingOutcome`, without the network."""

    name: str
    dense: StepResult
    sparse: dict[Ratio, StepResult]
    bounds: dict[Ratio, float]
    baselines: dict[str, StepResult]
    sensitivity: dict[str, float]


def run(experiment: TrainingExperiment, progress: Progress | None = None, workers: int = 1) -> TrainingOutcome:
    """Run everything.

    Args:
        experiment: networks, ratios, batch and machine.
        progress: called with (done, all, name) after each network.
        workers: processes that share the networks; results do not depend on it.
    """
    order = sorted(experiment.networks, key=lambda name: -NETWORKS[name].build(1).macs)  # the longest first
    jobs = [(experiment, name) for name in order]
    done: dict[str, _Network] = {}
    if min(workers, len(jobs)) == 1:
        for each in map(_network, jobs):
            _keep(done, each, len(jobs), progress)
    else:
        with get_context("spawn").Pool(min(workers, len(jobs)), _leave_interrupts_to_the_parent) as pool:
            for each in pool.imap_unordered(_network, jobs):
                _keep(done, each, len(jobs), progress)
    return _outcome(experiment, [done[name] for name in experiment.networks])


def _keep(done: dict[str, _Network], each: _Network, total: int, progress: Progress | None) -> None:
    done[each.name] = each
    if progress is not None:
        progress(len(done), total, NETWORKS[each.name].name)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _network(job: tuple[TrainingExperiment, str]) -> _Network:
    experiment, name = job
    machine, detail, network = experiment.machine, experiment.detail, NETWORKS[name]

    def step(ratio: Ratio, on: TrainingMachine = machine, policy: Policy = SCHEDULED) -> StepResult:
        found = schedule_step(on, network, experiment.batch, ratio, policy)
        return replace(found, energy=found.energy.repriced(costs))

    costs = load_costs(technology=experiment.energy.technology)
    plain = machine.replace(array=machine.array.replace(interleave=1))
    return _Network(
        name=name, dense=step(DENSE), sparse={ratio: step(ratio) for ratio in experiment.ratios},
        bounds={ratio: _bound(name, ratio) for ratio in experiment.ratios},
        baselines={label: step(detail, machine if interleaved else plain, policy)
                   for label, (interleaved, policy) in BASELINES.items()},
        sensitivity={label: _speedup(change, name, detail) for label, change in _changes(experiment).items()})


def _outcome(experiment: TrainingExperiment, found: list[_Network]) -> TrainingOutcome:
    return TrainingOutcome(
        experiment=experiment, dense={each.name: each.dense for each in found},
        sparse={ratio: {each.name: each.sparse[ratio] for each in found} for ratio in experiment.ratios},
        bounds={ratio: {each.name: each.bounds[ratio] for each in found} for ratio in experiment.ratios},
        baselines={label: {each.name: each.baselines[label] for each in found} for label in BASELINES},
        sensitivity={label: {each.name: each.sensitivity[label] for each in found}
                     for label in _changes(experiment)})


def _bound(name: str, ratio: Ratio) -> float:
    network = NETWORKS[name]
    dense, sparse = (training_stages(network.build(1), each, batch_norm=network.batch_norm) for each in (DENSE, ratio))
    return network_bound(dense, sparse)


def _changes(experiment: TrainingExperiment) -> dict[str, _Change]:
    """Each assumption that a reader would ask about, changed alone."""
    machine, batch = experiment.machine, experiment.batch
    found = {f"{channels} DRAM channel{'s' * (channels > 1)}": _Change(
        machine=machine.replace(dram=machine.dram.replace(channels=channels)), batch=batch) for channels in (1, 2)}
    found["1 multiplier per PE"] = _Change(
        machine=machine.replace(array=machine.array.replace(multipliers=1)), batch=batch)
    found["no line buffer"] = _Change(machine=machine.replace(line_bytes=0), batch=batch)
    found["batch / 4"] = _Change(machine=machine, batch=max(1, batch // 4))
    found["batch norms not counted"] = _Change(machine=machine, batch=batch, norms=False)
    return found


def _speedup(change: _Change, name: str, ratio: Ratio) -> float:
    network = NETWORKS[name] if change.norms else replace(NETWORKS[name], batch_norm=False)
    dense, sparse = (schedule_step(change.machine, network, change.batch, each).cycles for each in (DENSE, ratio))
    return dense / sparse
