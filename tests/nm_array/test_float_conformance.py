"""Floating point and passes that choose their dataflow: RTL, model and reference are equal on every transfer."""

from itertools import pairwise

import numpy as np
import pytest
from test_conformance import check

from hwsim.floats import FORMATS, round_to
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.float_reference import BiasRelu
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.reference import expected_beats, from_result_beats
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import DENSE, Ratio
from rtl.nm_array.cases import Work, draw_case
from rtl.nm_array.emit import emit_nm_array
from rtl.nm_array.family import NmArrayFamily, verify_programs
from rtl.verify import verify
from rtl.verify.draw import draw_stall
from rtl.verify.report import Report
from rtl.verify.run import build_family_bench, run_cases
from rtl.verilog import lint

SLOW = pytest.mark.slow
TINY = {"rows": 2, "cols": 1, "tile_depth": 4, "product_stages": 1, "ratios": ["1:2"], "multipliers": 1}
ALL_RATIOS = ["1:4", "2:4", "2:8", "4:8", "2:16"]
WHOLE = {"rows": 3, "cols": 2, "multipliers": 2, "dataflow": "both", "ratios": ALL_RATIOS, "data_type": "fp16",
         "product_stages": 2, "sum_stages": 4, "tile_depth": 12, "o_depth": 24, "a_slots": 3, "w_slots": 3,
         "q_slots": 2, "d_slots": 3}
OTHER = WHOLE | {"rows": 2, "data_type": "bf16", "product_stages": 0, "sum_stages": 3, "interleave": 2,
                 "shadow_weights": False, "a_slots": 2, "w_slots": 6}
INTEGER = WHOLE | {"data_type": "int8", "sum_stages": 1}


@pytest.mark.parametrize(("data_type", "dataflow"), [("fp16", "ws"), ("bf16", "os")])
def test_small_float_arrays(data_type, dataflow):
    check(verify("nm_array", TINY | {"data_type": data_type, "dataflow": dataflow, "sum_stages": 2}, seed=1, cases=2,
                 engine="amaranth"), 30)


@pytest.mark.slow
def test_integers_in_both_dataflows():
    fixed = TINY | {"dataflow": "both", "rows": 2, "cols": 2, "ratios": ["2:4"]}
    check(verify("nm_array", fixed, seed=2, cases=8, engine="amaranth"), 150)


def forced():
    """Settings that force each ratio in each dataflow, and sequences of programs of any of them; how many cases."""
    for ratio in ("1:1", *ALL_RATIOS):
        n, m = map(int, ratio.split(":"))
        for dataflow in ("ws", "os"):
            yield {"n": n, "m": m, "tiling": {"dataflow": dataflow}}, 25
    for programs in (2, 3, 4):
        yield {"programs": programs}, 40


@SLOW
@pytest.mark.parametrize("fields", [WHOLE, OTHER, INTEGER], ids=["fp16", "bf16", "int8"])
def test_every_ratio_and_dataflow_of_one_array(fields):
    """One build each; random stalls at every port."""
    config = NmArrayConfig.from_mapping(fields)
    bench = build_family_bench(NmArrayFamily(), config, "verilator")
    report, rng = Report(family="nm_array", engine="verilator", seed=7, configurations=1), np.random.default_rng(7)
    switches = 0
    for settings, count in forced():
        cases = [draw_case(config, settings, rng) for _ in range(count)]
        for case, comparison in zip(cases, run_cases(bench, cases), strict=True):
            report.add(comparison, case.described)
            flows = [program["tiling"]["dataflow"] for program in case.described["programs"]]
            switches += sum(before != after for before, after in pairwise(flows))
    assert report.cases == 420 and switches > 100
    check(report, 20_000)


@SLOW
@pytest.mark.parametrize(("stages", "interleave"), [(s, i) for s in range(1, 5) for i in range(1, s + 1)])
def test_every_adder_with_every_interleaving(stages, interleave):
    fixed = TINY | {"data_type": "bf16", "dataflow": "both", "sum_stages": stages, "interleave": interleave,
                    "o_depth": 16, "product_stages": 0, "programs": 3}
    check(verify("nm_array", fixed, seed=stages, cases=3, engine="amaranth"), 100)


