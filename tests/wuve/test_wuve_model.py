"""Times of WUVE by its cycle model: latency by hand, one beat a cycle, room."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.wuve import timing
from hwsim.wuve.config import WuveConfig
from hwsim.wuve.model import beat_network
from hwsim.wuve.update import Hyperparameters, Update


def update(config, beats):
    zeros = np.zeros((beats, config.lanes), np.float32)
    return Update(config=config, parameters=Hyperparameters(learning_rate=0.1), gradient=zeros.astype(np.uint16),
                  weight=zeros, momentum=zeros, dropped=zeros.astype(bool))


@pytest.mark.parametrize(("multiply", "add", "rounding"), [(2, 4, 1), (0, 0, 0), (4, 1, 2)])
def test_latency_by_hand(multiply, add, rounding):
    """p at 0, queue 1, start, first beat at 2; input register, two products, three sums, rounding, queue 2."""
    config = WuveConfig(lanes=1, multiply_stages=multiply, add_stages=add, round_stages=rounding)
    start = beat_network([update(config, 3)]).solve().start
    first = 2 + 1 + 2 * multiply + 3 * add + rounding + 2
    assert start["i"].tolist() == [2, 3, 4] and start["o"].tolist() == [first, first + 1, first + 2]


@pytest.mark.parametrize("fields", [{}, {"multiply_stages": 0, "add_stages": 0, "round_stages": 0}, {"add_stages": 1}])
def test_a_beat_a_cycle_from_the_depth_on_that_is_said(fields):
    depth = timing.full_rate_depth(WuveConfig(**fields))
    for o_depth, rate in ((depth, True), (depth - 1, False)):
        config = WuveConfig(lanes=1, o_depth=o_depth, **fields)
        start = beat_network([update(config, 60), update(config, 1), update(config, 60)]).solve().start
        assert (np.diff(start["i"]) == 1).all() == rate
    assert WuveConfig().o_depth >= timing.full_rate_depth(WuveConfig())


def test_a_sink_that_stalls_stops_the_intake_when_the_queue_is_promised():
    config = WuveConfig(lanes=1, o_depth=5)
    start = beat_network([update(config, 8)], ready=np.zeros(200, bool)).solve().start
    assert start["i"].tolist() == [2, 3, 4, 5, 6, 201, 202, 203] and start["o"][0] == 200


def test_updates_of_different_engines_and_none_at_all_are_refused():
    for updates in ([update(WuveConfig(lanes=n), 1) for n in (1, 2)], []):
        with pytest.raises(InputError, match="updates"):
            beat_network(updates)
