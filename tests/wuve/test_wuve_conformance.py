"""WUVE's RTL takes exactly the cycles of the model and gives exactly the bits of the reference."""

import shutil

import pytest

from hwsim.wuve.config import WuveConfig
from rtl.verify import verify
from rtl.verilog import lint
from rtl.wuve.emit import emit_wuve

SLOW = pytest.mark.slow
SMALL = {"lanes": 1, "beats": 6}


def check(report, transfers):
    assert report.passed, report.summary() + "".join(f"\n{failure}" for failure in report.failures)
    wrong = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert wrong == (0, 0, 0, 0) and report.rtl_cycles == report.model_cycles and report.transfers >= transfers


@pytest.mark.parametrize("data_type", ["fp16", pytest.param("bf16", marks=pytest.mark.slow)])
def test_small_engines(data_type):
    check(verify("wuve", SMALL | {"data_type": data_type}, seed=1, cases=5, engine="amaranth"), 60)


@pytest.mark.slow
def test_an_engine_without_registers_and_with_the_least_queues():
    fixed = SMALL | {"multiply_stages": 0, "add_stages": 0, "round_stages": 0, "o_depth": 1, "p_slots": 1}
    check(verify("wuve", fixed, seed=2, cases=3, engine="amaranth"), 40)


@SLOW
@pytest.mark.parametrize("seed", range(3))
def test_random_engines(seed):
    check(verify("wuve", {"beats": 12}, seed=seed, cases=4, configurations=3, engine="amaranth"), 500)


@SLOW
@pytest.mark.parametrize("fixed", [{"data_type": "fp16", "lanes": 3, "flush": False, "o_depth": 24},
                                   {"data_type": "bf16", "lanes": 1, "flush": True}])
def test_verilator_on_the_shipped_verilog(fixed):
    check(verify("wuve", fixed, seed=21, cases=170, engine="verilator"), 10_000)


@SLOW
@pytest.mark.parametrize("engine", ["cxxrtl", pytest.param("icarus", marks=pytest.mark.skipif(
    not shutil.which("iverilog"), reason="no iverilog"))])
def test_other_engines(engine):
    check(verify("wuve", {"lanes": 1}, seed=7, cases=10, engine=engine), 300)


@SLOW
@pytest.mark.parametrize("fields", [{"lanes": 2}, {"lanes": 1, "data_type": "bf16", "flush": True, "most_beats": 1},
                                    {"lanes": 2, "multiply_stages": 0, "add_stages": 0, "round_stages": 0}])
def test_the_verilog_is_lint_clean_and_always_the_same(fields):
    config = WuveConfig(**fields)
    text = emit_wuve(config)
    assert lint(text) == [] and text == emit_wuve(config) and "[-1:0]" not in text
    assert f"o__payload: {80 * config.lanes + 1} bits" in text and f"[{80 * config.lanes}:0] o__payload" in text


@SLOW
def test_lanes_are_converted_once():
    text = emit_wuve(WuveConfig())
    assert text.count("module wuve_lane(") == 1 and text.count("wuve_lane lane") == 8
