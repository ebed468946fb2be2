"""Times of SORE by its cycle model: one row a cycle, latencies, changes of the ratio, room."""

import re
from pathlib import Path

import numpy as np
import pytest

from hwsim.sore import timing
from hwsim.sore.config import SoreConfig
from hwsim.sore.model import beat_network
from hwsim.sore.slices import Slice
from hwsim.sparsity.ratio import DENSE, Ratio
from rtl.sore.random_configuration import RATIOS


def zeros(config, ratio, rows, **wanted):
    return Slice(config=config, ratio=ratio, bits=np.zeros((rows, config.lanes), np.uint16), **wanted)


def engine(*ratios, o_depth=64):
    return SoreConfig(lanes=16, ratios=tuple(ratios), o_depth=o_depth)


@pytest.mark.parametrize("ratio", [*RATIOS, DENSE], ids=str)
def test_a_row_a_cycle_in_both_directions_from_the_depth_on_that_is_said(ratio):
    depth = timing.full_rate_depth(ratio)
    assert depth >= ratio.n
    for o_depth, rate in ((depth, True), (depth - 1, False)):
        if o_depth < ratio.n:
            continue
        config = SoreConfig(lanes=16, ratios=(ratio,), o_depth=o_depth)
        part = zeros(config, ratio, 12 * ratio.m)
        start = beat_network([part, part]).solve().start
        assert (np.diff(start["i"]) == 1).all() == rate
        assert len(start["f"]) == len(start["b"]) == 2 * part.results


@pytest.mark.parametrize("ratio", [*RATIOS, DENSE], ids=str)
def test_latencies_by_hand(ratio):
    """p at 0, queue 1, start, first row at 2; then registers: see `hwsim.sore.timing`."""
    start = beat_network([zeros(engine(ratio), ratio, ratio.m)]).solve().start
    assert start["i"].tolist() == [2 + k for k in range(ratio.m)]
    end = 2 + ratio.m - 1
    assert start["f"].tolist() == [end + 5 + s for s in range(ratio.n)]
    assert start["b"].tolist() == [end + 7 + ratio.m + s for s in range(ratio.n)]


def test_missing_rows_take_their_cycles_but_no_transfers():
    ratio = Ratio(2, 8)
    config = engine(ratio)
    start = beat_network([zeros(config, ratio, 9), zeros(config, ratio, 8)]).solve().start
    assert start["i"].tolist() == [*range(2, 11), *range(18, 26)]
    assert start["f"].tolist() == [14, 15, 22, 23, 30, 31]


@pytest.mark.parametrize(("before", "after"), [(Ratio(8, 16), DENSE), (DENSE, Ratio(8, 16)),
                                              (Ratio(2, 4), Ratio(1, 4))])
def test_another_ratio_waits_until_the_one_before_has_left(before, after):
    config = engine(Ratio(8, 16), Ratio(2, 4), Ratio(1, 4))
    start = beat_network([zeros(config, before, before.m), zeros(config, after, after.m)]).solve().start
    last, first = start["i"][before.m - 1], start["i"][before.m]
    assert first - last == 1 + 1 + before.m + before.n
    assert start["b"][before.n] > start["b"][before.n - 1]


def test_a_full_queue_holds_back_whole_groups_only():
    ratio = Ratio(2, 4)
    config = SoreConfig(lanes=4, ratios=(ratio,), o_depth=2)
    blocked = np.zeros(100, bool)
    start = beat_network([zeros(config, ratio, 12)], ready={"b": blocked}).solve().start
    assert start["i"][:4].tolist() == [2, 3, 4, 5] and start["f"][:2].tolist() == [10, 11]
    assert start["b"][:2].tolist() == [100, 101] and start["i"][4] == 102


def test_a_direction_that_is_not_wanted_holds_nothing_back():
    ratio = Ratio(2, 4)
    config = SoreConfig(lanes=4, ratios=(ratio,), o_depth=2)
    part = zeros(config, ratio, 40, backward=False)
    timeline = beat_network([part], ready={"b": np.zeros(500, bool)}).solve()
    assert len(timeline.start["b"]) == 0 and timeline.cycles < 200


def test_the_table_of_the_documentation():
    lines = (Path(__file__).parents[2] / "docs" / "sore_wuve.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines
            if re.match(r"\| (\d+:\d+|dense) ", line)]
    assert len(rows) == 6
    for name, *cells in rows:
        ratio = DENSE if name == "dense" else Ratio.parse(name)
        assert [int(cell) for cell in cells] == [timing.FORWARD, timing.backward(ratio.m),
                                                 timing.full_rate_depth(ratio), timing.settle(ratio)]
