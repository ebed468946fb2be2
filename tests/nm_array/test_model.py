"""The cycle model: both levels of detail agree, stalls add up, nothing is faster than the roofline."""

import numpy as np
import pytest
from nm_programs import draw_program

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.model import beat_network, tile_network
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.timing import result_path
from hwsim.roofline import check_not_below
from hwsim.sparsity.ratio import DENSE, Ratio


def check_levels_agree(program):
    beats, tiles = beat_network(program).solve(), tile_network(program).solve()
    for port in ("d", "load", "compute"):
        assert np.array_equal(beats.start[port], tiles.start[port]), port
    for port, count in (("a", program.a_beats), ("w", program.w_beats), ("q", np.ones(len(program.q_pass), int))):
        assert np.array_equal(beats.start[port][np.cumsum(count) - count], tiles.start[port]), port
    last = np.cumsum(program.results[program.last]) - 1
    assert np.array_equal(beats.start["o"][last], tiles.start["o"])
    assert beats.cycles == tiles.cycles


def test_tiles_and_beats_give_the_same_cycles():
    rng = np.random.default_rng(1)
    for _ in range(200):
        check_levels_agree(draw_program(rng))


@pytest.mark.slow
def test_tiles_and_beats_give_the_same_cycles_for_thousands_of_programs():
    rng = np.random.default_rng(2)
    for _ in range(4000):
        check_levels_agree(draw_program(rng))


def test_the_cycles_of_every_process_add_up_under_stalls():
    rng = np.random.default_rng(3)
    for _ in range(60):
        program = draw_program(rng)
        offer = {port: rng.random(2000) < rng.choice([0.2, 0.7, 1]) for port in "dawq"}
        solved = beat_network(program, offer, rng.random(2000) < 0.5).solve()
        for process in solved.processes:
            stalls = solved.stalls(process)
            assert min(stalls.busy, stalls.starved, stalls.blocked, stalls.idle) >= 0
            assert stalls.busy + stalls.starved + stalls.blocked + stalls.idle == solved.cycles


def test_no_program_is_faster_than_the_roofline():
    rng = np.random.default_rng(4)
    for _ in range(200):
        program = draw_program(rng)
        cycles = tile_network(program).solve().cycles
        check_not_below(cycles, program.useful_macs / program.config.macs_per_cycle, "nm_array")
        check_not_below(cycles, program.a_beats.sum(), "port a")
        check_not_below(cycles, program.w_beats.sum(), "port w")
        check_not_below(cycles, program.results.sum(), "port o")


def test_stalls_never_make_it_faster():
    rng = np.random.default_rng(5)
    for _ in range(60):
        program = draw_program(rng)
        free = beat_network(program).solve()
        stalled = beat_network(program, {port: rng.random(500) < 0.6 for port in "dawq"}, rng.random(500) < 0.6).solve()
        assert all((stalled.start[port] >= free.start[port]).all() for port in "dawqo")


def test_the_same_program_gives_the_same_cycles():
    starts = []
    for _ in range(2):
        solved = beat_network(draw_program(np.random.default_rng(6))).solve()
        starts.append({name: times.tolist() for name, times in solved.start.items()})
    assert starts[0] == starts[1]


def test_one_pass_by_hand():
    """ws, one row of A: descriptor 0 -> load 1, its one weight beat -> computing at 3, one step, then the result."""
    config = NmArrayConfig(rows=1, cols=1, tile_depth=1, o_depth=1, ratios=(), product_stages=0)
    solved = beat_network(lower(config, Shape(m=1, k=1, n=1), DENSE, Tiling(beats=1))).solve()
    assert [int(solved.start[p][0]) for p in ("d", "a", "w", "q", "load", "compute")] == [0, 0, 0, 0, 1, 3]
    assert int(solved.start["o"][0]) == 3 + 1 + result_path(config, config.dataflows[0]) == solved.cycles - 1


def test_passes_of_one_result_tile_follow_each_other_without_a_gap():
    config = NmArrayConfig(rows=4, cols=4, tile_depth=16, o_depth=32)
    for ratio in (DENSE, Ratio(2, 8)):
        program = lower(config, Shape(m=16, k=512, n=4), ratio, Tiling(beats=16))
        starts = tile_network(program).solve().start["compute"]
        assert (np.diff(starts) == program.beats[:-1] * program.mode.steps).all()


def test_sparsity_saves_the_cycles_that_it_should():
    config = NmArrayConfig(rows=8, cols=8, tile_depth=64, o_depth=128)
    shape = Shape(m=256, k=1024, n=64)
    cycles = {text: tile_network(lower(config, shape, Ratio.parse(text), Tiling(beats=64))).solve().cycles
              for text in ("1:1", "2:4", "2:8")}
    # A little more than M/N is possible: fewer tiles turn back, so fewer wait for their buffer.
    assert 1.95 < cycles["1:1"] / cycles["2:4"] <= 2.01 and 3.9 < cycles["1:1"] / cycles["2:8"] <= 4.02
