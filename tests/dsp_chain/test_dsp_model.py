"""Times by the cycle model: rates and latencies by hand."""

import numpy as np
import pytest

from hwsim.dsp_chain import timing
from hwsim.dsp_chain.config import ChainConfig, MpuConfig
from hwsim.dsp_chain.model import device_network
from hwsim.dsp_chain.work import Column
from rtl.dsp_chain.cases import draw_block

CHAIN = ChainConfig(length=8, m=4, group_length=2, o_depth=64)
UNIT = MpuConfig(vpus=2, length=8, m=4, group_length=2)


def columns(config, *ns, single=False, held=()):
    """A column for each list of N; blocks whose (column, block) is in ``held`` bring no activations."""
    rng = np.random.default_rng(1)
    return [Column(blocks=[draw_block(config, n, single, "any", (c, i) not in held, rng) for i, n in enumerate(each)])
            for c, each in enumerate(ns)]


def solved(work, **ports):
    return device_network(work, **ports).solve()


def test_the_latency_by_hand():
    """8 DSPs in 4 groups: the last DSP 7 + 3 cycles behind; queue, issue, multiplexer; 4 registers in the DSP; node,
    selection, result queue."""
    start = solved(columns(CHAIN, [1])).start
    assert start["a"][0] == start["w"][0] == 0 and start["step"][0] == 1
    assert start["o"][0] == 1 + 1 + 1 + 10 + 4 + 1 + 1 + 2 and timing.chain(CHAIN) == 20
    assert solved(columns(UNIT, [1])).start["o"].tolist() == [22, 23, 24, 25]
    shallow = CHAIN.replace(input_stages=0, preadd_stages=0, product_stages=0, group_length=8)
    assert timing.chain(shallow) == 1 + 1 + 7 + 1 + 1 + 1 + 2


@pytest.mark.parametrize("config", [CHAIN, UNIT])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_a_block_takes_n_beats_and_one_beat_a_cycle(config, n):
    work = columns(config, *[[n] * 50])
    start = solved(work).start
    assert (np.diff(start["step"]) == 1).all() and len(start["step"]) == 50 * n
    name = "a__1" if config.accumulates else "a"
    assert len(start[name]) == 50 and start[name][-1] == start["step"][47 * n] + 1


def test_n_changes_from_beat_to_beat_without_a_gap():
    start = solved(columns(CHAIN, [1, 4, 2, 1], [4], [1, 1])).start
    assert np.diff(start["step"]).tolist() == [1] * 13 and np.diff(start["o"]).tolist() == [1] * 13


@pytest.mark.parametrize("config", [CHAIN, ChainConfig(), ChainConfig.preset("small-8"), ChainConfig(length=64, m=16)])
def test_the_least_queue_for_a_beat_a_cycle(config):
    depth = timing.full_rate_depth(config)
    steps = [np.diff(solved(columns(config.replace(o_depth=d), [config.m] * 12)).start["step"]).max()
             for d in (depth, depth - 1)]
    assert steps[0] == 1 and (steps[1] == 2) == (12 * config.m > depth - 1)


def test_activations_that_stay_are_not_sent_again():
    start = solved(columns(CHAIN, [2, 2], [2], held={(0, 1), (1, 0)})).start
    assert len(start["a"]) == 1 and len(start["w"]) == 6 and (np.diff(start["step"]) == 1).all()


def test_each_mode_takes_from_the_ports_it_needs():
    mm, mv = (solved(columns(UNIT, [2, 4], single=single)).start for single in (False, True))
    assert {port: len(mm[port]) for port in mm} == {"step": 6, "a__0": 2, "a__1": 2, "w__0": 6, "w__1": 0, "o": 4}
    assert {port: len(mv[port]) for port in mv} == {"step": 6, "a__0": 2, "a__1": 0, "w__0": 6, "w__1": 6, "o": 4}
    late = np.arange(400) >= 300
    stalled = solved(columns(UNIT, [2], single=True), offer={"w__1": late}).start
    assert stalled["step"][0] == 301 and solved(columns(UNIT, [2]), offer={"w__1": late}).start["step"][0] == 1


def test_results_leave_one_output_a_cycle_and_hold_up_the_next_column():
    """Room for one column, N = 1: four outputs leave before the next column may end; its first block goes on. N = 4
    needs room for one output only.
    """
    start = solved(columns(UNIT.replace(o_depth=1), [1, 1], [1, 1])).start
    gone = start["o"][3]
    assert start["step"].tolist() == [1, 2, 3, gone + 1] and start["o"][4] == start["step"][3] + timing.mpu(UNIT)
    start = solved(columns(UNIT.replace(o_depth=1), [1], [4])).start
    assert start["step"][1:].tolist() == (start["o"][:4] + 1).tolist()


def test_a_full_queue_of_results_stops_the_chain_and_nothing_is_lost():
    ready = np.arange(500) >= 200
    start = solved(columns(CHAIN.replace(o_depth=4), [4] * 5), ready={"o": ready}).start
    assert start["step"][3] == 4 and start["step"][4] == 201 and start["o"][0] == 200 and len(start["o"]) == 20
