"""The step's network: stages alone add up, updates use idle cycles only, on-line generation stands in the way."""

import random

import pytest

from hwsim.training.step import StageTime, step_network, time_split
from hwsim.training.update import Work


def work(layer, dram, engine):
    return Work(layer=layer, weights=1, moved={"weights": dram}, dram=dram, engine=engine)


def random_step(seed, layers=4):
    draw = random.Random(seed)
    cycles = [draw.randint(1, 3000) for _ in range(3 * layers)]
    dram = [draw.randint(0, each) for each in cycles]
    names = [f"l{i}" for i in range(layers)]
    order = [(name, "FF") for name in names] + [(name, part) for name in reversed(names) for part in ("BP", "WU")]
    stages = [StageTime(layer=name, part=part, cycles=c, dram=d)
              for (name, part), c, d in zip(order, cycles, dram, strict=True)]
    return stages, {name: work(name, draw.randint(1, 2000), draw.randint(1, 2000)) for name in names}


@pytest.mark.parametrize("seed", range(10))
def test_stages_alone_add_up(seed):
    stages, _ = random_step(seed)
    timeline = step_network(stages, {}, {}).solve()
    assert timeline.cycles == sum(stage.cycles for stage in stages)
    split = time_split(stages, timeline)
    assert (split["SORE"], split["update"]) == (0, 0)


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_updates_never_slow_the_array(seed, overlap):
    stages, updates = random_step(seed)
    timeline = step_network(stages, updates, {}, overlap).solve()
    print(f"seed {seed}: {timeline.cycles}")
    array = sum(stage.cycles for stage in stages)
    split = time_split(stages, timeline)
    assert split["SORE"] == 0
    assert split["FF"] + split["BP"] + split["WU"] == array
    assert timeline.cycles == array + split["update"]
    moved = sum(stage.dram for stage in stages) + sum(each.dram for each in updates.values())
    assert timeline.stalls("dram").busy == moved <= timeline.cycles
    assert timeline.stalls("wuve").busy == sum(each.cycles for each in updates.values())
    serial = array + sum(each.cycles for each in updates.values())
    assert timeline.cycles == serial if not overlap else array <= timeline.cycles <= serial


def test_last_update_is_left_for_the_end():
    stages = [StageTime(layer="a", part="FF", cycles=100, dram=0), StageTime(layer="a", part="WU", cycles=100, dram=0)]
    timeline = step_network(stages, {"a": work("a", 30, 70)}, {}).solve()
    assert timeline.cycles == 270
    assert time_split(stages, timeline)["update"] == 70


def test_update_hides_in_the_idle_cycles_of_later_stages():
    stages = [StageTime(layer="b", part="WU", cycles=160, dram=160),
              StageTime(layer="a", part="BP", cycles=160, dram=80)]
    assert step_network(stages, {"b": work("b", 80, 10)}, {}).solve().cycles == 320
    assert step_network(stages, {"b": work("b", 96, 10)}, {}).solve().cycles == 336  # 16 more than the room


@pytest.mark.parametrize("seed", range(10))
def test_on_line_generation_stands_before_ff_and_bp(seed):
    stages, online = random_step(seed)
    timeline = step_network(stages, {}, online).solve()
    split = time_split(stages, timeline)
    assert split["SORE"] == 2 * sum(each.cycles for each in online.values())
    assert timeline.cycles == sum(stage.cycles for stage in stages) + split["SORE"]


@pytest.mark.parametrize("seed", range(10))
def test_updates_and_generation_together(seed):
    stages, updates = random_step(seed)
    _, online = random_step(seed + 100)
    timeline = step_network(stages, updates, online).solve()
    split = time_split(stages, timeline)
    assert sum(split.values()) == timeline.cycles
    assert split["SORE"] >= 2 * sum(each.cycles for each in online.values())
