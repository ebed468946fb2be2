"""Channels and tokens: the index arithmetic against plain loops, occupancy, worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.network import Network, fifo


def two(n, m, depth, interval=(1, 1), **channel):
    net = Network("two")
    net.process("a", firings=n, interval=interval[0])
    net.process("b", firings=m, interval=interval[1])
    net.channel("c", "a", "b", depth=depth, **channel)
    return net


def test_chain_by_hand():
    # b starts when the token's latency (1) and forward (1) are over; a's third firing waits for b's first + 1.
    timeline = two(4, 4, 2, (1, 3), forward=1).solve()
    assert timeline.start["a"].tolist() == [0, 1, 3, 6]
    assert timeline.start["b"].tolist() == [2, 5, 8, 11]
    assert timeline.cycles == 14


@given(st.lists(st.integers(-1, 12), max_size=12).map(sorted), st.integers(0, 14))
def test_releases_follow_need(need, tokens):
    need = [min(x, tokens - 1) for x in need]
    got = fifo.releases(np.array(need, np.int64), tokens)
    for token in range(tokens):
        users = [k for k, x in enumerate(need) if x == token]
        later = [k for k, x in enumerate(need) if x > token]
        assert got[token] == (users[-1] if users else later[0] if later else -1)


def test_releases_unknown_where_need_goes_back():
    assert fifo.releases(np.array([1, 0, 2]), 3) is None


@given(
    n=st.integers(0, 12),
    depth=st.integers(1, 8),
    intervals=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    release=st.integers(0, 5),
    backward=st.integers(0, 2),
)
def test_occupancy_is_what_went_in_and_not_yet_out(n, depth, intervals, release, backward):
    timeline = two(n, n, depth, intervals, release=release, backward=backward).solve()
    held = timeline.occupancy("c")
    enter, leave = timeline.start["a"], timeline.start["b"] + release
    wanted = [int((enter <= c).sum() - (leave <= c).sum()) for c in range(timeline.cycles)]
    steps = np.searchsorted(held.cycles, np.arange(timeline.cycles), side="right") - 1
    assert held.entries[steps].tolist() == wanted
    assert held.maximum <= depth
    assert held.mean == pytest.approx(np.mean(wanted) if wanted else 0)


def test_one_slot_hands_over_strictly_in_turn():
    timeline = two(5, 5, 1).solve()
    assert timeline.start["a"].tolist() == [0, 2, 4, 6, 8]
    assert timeline.occupancy("c").maximum == 1


def test_initial_tokens_start_the_consumer_at_once():
    timeline = two(3, 5, 3, initial=2).solve()
    assert timeline.start["b"].tolist() == [0, 1, 2, 3, 4]
    assert timeline.start["a"].tolist() == [0, 1, 2]
    assert timeline.occupancy("c").entries[0] == 2


def test_several_tokens_per_firing_on_both_sides():
    # a puts two words per firing, b takes three; 6 words fit.
    timeline = two(6, 4, 6, put=np.repeat(np.arange(6), 2), need=[2, 5, 8, 11]).solve()
    assert timeline.start["b"].tolist() == [2, 3, 5, 6]
    assert timeline.start["a"].tolist() == [0, 1, 2, 3, 4, 5]
    assert timeline.occupancy("c").maximum <= 6


def test_unbounded_channel_never_blocks():
    timeline = two(50, 50, None, (1, 4)).solve()
    assert timeline.start["a"].tolist() == list(range(50))
    assert timeline.occupancy("c").maximum > 30
    assert list(timeline.arcs) == [arc for arc in timeline.arcs if arc.stall == "starved"]


def test_tokens_match_in_order():
    net = Network("queues")
    net.process("load", firings=6, interval=5, latency=5)
    net.process("gemm", firings=4, interval=2, latency=2)
    net.tokens("ready", "load", "gemm", give=[1, 3, 5], take=[0, 2, 3])
    net.tokens("done", "gemm", "load", give=[1, 2], take=[4, 5], initial=0)
    timeline = net.solve()
    assert timeline.start["load"].tolist() == [0, 5, 10, 15, 20, 25]
    assert timeline.start["gemm"].tolist() == [10, 12, 20, 30]


def test_bounded_tokens_hold_the_giver():
    net = Network("queues")
    net.process("load", firings=4)
    net.process("gemm", firings=4, interval=10)
    net.tokens("ready", "load", "gemm", depth=1)
    assert net.solve().start["load"].tolist() == [0, 2, 12, 22]


def test_tokens_to_itself_with_a_lead():
    net = Network("credits")
    net.process("dma", firings=4, latency=7)
    net.tokens("returned", "dma", "dma", initial=2)
    assert net.solve().start["dma"].tolist() == [0, 1, 7, 8]


def test_memory_of_plain_arcs_holds_no_arrays():
    net = two(10**6, 10**6, 4)
    assert all(arc.index is None and arc.per_source is None and arc.per_target is None for arc in net.arcs.values())


def test_latency_by_firing_delays_its_own_token():
    net = Network("latency")
    net.process("a", firings=3, latency=[9, 1, 1])
    net.process("b", firings=3)
    net.channel("c", "a", "b", depth=4)
    assert net.solve().start["b"].tolist() == [9, 10, 11]
