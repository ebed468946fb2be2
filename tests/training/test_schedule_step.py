"""The schedule of a step: candidates against all tilings, the choice against all sequences, baselines never better."""

import itertools
import random

import pytest
from training_cases import RATIO, TINY, small_machine

from hwsim.memory import Dram
from hwsim.nm_array.timing import switch_cycles
from hwsim.sparsity.ratio import DENSE
from hwsim.training.stages import training_stages
from hwsim.training.step import StageTime, step_network
from mappers.training.candidates import best_choice, compute_bound, lowered, simulate, tilings
from mappers.training.choose import cheapest_sequence
from mappers.training.step import Policy, schedule_step, stage_runs

MACHINE = small_machine()
EXACT = Policy(gap=0.0)


def gemms_of(ratio, batch=2):
    return [gemm for stage in training_stages(TINY.build(batch), ratio, batch_norm=True) for gemm in stage.gemms]


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_best_choice_is_the_best_of_all_candidates(dataflow, channels):
    machine = small_machine(dram=Dram.preset("ddr4-2400-x64", channels=channels))
    for gemm in [*gemms_of(DENSE), *gemms_of(RATIO)]:
        listed = list(tilings(machine, gemm, dataflow))
        cycles = [simulate(machine, *lowered(machine, gemm, tiling)).cycles for tiling in listed]
        assert best_choice(machine, gemm, dataflow).cycles == min(cycles)
        assert all(compute_bound(machine, gemm, tiling) <= each for tiling, each in zip(listed, cycles, strict=True))
        near = best_choice(machine, gemm, dataflow, 0.1)
        assert min(cycles) <= near.cycles and near.cycles * 0.9 <= min(cycles)
        assert best_choice(machine, gemm, dataflow, 0.0, min(cycles)) is None
        assert best_choice(machine, gemm, dataflow, 0.0, min(cycles) + 1).cycles == min(cycles)


@pytest.mark.parametrize("seed", range(30))
def test_dynamic_programming_equals_all_sequences(seed):
    draw = random.Random(seed)
    options = "ab" if draw.random() < 0.5 else "abc"
    steps = [{option: draw.randint(0, 50) for option in draw.sample(options, draw.randint(1, len(options)))}
             for _ in range(draw.randint(1, 7))]
    change = {pair: draw.randint(0, 40) for pair in itertools.product(options, repeat=2)}

    def cost(path):
        return sum(step[option] for step, option in zip(steps, path, strict=True)) + sum(
            change[pair] for pair in itertools.pairwise(path))

    least, chosen = cheapest_sequence(steps, lambda before, after: change[before, after])
    print(f"seed {seed}: {steps}")
    assert least == cost(chosen) == min(cost(path) for path in itertools.product(*steps))


def test_no_steps_cost_nothing():
    assert cheapest_sequence([], lambda before, after: 1) == (0, ())


@pytest.mark.parametrize("ratio", [DENSE, RATIO], ids=str)
def test_chosen_dataflows_give_the_shortest_step_of_all(ratio):
    stages = [stage for stage in training_stages(TINY.build(2), ratio, batch_norm=True)]
    gemms = [gemm for stage in stages for gemm in stage.gemms]
    runs = stage_runs(MACHINE, stages, EXACT)
    change, found = switch_cycles(MACHINE.array), []
    for flows in itertools.product(("ws", "os"), repeat=len(gemms)):
        choices = iter([best_choice(MACHINE, gemm, flow) for gemm, flow in zip(gemms, flows, strict=True)])
        times, before = [], flows[0]
        for stage in stages:
            cycles = int(MACHINE.dram.service_cycles(stage.moved, MACHINE.clock_hz))
            for choice in itertools.islice(choices, len(stage.gemms)):
                cycles += choice.cycles + (change if choice.dataflow != before else 0)
                before = choice.dataflow
            times.append(StageTime(layer=stage.layer, part=stage.part, cycles=cycles, dram=0))
        found.append(sum(each.cycles for each in times))
    assert len(gemms) > 8
    assert sum(run.cycles for run in runs) == min(found)
    times = [StageTime(layer=run.stage.layer, part=run.stage.part, cycles=run.cycles, dram=run.channel) for run in runs]
    assert step_network(times, {}, {}).solve().cycles == min(found)


def test_baselines_are_never_better():
    best = schedule_step(MACHINE, TINY, 2, RATIO, EXACT)
    plain = MACHINE.replace(array=MACHINE.array.replace(interleave=1))
    for machine, policy in [(MACHINE, Policy(gap=0.0, dataflows=("ws",))),
                            (MACHINE, Policy(gap=0.0, dataflows=("os",))),
                            (plain, EXACT), (MACHINE, Policy(gap=0.0, generation="on line")),
                            (MACHINE, Policy(gap=0.0, generation="with the update")),
                            (MACHINE, Policy(gap=0.0, overlap=False))]:
        assert schedule_step(machine, TINY, 2, RATIO, policy).cycles >= best.cycles
    dense = schedule_step(MACHINE, TINY, 2, DENSE, EXACT)
    assert dense.cycles > best.cycles
    assert schedule_step(plain, TINY, 2, DENSE, Policy(gap=0.0, dataflows=("os",))).cycles > dense.cycles


def test_account_adds_up_and_generation_shows():
    result = schedule_step(MACHINE, TINY, 2, RATIO)
    assert sum(result.account.values()) == result.cycles == sum(result.split.values())
    assert result.account["ideal"] == pytest.approx(result.kept_macs / MACHINE.array.macs_per_cycle, abs=2)
    assert result.pregenerated == ("third", "second")
    assert result.split["SORE"] == 0
    late = schedule_step(MACHINE, TINY, 2, RATIO, Policy(generation="on line"))
    assert late.pregenerated == () and late.split["SORE"] > 0
    assert late.energy.total > result.energy.total > 0
    plain = result.to_dict()
    assert plain["dram_bytes"] == result.dram_bytes > plain["stages"][0]["gemms"][0]["dram_bytes"] > 0
