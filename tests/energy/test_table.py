from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim.energy
from hwsim.energy import Cost, CostTable, load_costs, logic_factor, mux_bits, nanojoules, picojoules
from hwsim.energy.table import LARGEST_SRAM, SMALLEST_SRAM
from hwsim.errors import InputError

TABLE = load_costs()
SOURCES = ("hwsim power costs", "ISSCC", "Aladdin", "AMD", "hwcomp", "Micron", "DRAMsim3", "Keckler", "CACTI")
DATA = Path(hwsim.energy.__file__).with_name("costs.toml")
PLAIN: dict[str, Any] = {
    "name": "x",
    "value": 2.0,
    "unit": "pJ",
    "mark": "paper",
    "source": "somewhere",
    "low": 1.0,
    "high": 4.0,
    "range": "somewhere",
}


@pytest.mark.parametrize(
    ("name", "joules"),
    [
        # M. Horowitz, ISSCC 2014, 45 nm, 0.9 V
        ("add.int8", 0.03e-12),
        ("add.int32", 0.1e-12),
        ("multiply.int8", 0.2e-12),
        ("multiply.int32", 3.1e-12),
        ("add.fp16", 0.4e-12),
        ("add.fp32", 0.9e-12),
        ("multiply.fp16", 1.1e-12),
        ("multiply.fp32", 3.7e-12),
        ("mac.int8", 0.3e-12),
        ("dram.generic", 1.95e-9 / 64),
        # per bit
        ("dram.hbm2", 7e-12),
        ("register.read", 0.009e-12),
    ],
)
def test_published_costs(name: str, joules: float) -> None:
    assert TABLE.cost(name).energy == pytest.approx(joules, rel=1e-15)


def test_multiply_accumulates_are_the_sum_of_their_parts() -> None:
    for mac, multiply, add in [
        ("mac.int8", "multiply.int8", "add.int32"),
        ("mac.fp16", "multiply.fp16", "add.fp16"),
        ("mac.fp16-fp32", "multiply.fp16", "add.fp32"),
        ("mac.fp32", "multiply.fp32", "add.fp32"),
    ]:
        assert TABLE.cost(mac).energy == pytest.approx(TABLE.cost(multiply).energy + TABLE.cost(add).energy, rel=1e-12)


def test_published_sram_points() -> None:
    for capacity, pj in [(8192, 10), (32768, 20), (2**20, 100)]:
        assert TABLE.sram(capacity).energy * 64 == pytest.approx(pj * 1e-12, rel=1e-15)
        assert TABLE.sram(capacity).mark == "paper"


def test_sram_between_and_beyond() -> None:
    middle = TABLE.sram(16384)  # half way on log axes between 10 and 20 pJ
    assert middle.energy * 64 == pytest.approx(math.sqrt(200) * 1e-12, rel=1e-12) and middle.mark == "scaled"
    small = TABLE.sram(2048)  # the line through 8 and 32 KiB goes on: half of 10 pJ
    assert small.energy * 64 == pytest.approx(5e-12, rel=1e-12) and small.mark == "assumption"
    assert TABLE.sram(2**22).mark == "assumption" and "extrapolated" in TABLE.sram(2**22).source


@given(st.integers(SMALLEST_SRAM, LARGEST_SRAM), st.integers(SMALLEST_SRAM, LARGEST_SRAM))
def test_a_bigger_sram_costs_more(a: int, b: int) -> None:
    small, large = sorted((a, b))
    one, other = TABLE.sram(small), TABLE.sram(large)
    assert one.energy < other.energy or small == large
    assert one.bounds[0] <= one.energy <= one.bounds[1]
    assert one.energy > TABLE.cost("register.read").energy


def test_cacti_agrees_with_the_papers_caches() -> None:
    checks = [check for check in tomllib.loads(DATA.read_text())["check"] if check["name"] == "sram"]
    ratios = {
        c["capacity_bytes"]: c["read"] / c["bits"] * 1e-12 / TABLE.sram(c["capacity_bytes"]).energy for c in checks
    }
    assert ratios[8192] == pytest.approx(0.605, abs=0.001)
    assert ratios[32768] == pytest.approx(0.85, abs=0.001)
    assert ratios[2**20] == pytest.approx(0.772, abs=0.001)
    assert all(0.5 < ratio < 1.0 for ratio in ratios.values())


def test_every_entry_says_where_it_comes_from() -> None:
    for cost in TABLE.costs:
        assert cost.source and cost.range and cost.bounds[0] <= cost.energy <= cost.bounds[1]
        assert (cost.mark == "assumption") or any(word in cost.source for word in SOURCES)
    assert CostTable.from_mapping(TABLE.to_mapping()) == TABLE
    assert TABLE.cost("dram.hbm2").energy < TABLE.cost("dram.ddr4").energy


def test_units() -> None:
    assert picojoules(1000.0) == pytest.approx(nanojoules(1.0), rel=1e-15)
    nano = Cost.from_mapping({**PLAIN, "unit": "nJ", "bits": 8})
    assert nano.energy == pytest.approx(0.25e-9, rel=1e-15) and nano.per == "bit"
    assert Cost.from_mapping(PLAIN).per == "operation"
    assert mux_bits(16, 8) == 120 and mux_bits(1, 8) == 0


