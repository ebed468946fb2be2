"""SORE's RTL takes exactly the cycles of the model and gives exactly the bits of the reference."""

import shutil

import numpy as np
import pytest

from hwsim.sore.config import SoreConfig
from hwsim.sore.slices import column_slices
from hwsim.sparsity.ratio import Ratio
from rtl.sore.cases import draw_weights, make_case
from rtl.sore.emit import emit_sore
from rtl.sore.family import SoreFamily
from rtl.verify import verify
from rtl.verify.run import build_family_bench, run_cases
from rtl.verilog import lint

SLOW = pytest.mark.slow
RATIOS = ["1:4", "2:4", "2:8", "4:8", "2:16"]


def check(report, transfers):
    assert report.passed, report.summary() + "".join(f"\n{failure}" for failure in report.failures)
    wrong = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert wrong == (0, 0, 0, 0) and report.rtl_cycles == report.model_cycles and report.transfers >= transfers


@pytest.mark.parametrize(("ratios", "lanes"), [(["2:4"], 4), (["1:2", "4:8"], 8), ([], 1)])
def test_small_engines(ratios, lanes):
    check(verify("sore", {"ratios": ratios, "lanes": lanes, "slices": 3}, seed=1, cases=6, engine="amaranth"), 80)


def test_the_smallest_engine():
    fixed = {"lanes": 1, "ratios": [], "most_rows": 1, "p_slots": 1, "o_depth": 1}
    check(verify("sore", fixed, seed=2, cases=6, engine="amaranth"), 20)


def test_a_matrix_slice_by_slice():
    """A ragged matrix by column slices, without stalls."""
    config = SoreConfig(lanes=4, ratios=("2:4",), o_depth=16)
    bits = draw_weights("any", config, (10, 12), np.random.default_rng(3))[:, :10].copy()
    case = make_case(column_slices(config, bits, Ratio(2, 4)))
    bench = build_family_bench(SoreFamily(), config, "amaranth")
    [comparison] = run_cases(bench, [case])
    assert comparison.equal and comparison.transfers == 3 + 3 * 10 + 2 * 3 * 6


@SLOW
@pytest.mark.parametrize("ratio", [*RATIOS, "1:1"])
def test_every_ratio_alone(ratio):
    n, m = map(int, ratio.split(":"))
    check(verify("sore", {"n": n, "m": m, "lanes": m}, seed=4, cases=12, engine="amaranth"), 100)


@SLOW
@pytest.mark.parametrize("seed", range(2))
def test_random_engines(seed):
    check(verify("sore", seed=seed, cases=4, configurations=3, engine="amaranth"), 300)


@SLOW
def test_verilator_on_the_shipped_verilog_with_all_ratios():
    settings = {"preset": "all-ratios-16", "o_depth": 8}
    check(verify("sore", settings, seed=21, cases=340, engine="verilator"), 20_000)


@SLOW
@pytest.mark.parametrize("engine", ["cxxrtl", pytest.param("icarus", marks=pytest.mark.skipif(
    not shutil.which("iverilog"), reason="no iverilog"))])
def test_other_engines(engine):
    check(verify("sore", {"ratios": ["2:4", "1:2"], "lanes": 4}, seed=7, cases=10, engine=engine), 200)


@SLOW
@pytest.mark.parametrize("fields", [{"lanes": 8, "ratios": ("2:8", "1:2")}, {"lanes": 1, "ratios": (), "most_rows": 1},
                                    {"lanes": 16, "ratios": ("2:16",), "data_type": "bf16", "p_slots": 1}])
def test_the_verilog_is_lint_clean_and_always_the_same(fields):
    config = SoreConfig(**fields)
    text = emit_sore(config)
    assert lint(text) == [] and text == emit_sore(config) and "[-1:0]" not in text
    top = (16 + config.index_bits) * config.lanes
    assert f"f__payload, b__payload: {top + 2} bits" in text and f"[{top + 1}:0] f__payload" in text
