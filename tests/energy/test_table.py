from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim.energy
from hwsim.energy import Cost, CostTable, load_costs, mux_bits, nanojoules, picojoules
from hwsim.energy.table import LARGEST_SRAM, SMALLEST_SRAM
from hwsim.errors import InputError

TABLE = load_costs()
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
    checks = tomllib.loads(DATA.read_text())["check"]
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
        assert (cost.mark == "assumption") or any(word in cost.source for word in ("ISSCC", "Aladdin", "AMD", "hwcomp"))
    assert CostTable.from_mapping(TABLE.to_mapping()) == TABLE
    assert TABLE.cost("dram.hbm2").energy < TABLE.cost("dram.ddr4").energy


def test_units() -> None:
    assert picojoules(1000.0) == pytest.approx(nanojoules(1.0), rel=1e-15)
    nano = Cost.from_mapping({**PLAIN, "unit": "nJ", "bits": 8})
    assert nano.energy == pytest.approx(0.25e-9, rel=1e-15) and nano.per == "bit"
    assert Cost.from_mapping(PLAIN).per == "operation"
    assert mux_bits(16, 8) == 120 and mux_bits(1, 8) == 0


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