@SLOW
@pytest.mark.parametrize(("multipliers", "ratios", "shadow"), [(1, ["2:4"], False), (4, ["1:4", "8:16"], True),
                                                              (8, ["2:4"], False)])
def test_trees_of_products(multipliers, ratios, shadow):
    fixed = {"data_type": "fp16", "dataflow": "both", "rows": 2, "cols": 1, "multipliers": multipliers,
             "ratios": ratios, "tile_depth": 4, "o_depth": 10, "sum_stages": 2, "shadow_weights": shadow}
    check(verify("nm_array", fixed, seed=multipliers, cases=3, engine="amaranth"), 75)


def training_step(config, rng):
    """FF, BP and WU of one linear layer: the same master weights [in, out] pruned along what each GEMM contracts.

    FF: Y = X · W pruned along in; BP: dX = dY · Wᵀ pruned along out; WU: dW = Xᵀ · dY, dense, in the other dataflow.
    """
    batch, inputs, outputs, ratio, fmt = 6, 16, 8, Ratio(2, 4), FORMATS["fp16"]
    x, dy = (rng.normal(size=(batch, size)).astype(np.float32) for size in (inputs, outputs))
    master = rng.normal(size=(inputs, outputs)).astype(np.float32)
    forward = np.where(nm_mask(np.abs(master), ratio, 0), master, 0)
    backward = np.where(nm_mask(np.abs(master), ratio, 1), master, 0)
    assert ((forward == 0) != (backward == 0)).any()
    gemms = [(x, forward, ratio, "ws"), (dy, backward.T, ratio, "ws"), (x.T, dy, DENSE, "os")]
    works, exact = [], []
    for a, b, kept, dataflow in gemms:
        shape = Shape(m=a.shape[0], k=a.shape[1], n=b.shape[1])
        program = lower(config, shape, kept, Tiling(beats=3, dataflow=dataflow))
        bits = [round_to(fmt, np.ascontiguousarray(each)).astype(np.uint16)[None] for each in (a, b)]
        works.append(Work(program=program, a=bits[0], w=bits[1], rq=[BiasRelu.none(shape.n)]))
        exact.append(a.astype(np.float64) @ b)
    return works, exact


@SLOW
def test_the_three_gemms_of_a_training_step_from_one_master_matrix():
    rng = np.random.default_rng(6)
    config = NmArrayConfig(rows=2, cols=2, multipliers=2, dataflow="both", data_type="fp16", ratios=("2:4",),
                           sum_stages=2, tile_depth=8, o_depth=16)
    works, exact = training_step(config, rng)
    for work, wanted in zip(works, exact, strict=True):
        z = from_result_beats(work.program, expected_beats(work.program, work.a, work.w, work.rq))
        assert np.abs(z.view(np.float16)[0] - wanted).max() < 0.02  # operands of 11 bits, sums below 16
    offer = {port: draw_stall(0.3, 600, rng) for port in "dawq"}
    check(verify_programs(works, offer, draw_stall(0.3, 600, rng), engine="amaranth"), 250)


@SLOW
@pytest.mark.parametrize("fixed", [
    {"data_type": "fp16", "dataflow": "both", "multipliers": 2, "ratios": ("2:4", "2:8", "2:16"), "product_stages": 2},
    {"data_type": "bf16", "dataflow": "os", "multipliers": 4, "sum_stages": 3, "interleave": 2},
    {"data_type": "fp16", "dataflow": "ws", "rows": 1, "cols": 1, "tile_depth": 1, "o_depth": 1, "sum_stages": 1},
    {"dataflow": "both"}])
def test_the_verilog_is_lint_clean(fixed):
    config = NmArrayConfig(**({"rows": 3, "cols": 2, "tile_depth": 8, "o_depth": 16, "ratios": ("2:4", "2:8")} | fixed))
    text = emit_nm_array(config)
    assert lint(text) == [] and text.count("module nm_array_pe_top(") == 1
    assert text.count("module nm_array_pe(") == (config.rows > 1)  # below the top row, each made once
