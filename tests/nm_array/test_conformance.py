"""The promise: the RTL takes exactly the cycles, and gives exactly the bits, that the simulator says."""

import shutil

import numpy as np
import pytest

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.sparsity.ratio import Ratio
from rtl.nm_array.emit import emit_nm_array
from rtl.nm_array.family import verify_program
from rtl.nm_array.random_configuration import RATIOS, draw_configuration
from rtl.nm_array.random_operands import draw_int8, draw_requantization, draw_weights
from rtl.verify import verify
from rtl.verify.draw import draw_stall
from rtl.verilog import lint

SLOW = pytest.mark.slow
ENGINES = [pytest.param("verilator", marks=SLOW), pytest.param("icarus", marks=[SLOW, pytest.mark.skipif(
    not shutil.which("iverilog"), reason="no iverilog")])]


def check(report, transfers):
    assert report.passed, report.summary() + "".join(f"\n{failure}" for failure in report.failures)
    wrong = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert wrong == (0, 0, 0, 0) and report.rtl_cycles == report.model_cycles and report.transfers >= transfers


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("multipliers", [1, 4])
def test_small_random_arrays(dataflow, multipliers):
    fixed = {"dataflow": dataflow, "multipliers": multipliers, "rows": 2, "cols": 3, "tile_depth": 4}
    check(verify("nm_array", fixed, seed=1, cases=8, engine="amaranth"), 200)


def test_the_smallest_array():
    fixed = {"rows": 1, "cols": 1, "tile_depth": 1, "o_depth": 1, "a_slots": 1, "w_slots": 1, "q_slots": 1,
             "d_slots": 1, "ratios": [], "product_stages": 0}
    check(verify("nm_array", fixed, seed=2, cases=5, engine="amaranth"), 50)


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("multipliers", [8, 16])
def test_pes_of_many_multipliers(dataflow, multipliers):
    fixed = {"dataflow": dataflow, "multipliers": multipliers, "rows": 2, "cols": 1, "tile_depth": 2,
             "ratios": ["1:16", "8:16"], "product_stages": 4}
    check(verify("nm_array", fixed, seed=5, cases=2, engine="amaranth"), 10)


def test_every_kind_of_array_is_drawn():
    drawn = [draw_configuration({}, np.random.default_rng(seed)) for seed in range(400)]
    assert {config.multipliers for config in drawn} == {1, 2, 4, 8, 16}
    assert {config.product_stages for config in drawn} == set(range(5))
    assert {ratio for config in drawn for ratio in config.ratios} == set(RATIOS)
    assert max(config.rows * config.cols for config in drawn if config.multipliers == 16) == 4


@SLOW
@pytest.mark.parametrize("ratio", [*map(str, RATIOS), "1:1"])
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_every_ratio(ratio, dataflow):
    n, m = map(int, ratio.split(":"))
    fixed = {"n": n, "m": m, "dataflow": dataflow, "rows": 2, "cols": 2}
    check(verify("nm_array", fixed, seed=3, cases=6, configurations=3, engine="amaranth"), 500)


@SLOW
@pytest.mark.parametrize("seed", range(4))
def test_random_arrays_of_all_sizes(seed):
    check(verify("nm_array", seed=seed, cases=4, configurations=5, engine="amaranth"), 500)


@SLOW
@pytest.mark.parametrize("settings", [{"dataflow": "ws", "rows": 4, "cols": 3},
                                      {"dataflow": "os", "rows": 3, "cols": 4}])
def test_verilator_on_the_shipped_verilog(settings):
    check(verify("nm_array", settings, seed=21, cases=250, configurations=2, engine="verilator"), 25_000)


@SLOW
def test_cxxrtl_on_many_cases():
    check(verify("nm_array", {"rows": 3, "cols": 2}, seed=31, cases=400, configurations=6, engine="cxxrtl"), 100_000)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_users_type(engine):
    """``hwsim verify nm_array --set rows=5 --set cols=3 --set n=2 --set m=8 --seed 7``."""
    fixed = {"rows": 5, "cols": 3, "n": 2, "m": 8}
    check(verify("nm_array", fixed, seed=7, cases=20 if engine == "verilator" else 3, engine=engine), 100)


@pytest.mark.parametrize("engine", ["amaranth", pytest.param("verilator", marks=SLOW)])
def test_one_program_and_a_part_of_it(engine):
    rng = np.random.default_rng(8)
    config = NmArrayConfig(rows=3, cols=2, tile_depth=4, o_depth=8, ratios=("2:4",))
    shape, ratio = Shape(m=9, k=40, n=5), Ratio(2, 4)
    program = lower(config, shape, ratio, Tiling(beats=4))
    a, w = draw_int8("any", (1, 9, 40), rng), draw_weights("any", shape, ratio, rng)
    rq = [draw_requantization(a[0].astype(np.int64) @ w[0].astype(np.int64), rng)]
    offer = {"a": draw_stall(0.4, 500, rng), "w": draw_stall(0.2, 500, rng)}
    whole = verify_program(program, a, w, rq, offer, draw_stall(0.5, 500, rng), engine=engine)
    check(whole, program.passes)
    ends = np.flatnonzero(program.last) + 1
    part = program.select(slice(int(ends[0]), int(ends[2])))
    check(verify_program(part, a, w, rq, engine=engine), part.passes)


@SLOW
def test_the_text_is_the_same_each_time_and_has_each_part_once():
    config = NmArrayConfig.preset("small-4x4")
    text = emit_nm_array(config)
    assert text == emit_nm_array(config)
    assert text.count("module nm_array_pe(") == 1 and text.count("nm_array_pe pe") == 12
    assert config.digest() and '"tile_depth": 16' in text and "[-1:0]" not in text


@SLOW
@pytest.mark.parametrize("fixed", [
    {}, {"dataflow": "os"}, {"ratios": (), "shadow_weights": False},
    {"multipliers": 4, "ratios": tuple(map(str, sorted(RATIOS))), "product_stages": 0},
    {"rows": 1, "cols": 1, "tile_depth": 1, "o_depth": 1, "a_slots": 1, "w_slots": 1, "q_slots": 1}])
def test_the_verilog_is_lint_clean(fixed):
    config = NmArrayConfig(**({"rows": 4, "cols": 3, "tile_depth": 8, "o_depth": 16} | fixed))
    assert lint(emit_nm_array(config)) == []


@SLOW
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_a_full_array_is_emitted_and_lint_clean(dataflow):
    text = emit_nm_array(NmArrayConfig(dataflow=dataflow))
    assert text.count("nm_array_pe pe") == 31 * 32 and len(text) < 3_000_000
    assert lint(text) == []