def test_idle_and_busy_ddr4_follow_from_the_currents() -> None:
    check = next(c for c in tomllib.loads(DATA.read_text())["check"] if c["name"] == "dram.ddr4")
    chips, volts, cycle, rc, ras, rp = 8, 1.2, 0.833e-9, 55, 39, 16
    idd0, idd2n, idd3n, idd4r = (mA * 1e-3 for mA in (48, 34, 43, 135))
    opened = chips * volts * cycle * (idd0 * rc - idd3n * ras - idd2n * rp)
    read = volts * cycle * 4 * (idd4r - idd3n)  # a burst of eight beats is four cycles, 64 bits a chip
    assert check["activate"] * 1e-12 == pytest.approx(opened, rel=2e-3)
    assert check["read"] * 1e-12 == pytest.approx(read, rel=2e-3)
    assert TABLE.cost("idle.dram.ddr4").energy == pytest.approx(chips * volts * idd2n, rel=1e-9)
    assert read / 64 + opened / check["row_bits"] < TABLE.cost("dram.ddr4").energy


@pytest.mark.parametrize(("name", "nodes", "volts"), [("28nm", {32: 2 / 3, 20: 1 / 3}, 0.9), ("16nm", {16: 1.0}, 0.8),
                                                      ("7nm", {7: 1.0}, 0.7)])
def test_logic_scales_by_the_published_polynomials(name: str, nodes: dict[int, float], volts: float) -> None:
    published = {45: (1.103, -0.362, 0.2767), 32: (0.9559, -0.7823, 0.471), 20: (0.373, -0.1582, 0.04104),
                 16: (0.2958, -0.1241, 0.03024), 7: (0.1776, -0.09097, 0.02447)}

    def at(node: int, supply: float) -> float:
        a, b, c = published[node]
        return a * supply**2 + b * supply + c

    factor = sum(share * at(node, volts) for node, share in nodes.items()) / at(45, 0.9)
    there = load_costs(technology=name)
    for cost in ("mac.int8", "register.read"):
        assert there.cost(cost).energy / TABLE.cost(cost).energy == pytest.approx(factor, rel=5e-3)
    assert there.sram(32768).bounds[1] / TABLE.sram(32768).bounds[1] == pytest.approx(2 * factor, rel=5e-3)
    assert there.cost("dram.hbm2") == TABLE.cost("dram.hbm2")
    assert "Stillmaker" in there.cost("mac.int8").source and there.cost("mac.int8").mark == "scaled"
    assert there.cost("leakage.sram").mark == "assumption"


def test_logic_of_older_nodes_by_the_published_polynomials() -> None:
    at_table = 1.103 * 0.9**2 - 0.362 * 0.9 + 0.2767
    assert logic_factor(45, 0.9) == 1.0
    assert logic_factor(180, 1.8) == pytest.approx((24.64 * 1.8**2 - 17.98 * 1.8) / at_table, rel=1e-12)
    # the worked example of the paper's corrigendum: 65 nm at 1.3 V has an energy factor of 2.604
    assert logic_factor(65, 1.3) * at_table == pytest.approx(2.604, abs=5e-4)
    for nm, volts in ((28, 0.9), (7, -1.0), (180, 0.5), (90, 0.5)):
        with pytest.raises(InputError):
            logic_factor(nm, volts)


def test_refuses_unknown_technologies() -> None:
    with pytest.raises(InputError, match=r"technology: wanted one of 45nm, .*got 9nm"):
        load_costs(technology="9nm")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"value": 0.0}, "value"),
        ({"low": 0.0}, "low"),
        ({"low": 3.0}, "low"),
        ({"high": 1.5}, "high"),
        ({"unit": "mJ"}, "unit"),
        ({"mark": "guess"}, "mark"),
        ({"bits": 0}, "bits"),
        ({"technology_nm": -1.0}, "technology_nm"),
        ({"piece": "bit"}, "piece"),
        ({"unit": "nW"}, "piece"),
        ({"source": ""}, "source, range"),
        ({"range": ""}, "source, range"),
    ],
)
def test_cost_refuses(change: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as caught:
        Cost.from_mapping({**PLAIN, **change})
    assert caught.value.place == place


def test_table_refuses() -> None:
    one = Cost.from_mapping(PLAIN)
    point = one.replace(name="sram", capacity_bytes=64)
    larger = point.replace(capacity_bytes=128)
    for costs in ((one, one), (one.replace(capacity_bytes=8),), (one.replace(name="sram"),), (point,), (point, larger)):
        with pytest.raises(InputError, match="costs"):
            CostTable(costs=costs)
    with pytest.raises(InputError, match=r"pe: wanted one of .*did you mean 'mac.int8'.*got mac.int9"):
        TABLE.cost("mac.int9", "pe")
    with pytest.raises(InputError, match="without a capacity"):
        TABLE.cost("sram")
    for capacity in (SMALLEST_SRAM - 1, LARGEST_SRAM + 1):
        with pytest.raises(InputError, match="capacity_bytes: wanted 64 to"):
            TABLE.sram(capacity)
    with pytest.raises(InputError, match="with sram entries"):
        CostTable(costs=(one,)).sram(64)
    with pytest.raises(InputError, match="ways"):
        mux_bits(0, 8)


def test_a_users_own_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(DATA.read_text())
    assert load_costs(path) == TABLE
    path.write_text('[[cost]]\nname = "x"\nvalue = "high"\n')
    with pytest.raises(InputError) as caught:
        load_costs(path)
    assert caught.value.place == f"{path}: costs[0]"
    path.write_text("[[price]]\nname = 1\n")
    with pytest.raises(InputError, match="price"):
        load_costs(path)
