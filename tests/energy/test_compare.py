"""The range of a gain: by hand, and against every corner of the costs."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.energy import ActionCount, Cost, CostTable, EnergyTree
from hwsim.energy.compare import Comparison, range_text


def cost(name: str, low: float, value: float, high: float) -> Cost:
    return Cost(name=name, value=value, unit="pJ", mark="assumption", source="here", low=low, high=high, range="here")


def tree(table: CostTable, **counts: float) -> EnergyTree:
    done = [ActionCount(component="x", action=name, count=count) for name, count in counts.items()]
    return EnergyTree.of(done, table)


def test_by_hand() -> None:
    table = CostTable(costs=(cost("mac", 1, 2, 4), cost("mux", 1, 1, 8)))
    sparse, dense = tree(table, mac=10, mux=4), tree(table, mac=20)
    found = Comparison.of(sparse.leaves, dense.leaves)
    assert found is not None
    assert (found.low, found.nominal, found.high) == pytest.approx((20 / 14, 40 / 24, 80 / 72))
    assert (found.worst, found.best) == pytest.approx((20 / 42, 80 / 44))  # MACs cheap, multiplexers dear
    assert not found.holds and found.because[0] == "mux" and found.verdict.startswith("does not hold, because of mux")
    assert "mux" in range_text({"dense": found})[-1]


def test_what_both_need_has_one_price() -> None:
    table = CostTable(costs=(cost("dram", 1, 10, 100),))
    found = Comparison.of(tree(table, dram=3).leaves, tree(table, dram=4).leaves)
    assert found is not None and found.holds
    assert [found.low, found.nominal, found.high, found.worst, found.best] == pytest.approx([4 / 3] * 5)
    more = Comparison.of(tree(table, dram=4).leaves, tree(table, dram=3).leaves)
    assert more is not None and more.holds and more.best < 1 and more.verdict == "holds: costs more"
    same = Comparison.of(tree(table, dram=4).leaves, tree(table, dram=4).leaves)
    assert same is not None and same.verdict == "no difference"
    assert Comparison.of([], tree(table, dram=4).leaves) is None


def test_decimals_show_the_side_of_one() -> None:
    table = CostTable(costs=(cost("dram", 1, 10, 100),))
    near, far = (Comparison.of(tree(table, dram=1000).leaves, tree(table, dram=count).leaves) for count in (999, 1234))
    assert near is not None and far is not None
    lines = range_text({"near": near, "far": far})
    assert lines[-2].count("0.999x") == lines[-1].count("1.23x") == 5


ranges = st.tuples(*[st.floats(0.1, 10)] * 3).map(sorted)


@given(st.lists(ranges, min_size=4, max_size=4), st.lists(st.integers(0, 50), min_size=8, max_size=8))
def test_no_corner_is_beyond_the_worst_and_the_best(costs: list[list[float]], counts: list[int]) -> None:
    table = CostTable(costs=tuple(cost(name, *each) for name, each in zip("abcd", costs, strict=True)))
    ours, other = (tree(table, **dict(zip("abcd", part, strict=True))) for part in (counts[:4], counts[4:]))
    found = Comparison.of(ours.leaves, other.leaves)
    if not sum(counts[:4]) or not sum(counts[4:]):
        assert found is None
        return
    assert found is not None
    gains = []
    for ends in itertools.product((0, 2), repeat=4):
        mine, theirs = (math.fsum(count * each[end] for count, each, end in zip(part, costs, ends, strict=True))
                        for part in (counts[:4], counts[4:]))
        gains.append(theirs / mine)
    assert math.isclose(found.worst, min(gains), rel_tol=1e-9) and math.isclose(found.best, max(gains), rel_tol=1e-9)
    assert found.worst <= found.nominal * (1 + 1e-9) and found.nominal <= found.best * (1 + 1e-9)
