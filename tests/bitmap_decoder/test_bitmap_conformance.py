"""RTL of the bitmap components takes exactly the cycles of the model and gives exactly the bits of the reference."""

import pytest

from hwsim.bitmap_decoder.config import DecoderConfig, DotConfig
from rtl.bitmap_decoder.emit import emit_component
from rtl.verify import verify
from rtl.verilog import lint

SLOW = pytest.mark.slow
SMALL = {"component": "decoder", "tile": 8, "lanes": 4, "pad": 2, "beat_values": 4, "data_type": "int8"}

SMALL_DOT = {"component": "dot", "tile": 8, "macs": 2, "cols": 1, "pad": 2, "beat_values": 4, "data_type": "int8",
             "x_depth": 32, "product_stages": 1, "sum_stages": 1}


def check(report, transfers):
    assert report.passed, report.summary() + "".join(f"\n{failure}" for failure in report.failures)
    wrong = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert wrong == (0, 0, 0, 0) and report.rtl_cycles == report.model_cycles and report.transfers >= transfers


@pytest.mark.parametrize("fixed", [
    {"lanes": 3}, *(pytest.param(each, marks=SLOW) for each in ({}, {"tile": 9, "lanes": 9, "pad": 3, "beat_values": 3},
                                                                {"tile": 11, "pad": 7, "beat_values": 14}))],
    ids=["lanes do not divide", "dividing", "a tile a beat", "nothing divides"])
def test_small_decoders(fixed):
    check(verify("bitmap_decoder", SMALL | fixed, seed=1, cases=2, engine="amaranth"), 80)


def test_a_small_dot_product():
    check(verify("bitmap_decoder", SMALL_DOT, seed=1, cases=2, engine="amaranth"), 100)


@SLOW
def test_the_smallest_decoder():
    fixed = {"component": "decoder", "tile": 8, "lanes": 1, "pad": 1, "beat_values": 1, "buffer_beats": 1, "b_slots": 1,
             "o_depth": 1, "data_type": "int8"}
    check(verify("bitmap_decoder", fixed, seed=2, cases=2, engine="amaranth"), 100)


@SLOW
@pytest.mark.parametrize("seed", range(2))
def test_random_decoders(seed):
    check(verify("bitmap_decoder", {"component": "decoder"}, seed=seed, cases=4, configurations=8, engine="amaranth"),
          2000)


@SLOW
def test_the_smallest_dot_product():
    fixed = {"component": "dot", "tile": 8, "macs": 1, "cols": 1, "pad": 1, "beat_values": 1, "buffer_beats": 1,
             "b_slots": 1, "o_depth": 1, "data_type": "int8", "x_depth": 1, "elements": 1, "product_stages": 0,
             "sum_stages": 0}
    check(verify("bitmap_decoder", fixed, seed=2, cases=4, engine="amaranth"), 50)


@SLOW
def test_random_dot_products_of_whole_numbers():
    fixed = {"component": "dot", "data_type": "int8"}
    check(verify("bitmap_decoder", fixed, seed=1, cases=3, configurations=6, engine="amaranth"), 1000)


@SLOW
@pytest.mark.parametrize("macs", [1, 4])
def test_float_dot_products(macs):
    fixed = {"component": "dot", "data_type": "fp16", "macs": macs, "cols": 1, "tile": 9, "x_depth": 32}
    check(verify("bitmap_decoder", fixed, seed=macs, cases=4, engine="amaranth"), 200)


@SLOW
@pytest.mark.parametrize("component", [SMALL, SMALL_DOT], ids=["decoder", "dot"])
@pytest.mark.parametrize("density", [0, 0.05, 0.5, 1])
def test_every_density(component, density):
    check(verify("bitmap_decoder", component | {"density": density}, seed=3, cases=4, engine="amaranth"), 120)


@SLOW
def test_verilator_on_the_shipped_decoder():
    settings = {"component": "decoder", "preset": "mustafar-8", "rows": 6}
    check(verify("bitmap_decoder", settings, seed=5, cases=130, engine="verilator"), 20_000)


@SLOW
def test_verilator_on_the_shipped_dot_product():
    settings = {"component": "dot", "tile": 16, "pad": 3, "beat_values": 6, "macs": 4, "cols": 2, "x_depth": 64,
                "data_type": "fp16", "product_stages": 2, "sum_stages": 2}
    check(verify("bitmap_decoder", settings, seed=5, cases=180, engine="verilator"), 20_000)


@SLOW
@pytest.mark.parametrize("config", [
    DecoderConfig(), DecoderConfig(tile=9, lanes=4, pad=3, beat_values=6, buffer_beats=6, b_slots=1, o_depth=1),
    DecoderConfig(tile=8, lanes=1, pad=1, beat_values=1, data_type="int8", o_depth=1, b_slots=1, buffer_beats=1),
    DotConfig(tile=16, pad=4, macs=4, cols=2, x_depth=32),
    DotConfig(tile=9, macs=1, x_depth=1, pad=1, beat_values=1, b_slots=1, o_depth=1, buffer_beats=1, product_stages=0,
              sum_stages=0, data_type="int8")], ids=lambda config: f"{config.component} {config.tile}")
def test_the_verilog_is_lint_clean_and_always_the_same(config):
    text = emit_component(config)
    assert lint(text) == [] and text == emit_component(config) and "[-1:0]" not in text
