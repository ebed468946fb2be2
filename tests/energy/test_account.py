from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.energy import ActionCount, EnergyTree, Seconds, duration, held, load_costs, of_bytes
from hwsim.errors import InputError

COUNTS = [
    ActionCount(component="pe", action="mac.int8", count=1000),
    ActionCount(component="pe", action="register.read", count=16000),
    of_bytes("weights", "read", 512, cost="sram", capacity_bytes=32768),
    of_bytes("dram", "read", 100, cost="dram.ddr4"),
    ActionCount(component="pe", action="mac.int8", count=500),
]


def test_by_hand() -> None:
    tree = EnergyTree.of(COUNTS)
    assert tree.components == pytest.approx({"pe": 594e-12, "weights": 1280e-12, "dram": 22400e-12}, rel=1e-12)
    assert tree.total == pytest.approx(24274e-12, rel=1e-12)
    low, high = tree.bounds
    assert low == pytest.approx((450 + 72 + 64 * 14.48 + 800 * 20.3125) * 1e-12, rel=1e-12)
    assert high == pytest.approx((1731 + 288 + 1600 + 800 * 40.625) * 1e-12, rel=1e-12)


def test_dict_and_rows() -> None:
    tree = EnergyTree.of(COUNTS)
    plain = json.loads(json.dumps(tree.to_dict()))
    assert plain["unit"] == "J" and plain["energy"] == tree.total
    leaf = plain["components"]["pe"]["actions"]["mac.int8"]
    assert leaf["count"] == 1500 and leaf["per"] == "operation" and "Horowitz" in leaf["source"]
    assert leaf["energy"] == leaf["count"] * leaf["unit_cost"]
    assert plain["components"]["weights"]["actions"]["read"]["mark"] == "paper"
    rows = tree.rows()
    assert [(row["depth"], row["name"]) for row in rows] == [
        (0, "total"),
        (1, "pe"),
        (2, "mac.int8"),
        (2, "register.read"),
        (1, "weights"),
        (2, "read"),
        (1, "dram"),
        (2, "read"),
    ]
    assert rows[0]["share"] == 1.0 and math.fsum(row["share"] for row in rows if row["depth"] == 1) == pytest.approx(1)


def test_what_stands_costs_by_the_second() -> None:
    time = duration(3e6, 200e6)
    tree = EnergyTree.of([held("buffer", "leakage", 8192, time, "leakage.sram"),
                          held("buffer", "leakage", 8192, time, "leakage.sram")])
    assert tree.total == pytest.approx(8192 * 10.3e-9 * 0.03, rel=1e-12)
    leaf = tree.to_dict()["components"]["buffer"]["actions"]["leakage"]
    assert leaf["per"] == "bit s" and leaf["count"] == pytest.approx(8192 * 0.03) and leaf["low"] < leaf["high"] / 1e4


def test_a_power_needs_a_time_and_an_action_has_none() -> None:
    with pytest.raises(InputError, match=r"x.leak: .*got leakage.sram in nW without a time"):
        EnergyTree.of([ActionCount(component="x", action="leak", count=1, cost="leakage.sram")])
    with pytest.raises(InputError, match=r"x.add: .*got add.int8 in pJ with a time"):
        EnergyTree.of([held("x", "add", 1, Seconds(1.0), "add.int8")])


def test_another_technology_prices_the_same_counts() -> None:
    there = load_costs(technology="7nm")
    counts = [*COUNTS, held("weights", "leakage", 8 * 32768, Seconds(1e-3), "leakage.sram")]
    tree = EnergyTree.of(counts).repriced(there)
    assert tree == EnergyTree.of(counts, there) != EnergyTree.of(counts)
    assert tree.components["dram"] == EnergyTree.of(counts).components["dram"]


def test_nothing_costs_nothing() -> None:
    tree = EnergyTree.of([])
    assert tree.total == 0.0 and tree.bounds == (0.0, 0.0) and tree.rows()[0]["share"] == 0.0
    assert EnergyTree.of([ActionCount(component="pe", action="mac.int8", count=0)]).total == 0.0


actions = st.builds(
    ActionCount,
    component=st.sampled_from(["a", "b", "c"]),
    action=st.sampled_from([cost.name for cost in load_costs().costs if not cost.standing and cost.name != "sram"]),
    count=st.integers(0, 2**60) | st.floats(0, 1e15),
)


@given(st.lists(actions, max_size=30))
def test_the_tree_sums_to_its_total(counts: list[ActionCount]) -> None:
    tree = EnergyTree.of(counts)
    exact = sum((Fraction(item.count) * Fraction(item.priced(load_costs()).energy) for item in counts), Fraction(0))
    assert tree.total == pytest.approx(float(exact), rel=1e-12, abs=0)
    assert math.fsum(tree.components.values()) == pytest.approx(tree.total, rel=1e-12, abs=0)
    leaves = [leaf["energy"] for part in tree.to_dict()["components"].values() for leaf in part["actions"].values()]
    assert math.fsum(leaves) == tree.total
    assert tree.bounds[0] <= tree.total <= tree.bounds[1]


@given(st.integers(64, 2**26), st.integers(64, 2**26), st.integers(1, 2**40))
def test_the_same_traffic_costs_more_in_a_bigger_sram(a: int, b: int, nbytes: int) -> None:
    small, large = (
        EnergyTree.of([of_bytes("buffer", "read", nbytes, cost="sram", capacity_bytes=size)]).total
        for size in sorted((a, b))
    )
    assert small <= large and (small < large or a == b)


def test_counts_round_trip_and_take_numpy() -> None:
    item = of_bytes("w", "read", np.int64(3), cost="sram", capacity_bytes=64)  # type: ignore[arg-type]
    assert item.count == 24 and type(item.count) is int
    assert ActionCount.from_mapping(item.to_mapping()) == item


def test_refuses() -> None:
    for change, place in [
        ({"count": -1}, "count"),
        ({"count": math.nan}, "count"),
        ({"count": True}, "count"),
        ({"component": ""}, "component"),
        ({"action": ""}, "action"),
        ({"capacity_bytes": 64}, "capacity_bytes"),
        ({"cost": "sram"}, "capacity_bytes"),
    ]:
        with pytest.raises(InputError) as caught:
            ActionCount.from_mapping({"component": "pe", "action": "mac.int8", "count": 1, **change})
        assert caught.value.place == place
    with pytest.raises(InputError, match=r"pe.mac: wanted one of"):
        EnergyTree.of([ActionCount(component="pe", action="mac", count=1)])
    with pytest.raises(InputError, match=r"w.read: wanted 64 to"):
        EnergyTree.of([of_bytes("w", "read", 1, cost="sram", capacity_bytes=3)])
    two = [of_bytes("w", "read", 1, cost="dram.hbm2"), of_bytes("w", "read", 1, cost="dram.ddr4")]
    with pytest.raises(InputError, match=r"w.read: wanted one cost \(dram.hbm2\), got also dram.ddr4"):
        EnergyTree.of(two)
