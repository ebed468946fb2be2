"""RTL of the sparse DSP chain takes exactly the cycles of the model and gives exactly the bits of the reference."""

import pytest

from hwsim.dsp_chain.config import ChainConfig, MpuConfig
from rtl.dsp_chain.family import emit_component
from rtl.verify import verify
from rtl.verilog import lint

SLOW = pytest.mark.slow
CHAIN = {"component": "chain", "length": 4, "group_length": 2, "m": 4, "columns": 3}
MPU = {"component": "mpu", "length": 4, "group_length": 1, "m": 2, "vpus": 2, "columns": 3}


def check(report, transfers):
    assert report.passed, report.summary() + "".join(f"\n{failure}" for failure in report.failures)
    wrong = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert wrong == (0, 0, 0, 0) and report.rtl_cycles == report.model_cycles and report.transfers >= transfers


@pytest.mark.parametrize("fixed", [CHAIN, MPU], ids=["chain", "mpu"])
def test_small_devices(fixed):
    check(verify("dsp_chain", fixed, seed=1, cases=2, engine="amaranth"), 60)


@SLOW
@pytest.mark.parametrize("component", ["chain", "mpu"])
@pytest.mark.parametrize("seed", range(2))
def test_random_devices(component, seed):
    check(verify("dsp_chain", {"component": component}, seed=seed, cases=4, configurations=6, engine="amaranth"), 1500)


@SLOW
@pytest.mark.parametrize("component", ["chain", "mpu"])
@pytest.mark.parametrize("mode", ["mm", "mv"])
@pytest.mark.parametrize("n", [1, 2, 4, 8])
def test_every_n_in_both_modes(component, mode, n):
    fixed = {"component": component, "m": 8, "length": 16, "group_length": 2, "n": n, "mode": mode, "columns": 2,
             "slices": 2}
    check(verify("dsp_chain", fixed, seed=n, cases=3, engine="amaranth"), 3 * 2 * 2 * n)


@SLOW
@pytest.mark.parametrize("fixed", [
    {"component": "chain", "length": 2, "m": 2, "group_length": 1, "o_depth": 1, "a_slots": 1, "w_slots": 1},
    {"component": "chain", "length": 16, "m": 16, "group_length": 8, "input_stages": 0, "preadd_stages": 0,
     "product_stages": 0},
    {"component": "mpu", "length": 2, "m": 2, "group_length": 2, "vpus": 1, "o_depth": 1, "a_slots": 1, "w_slots": 1},
    {"component": "mpu", "length": 12, "m": 4, "group_length": 3, "vpus": 3, "legal_n": [1, 4]}],
    ids=["smallest chain", "no registers, one N less", "smallest unit, dense only", "groups of three, two N"])
def test_corners_of_the_configuration(fixed):
    check(verify("dsp_chain", fixed, seed=3, cases=6, engine="amaranth"), 100)


@SLOW
def test_a_column_that_wraps_int32():
    """2,100 dense blocks of 64 inputs on one held slice, all -128: sums pass 2**31."""
    settings = {"component": "mpu", "vpus": 1, "length": 64, "group_length": 8, "m": 2, "n": 2, "o_depth": 1,
                "mode": "mm", "w_slots": 2, "columns": 1, "slices": 1, "values": "least", "repeats": 2100,
                "stalls": dict.fromkeys(("a__0", "w__0", "o"), 0)}
    assert 2100 * 64 << 14 > 1 << 31
    check(verify("dsp_chain", settings, seed=1, cases=1, engine="amaranth"), 4203)


@SLOW
@pytest.mark.parametrize("values", ["extreme", "any"])
def test_verilator_on_the_shipped_chain(values):
    """64 DSPs, groups of one: the longest way through the nodes."""
    settings = {"component": "chain", "length": 64, "group_length": 1, "m": 16, "values": values, "columns": 6,
                "slices": 5, "input_stages": 1, "preadd_stages": 1, "product_stages": 1, "a_slots": 2, "w_slots": 2,
                "o_depth": 4}
    check(verify("dsp_chain", settings, seed=5, cases=35, engine="verilator"), 10_000)


@SLOW
def test_verilator_on_the_shipped_unit():
    settings = {"component": "mpu", "preset": "small-2x8", "columns": 40, "slices": 4}
    check(verify("dsp_chain", settings, seed=5, cases=26, engine="verilator"), 20_000)


@SLOW
@pytest.mark.parametrize("config", [ChainConfig(), MpuConfig(length=16)], ids=["chain", "mpu"])
def test_the_verilog_is_lint_clean(config):
    text = emit_component(config)
    assert lint(text) == [] and "[-1:0]" not in text


@SLOW
@pytest.mark.parametrize("config", [
    ChainConfig.preset("small-8"), ChainConfig(length=2, m=2, group_length=2, product_stages=0, input_stages=0),
    MpuConfig.preset("small-2x8"), MpuConfig(vpus=1, length=4, m=4, group_length=4, o_depth=1)],
    ids=lambda config: f"{config.component} {config.length}")
def test_the_verilog_of_small_devices(config):
    """Clean, always the same, and with a primitive for each DSP in place of behaviour."""
    text = emit_component(config)
    assert lint(text) == [] and text == emit_component(config) and "[-1:0]" not in text
    primitive = emit_component(config, primitive=True)
    heads, cascaded = primitive.count("dsp_chain_dsp_head dsp"), primitive.count("dsp_chain_dsp_cascaded dsp")
    assert primitive.count("DSP48E2 #(") == 1 + (cascaded > 0) and heads == config.groups * config.chains
    assert heads + cascaded == config.length * config.chains and "DSP48E2" not in text
