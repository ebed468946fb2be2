"""The schedule of a step: candidates against all tilings, the choice against all sequences, baselines never better."""

import itertools
import random

import pytest
from training_cases import RATIO, TINY, small_machine

from hwsim.energy import EnergyTree, load_costs
from hwsim.memory import Dram
from hwsim.nm_array.model import tile_network
from hwsim.nm_array.program import Tiling
from hwsim.nm_array.schedule import join
from hwsim.nm_array.timing import switch_cycles
from hwsim.search import SearchLimits
from hwsim.sparsity.ratio import DENSE
from hwsim.training.energy import energy_of, gemm_actions
from hwsim.training.stages import training_stages
from hwsim.training.step import StageTime, step_network
from mappers.training.candidates import best_choice, compute_bound, lowered, simulate, tilings
from mappers.training.choose import cheapest_sequence
from mappers.training.step import Policy, schedule_step, stage_runs

MACHINE = small_machine()
EXACT = Policy(gap=0.0)


def gemms_of(ratio, batch=2):
    return [gemm for stage in training_stages(TINY.build(batch), ratio, batch_norm=True) for gemm in stage.gemms]


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["cycles", "ed2p"])
@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_best_choice_is_the_best_of_all_candidates(dataflow, channels, objective):
    machine = small_machine(dram=Dram.preset("ddr4-2400-x64", channels=channels))
    limits = SearchLimits(objective=objective)
    for gemm in [*gemms_of(DENSE), *gemms_of(RATIO)]:
        listed = list(tilings(machine, gemm, dataflow))
        found = [simulate(machine, *lowered(machine, gemm, tiling)) for tiling in listed]
        joules = on_chip(machine, gemm, listed[0])
        scores = [limits.score(each.cycles, joules + DRAM_BYTE * each.dram_bytes)[0] for each in found]
        chosen = best_choice(machine, gemm, dataflow, limits)
        assert limits.score(chosen.cycles, joules + DRAM_BYTE * chosen.dram_bytes)[0] == pytest.approx(min(scores))
        bounds = [compute_bound(machine, gemm, tiling) for tiling in listed]
        assert all(bound <= each.cycles for bound, each in zip(bounds, found, strict=True))
        near = best_choice(machine, gemm, dataflow, limits, 0.1)
        score = limits.score(near.cycles, joules + DRAM_BYTE * near.dram_bytes)[0]
        assert score * 0.9 <= min(scores)
        assert best_choice(machine, gemm, dataflow, limits, 0.0, min(bounds)) is None
        assert best_choice(machine, gemm, dataflow, limits, 0.0, min(bounds) + 1) == chosen


DRAM_BYTE = 8 * load_costs().cost("dram.ddr4").energy


def on_chip(machine, gemm, tiling):
    parts = EnergyTree.of(gemm_actions(machine, *lowered(machine, gemm, tiling))).components
    return sum(energy for part, energy in parts.items() if part != "DRAM")


def test_prices_looked_up_once_are_the_same():
    program, moved = lowered(MACHINE, gemms_of(RATIO)[1], Tiling(beats=4, dataflow="ws"))
    counts = gemm_actions(MACHINE, program, moved)
    assert energy_of(counts) == EnergyTree.of(counts)
    fetched = {count.action: count.count for count in counts if count.component == "line buffer"}
    assert 0 < fetched["write"] == 8 * moved.totals()["a"] < fetched["read"]


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
    stages = training_stages(TINY.build(2), ratio, batch_norm=True)
    gemms = [gemm for stage in stages for gemm in stage.gemms]
    runs = stage_runs(MACHINE, stages, EXACT)
    change, found = switch_cycles(MACHINE.array), []
    options = [{flow: best_choice(MACHINE, gemm, flow) for flow in ("ws", "os")} for gemm in gemms]
    moved = [int(MACHINE.dram.service_cycles(stage.moved, MACHINE.clock_hz)) for stage in stages]
    for flows in itertools.product(("ws", "os"), repeat=len(gemms)):
        switches = sum(before != after for before, after in itertools.pairwise(flows))
        found.append(sum(moved) + change * switches + sum(
            each[flow].cycles for each, flow in zip(options, flows, strict=True)))
    assert len(gemms) > 8
    assert sum(run.cycles for run in runs) == min(found)
    times = [StageTime(layer=run.stage.layer, part=run.stage.part, cycles=run.cycles, dram=run.channel) for run in runs]
    assert step_network(times, {}, {}).solve().cycles == min(found)


@pytest.mark.slow
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
    assert sum(result.traffic.values()) == result.dram_bytes
    assert result.traffic["momentum"] == result.traffic["master weights"] == 8 * TINY.build(2).weight_elements
    assert late.traffic["weights"] > result.traffic["weights"] and late.engines["SORE"] > result.engines["SORE"] > 0
    plain = result.to_dict()
    assert plain["dram_bytes"] == result.dram_bytes > plain["stages"][0]["gemms"][0]["dram_bytes"] > 0


def test_drained_stages_and_switches_cover_what_the_joined_array_takes():
    stages = training_stages(TINY.build(2), RATIO, batch_norm=True)
    gemms = [gemm for stage in stages for gemm in stage.gemms]
    programs = []
    for number, gemm in enumerate(gemms):  # change the dataflow at almost every GEMM
        flow = "ws" if number % 3 else "os"
        programs.append(lowered(MACHINE, gemm, next(tilings(MACHINE, gemm, flow)))[0])
    switches = sum(a.dataflow != b.dataflow for a, b in itertools.pairwise(programs))
    alone = sum(tile_network(program).solve().cycles for program in programs)
    joined = tile_network(join(programs)).solve().cycles
    assert switches > 5
    assert joined <= alone + switches * switch_cycles(MACHINE.array)
