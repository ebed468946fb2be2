"""Networks made of networks: two parts that meet in a process are the network that one would write by hand."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.network import Network
from hwsim.network.embed import embed


def stage(latency, depth, count, offer=None, accept=None):
    net = Network("stage")
    net.process("i", firings=count, offer=offer)
    net.process("o", firings=count, accept=accept)
    net.depend("o", on="i", delay=latency)
    net.depend("i", on="o", shift=depth, delay=1, stall="blocked")
    return net


@pytest.mark.parametrize("seed", range(5))
def test_parts_that_meet_are_one_pipeline(seed):
    rng = np.random.default_rng(seed)
    offer, accept = rng.random(90) < 0.5, rng.random(90) < 0.6
    whole, by_hand = Network("whole"), Network("by hand")
    embed(whole, stage(3, 2, 40, offer=offer), "first", {"i": "in", "o": "middle"})
    embed(whole, stage(2, 1, 40, accept=accept), "second", {"i": "middle", "o": "out"})
    by_hand.process("in", firings=40, offer=offer)
    by_hand.process("middle", firings=40)
    by_hand.process("out", firings=40, accept=accept)
    for source, target, latency, depth in (("in", "middle", 3, 2), ("middle", "out", 2, 1)):
        by_hand.depend(target, on=source, delay=latency)
        by_hand.depend(source, on=target, shift=depth, delay=1, stall="blocked")
    got, wanted = whole.solve(), by_hand.solve()
    for name in ("in", "middle", "out"):
        assert (got.start[name] == wanted.start[name]).all(), (seed, name)


def test_names_without_a_meeting_get_the_prefix():
    net = Network("whole")
    embed(net, stage(1, 1, 3), "a")
    embed(net, stage(1, 1, 4), "b")
    assert set(net.processes) == {"a.i", "a.o", "b.i", "b.o"}
    with pytest.raises(InputError, match="two arcs"):
        embed(net, stage(1, 1, 3), "a")


def test_what_cannot_meet_is_refused():
    net = Network("whole")
    embed(net, stage(1, 1, 3, accept=np.ones(2, bool)), "a", {"o": "x"})
    with pytest.raises(InputError, match="wanted 3 firings in both parts, got 4"):
        embed(net, stage(1, 1, 4), "b", {"i": "x"})
    with pytest.raises(InputError, match="a stall pattern in one part"):
        embed(net, stage(1, 1, 3, accept=np.ones(2, bool)), "b", {"o": "x"})
    part = Network("part")
    part.process("p", firings=3)
    part.process("q", firings=3)
    part.channel("c", "p", "q", depth=2)
    with pytest.raises(InputError, match="without channels"):
        embed(net, part, "c")
