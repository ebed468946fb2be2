"""RTL of the bitmap components takes exactly the cycles of the model and gives exactly the bits of the reference."""

import numpy as np
import pytest

from hwsim.bitmap_decoder.config import DecoderConfig
from rtl.bitmap_decoder.emit import emit_component
from rtl.verify import verify
from rtl.verilog import lint

SLOW = pytest.mark.slow
SMALL = {"component": "decoder", "tile": 8, "lanes": 4, "pad": 2, "beat_values": 4, "data_type": "int8"}


def check(report, transfers):
    assert report.passed, report.summary() + "".join(f"\n{failure}" for failure in report.failures)
    wrong = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert wrong == (0, 0, 0, 0) and report.rtl_cycles == report.model_cycles and report.transfers >= transfers


@pytest.mark.parametrize("fixed", [{}, {"lanes": 3}, {"tile": 9, "lanes": 9, "pad": 3, "beat_values": 3}],
                         ids=["dividing", "lanes do not divide", "a tile a beat"])
def test_small_decoders(fixed):
    check(verify("bitmap_decoder", SMALL | fixed, seed=1, cases=3, engine="amaranth"), 100)


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
@pytest.mark.parametrize("density", [0, 0.05, 0.5, 1])
def test_every_density(density):
    check(verify("bitmap_decoder", SMALL | {"density": density}, seed=3, cases=6, engine="amaranth"), 200)


@SLOW
def test_verilator_on_the_shipped_decoder():
    settings = {"component": "decoder", "preset": "mustafar-8", "rows": 6}
    check(verify("bitmap_decoder", settings, seed=5, cases=130, engine="verilator"), 20_000)


@SLOW
@pytest.mark.parametrize("config", [
    DecoderConfig(), DecoderConfig(tile=9, lanes=4, pad=3, beat_values=6, buffer_beats=6, b_slots=1, o_depth=1),
    DecoderConfig(tile=8, lanes=1, pad=1, beat_values=1, data_type="int8", o_depth=1, b_slots=1, buffer_beats=1)])
def test_the_verilog_is_lint_clean_and_always_the_same(config):
    text = emit_component(config)
    assert lint(text) == [] and text == emit_component(config) and "[-1:0]" not in text


def test_the_component_is_drawn_when_it_is_not_said():
    from rtl.bitmap_decoder.random_configuration import draw_configuration

    drawn = {draw_configuration({}, np.random.default_rng(seed)).component for seed in range(20)}
    assert drawn == {"decoder", "dot"}
