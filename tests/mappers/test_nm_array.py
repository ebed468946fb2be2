"""Tiling search: exact on spaces small enough to enumerate, bounds that hold, groups packed without changing work."""

import pytest

from hwsim.energy import EnergyTree
from hwsim.errors import InputError
from hwsim.memory import Dram
from hwsim.nm_array.account import action_counts
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.program import lower
from hwsim.nm_array.system import system_network
from hwsim.nm_array.traffic import traffic
from hwsim.search import SearchLimits
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload import ConvGeometry, Operator
from mappers.nm_array import compute_bound, map_operator, schedule, tilings, ways_to_map

DRAM = Dram.preset("ddr4-2400-x64")
CLOCK = 200e6
SMALL = NmArrayConfig(rows=4, cols=4, tile_depth=12, o_depth=24, a_slots=2, w_slots=2)


def linear(m, k, n):
    return Operator(name="layer", kind="linear", m=m, k=k, n=n)


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("shape", [(1, 64, 9), (30, 50, 17), (13, 7, 40)])
@pytest.mark.parametrize("ratio", [DENSE, Ratio(2, 4)], ids=str)
@pytest.mark.parametrize("objective", ["ed2p", "edp", "cycles", "energy"])
def test_search_finds_the_best_of_all_tilings(dataflow, shape, ratio, objective):
    limits = SearchLimits(solved=1000, objective=objective)
    config = SMALL.replace(dataflow=dataflow)
    found = schedule(config, linear(*shape), ratio, DRAM, CLOCK, limits)
    cycles, scores = [], []
    for mapped in ways_to_map(config, linear(*shape), ratio):
        for tiling in tilings(config, mapped, SearchLimits()):
            program = lower(config, mapped.shape, mapped.ratio, tiling)
            moved = traffic(program)
            cycles.append(system_network(program, moved, DRAM, CLOCK).solve().cycles)
            joules = EnergyTree.of(action_counts(program, moved, DRAM)).total
            scores.append(limits.score(cycles[-1], joules)[0])
            assert cycles[-1] >= compute_bound(config, mapped)
    assert found.exact
    if objective == "cycles":
        assert found.cycles == min(cycles)
    else:  # candidates share their on-chip energy in the search
        assert found.score[0] == pytest.approx(min(scores), rel=0.1)
    assert found.best_bound <= found.bound <= found.cycles


def test_an_unfinished_search_says_so():
    found = schedule(SMALL, linear(30, 50, 17), DENSE, DRAM, CLOCK, SearchLimits(solved=1))
    assert found.solved == 1 < found.candidates
    assert found.best_bound <= found.cycles


def test_deep_buffers_try_equal_parts():
    config = NmArrayConfig(rows=4, cols=4, tile_depth=64, o_depth=64)
    sizes = {t.beats for t in tilings(config, map_operator(config, linear(100, 8, 8), DENSE), SearchLimits())}
    assert {64, 50, 34, 25} <= sizes and max(sizes) <= 64


def test_depthwise_groups_are_packed_block_diagonally():
    conv = ConvGeometry(in_channels=32, out_channels=32, height=8, width=8, kernel=(3, 3), padding=(1, 1, 1, 1),
                        groups=32)
    config = NmArrayConfig(rows=32, cols=32)
    mapped = map_operator(config, Operator.of_conv("dw", conv), DENSE)
    assert mapped.packed == 2  # 3 would fit 32 rows, but 32 groups do not divide by it
    assert (mapped.shape.k, mapped.shape.n, mapped.shape.groups) == (18, 2, 16)


def test_attention_products_are_not_packed():
    operator = Operator(name="scores", kind="matmul", m=8, k=4, n=8, groups=6)
    assert map_operator(NmArrayConfig(rows=32, cols=32), operator, DENSE).packed == 1


def test_grouped_convolutions_run_dense_where_packing_gains_more():
    conv = ConvGeometry(in_channels=32, out_channels=32, height=8, width=8, kernel=(1, 1), groups=8)
    found = schedule(NmArrayConfig(rows=16, cols=16, ratios=("2:8",)), Operator.of_conv("grouped", conv), Ratio(2, 8),
                     DRAM, CLOCK)
    assert found.mapped.ratio == DENSE and found.mapped.packed == 4


def test_a_search_of_nothing_is_refused():
    with pytest.raises(InputError, match="solved: wanted"):
        SearchLimits(solved=0)


def test_a_short_reduction_runs_in_the_mode_that_needs_fewer_steps():
    found = schedule(NmArrayConfig(rows=32, cols=32), linear(256, 27, 32), Ratio(2, 8), DRAM, CLOCK)
    assert found.mapped.ratio == DENSE  # 27 of K fit one dense pass of 1 step; 2:8 would need one pass of 2 steps


def test_the_objective_decides():
    config = NmArrayConfig(rows=32, cols=32, a_slots=4)
    fast, thrifty = (schedule(config, linear(2000, 256, 1000), Ratio(2, 4), DRAM, CLOCK,
                              SearchLimits(objective=objective, solved=50)) for objective in ("cycles", "energy"))
    assert fast.cycles < thrifty.cycles
    assert sum(thrifty.traffic.totals().values()) < sum(fast.traffic.totals().values())

