"""A whole training step under a policy: choices for every GEMM, the step's timed network, its energy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hwsim.energy import EnergyTree
from hwsim.nm_array.config import Dataflow
from hwsim.nm_array.timing import switch_cycles
from hwsim.roofline import Roofline, check_not_below
from hwsim.search import SearchLimits
from hwsim.sparsity.ratio import Ratio
from hwsim.training.energy import other_actions, standing_of
from hwsim.training.machine import TrainingMachine
from hwsim.training.result import Choice, StageRun, StepResult
from hwsim.training.stages import Gemm, Stage, training_stages
from hwsim.training.step import StageTime, step_network, time_split
from hwsim.training.update import Work, generate, update, wuve_cycles
from hwsim.workload.zoo_training import TrainingNetwork
from mappers.training.candidates import DEFAULT_LIMITS, best_choice, gemm_energy
from mappers.training.choose import cheapest_sequence

Generation = Literal["best", "with the update", "on line"]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the schedule may choose from.

    Args:
        dataflows: of each GEMM; one for a fixed-dataflow baseline.
        generation: when sparse weights are made; ``best`` takes the cheaper one layer by layer.
        overlap: updates use the cycles that the DRAM channel would idle in; else they run after the last stage.
        limits: what the tiling of a GEMM minimises, dataflow by dataflow; between dataflows, cycles decide.
        gap: how far the score of a tiling may lie above the least of all candidates, as a fraction.
    """

    dataflows: tuple[Dataflow, ...] = ("ws", "os")
    generation: Generation = "best"
    overlap: bool = True
    limits: SearchLimits = DEFAULT_LIMITS
    gap: float = 0.005


SCHEDULED = Policy()


def schedule_step(machine: TrainingMachine, network: TrainingNetwork, batch: int, ratio: Ratio,
                  policy: Policy = SCHEDULED) -> StepResult:
    """Schedule and simulate one training step.

    Args:
        machine: the accelerator.
        network: what is trained.
        batch: images.
        ratio: N:M of the sparse layers.
        policy: what may be chosen.
    """
    stages = training_stages(network.build(batch), ratio, batch_norm=network.batch_norm)
    runs = stage_runs(machine, stages, policy)
    layers = {stage.layer: stage for stage in stages if stage.part == "WU"}
    early = tuple(name for name, stage in layers.items() if _early(machine, stage, policy))
    updates = {name: update(machine, stage, pregenerate=name in early)
               for name, stage in layers.items()}
    online = {name: generate(machine, stage)
              for name, stage in layers.items() if not stage.ratio.dense and name not in early}
    times = [StageTime(layer=run.stage.layer, part=run.stage.part, cycles=run.cycles, dram=run.channel)
             for run in runs]
    timeline = step_network(times, updates, online, policy.overlap).solve()
    engines = [*updates.values(), *online.values(), *online.values()]  # on line: before FF and before BP
    result = StepResult(
        network=network.name, batch=batch, ratio=ratio, stages=runs, cycles=timeline.cycles,
        split=time_split(times, timeline), pregenerated=early, macs_per_cycle=machine.array.macs_per_cycle,
        update_bytes=_bytes(engines), engines={
            "WUVE": sum(wuve_cycles(machine.wuve, work.weights) for work in updates.values()),
            "SORE": sum(work.sore for work in engines)},
        energy=EnergyTree.merged([
            *(gemm_energy(machine, gemm, choice) for run in runs
              for gemm, choice in zip(run.stage.gemms, run.choices, strict=True)),
            EnergyTree.of(other_actions(machine, sum(stage.moved for stage in stages), list(updates.values()),
                                        [*online.values(), *online.values()])),
            EnergyTree.of(standing_of(machine, timeline.cycles))]))
    roofline = Roofline(macs_per_cycle=result.macs_per_cycle,
                        bytes_per_cycle=machine.dram.bytes_per_cycle(machine.clock_hz))
    check_not_below(result.cycles, roofline.bound(result.kept_macs, result.dram_bytes), network.name)
    return result


def _bytes(works: Sequence[Work]) -> dict[str, int]:
    """DRAM bytes by what they are."""
    found: dict[str, int] = {}
    for work in works:
        for what, nbytes in work.moved.items():
            found[what] = found.get(what, 0) + nbytes
    return found


def _early(machine: TrainingMachine, stage: Stage, policy: Policy) -> bool:
    """Whether the layer's sparse weights are generated with the update. The choice touches no other layer's cost."""
    if stage.ratio.dense or policy.generation == "on line":
        return False
    if policy.generation == "with the update":
        return True
    early, late = (update(machine, stage, pregenerate=pre) for pre in (True, False))
    online = generate(machine, stage)
    return early.cycles <= late.cycles + 2 * online.cycles


def _options(machine: TrainingMachine, gemm: Gemm, policy: Policy, change: int) -> dict[Dataflow, Choice]:
    """The best candidate of each dataflow, without dataflows that two changes would undercut."""
    found: dict[Dataflow, Choice] = {}
    for flow in policy.dataflows:
        beat = min((choice.cycles + 2 * change for choice in found.values()), default=math.inf)
        choice = best_choice(machine, gemm, flow, policy.limits, policy.gap, beat)
        found |= {} if choice is None else {flow: choice}
    return found


def stage_runs(machine: TrainingMachine, stages: Sequence[Stage], policy: Policy) -> tuple[StageRun, ...]:
    """The choice for every GEMM: fewest cycles of the whole sequence, changes of dataflow included."""
    gemms = [gemm for stage in stages for gemm in stage.gemms]
    change = switch_cycles(machine.array)
    options = [_options(machine, gemm, policy, change) for gemm in gemms]
    _, chosen = cheapest_sequence([{flow: choice.cycles for flow, choice in each.items()} for each in options],
                                  lambda before, after: change if before != after else 0)
    choices = iter([each[flow] for each, flow in zip(options, chosen, strict=True)])
    runs, before = [], chosen[0] if chosen else "ws"
    for stage in stages:
        own = tuple(next(choices) for _ in stage.gemms)
        switches = 0
        for choice in own:
            switches += change if choice.dataflow != before else 0
            before = choice.dataflow
        moved = int(machine.dram.service_cycles(stage.moved, machine.clock_hz))
        runs.append(StageRun(stage=stage, choices=own, moved_cycles=moved, switch_cycles=switches))
    return tuple(runs)
