"""RTL of the dequantiser takes exactly the cycles of the model and gives exactly the bits of the reference."""

import pytest

from hwsim.dsp_chain.dequant.config import WIDTHS, DequantConfig
from rtl.dsp_chain.family import emit_component
from rtl.verify import verify
from rtl.verilog import lint

SLOW = pytest.mark.slow
DEQUANT = {"component": "dequant"}
SMALL = DEQUANT | {"word": 16, "lanes": 2, "group": 4, "multiplier_bits": 6, "most_shift": 7}


def check(report, transfers):
    assert report.passed, report.summary() + "".join(f"\n{failure}" for failure in report.failures)
    wrong = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert wrong == (0, 0, 0, 0) and report.rtl_cycles == report.model_cycles and report.transfers >= transfers


@pytest.mark.parametrize("fixed", [{}, pytest.param({"word": 8, "lanes": 8, "group": 8}, marks=SLOW),
                                   pytest.param({"word": 64, "lanes": 1, "group": 3}, marks=SLOW)],
                         ids=["beats in words", "words in beats", "one lane"])
def test_small_units(fixed):
    check(verify("dsp_chain", SMALL | fixed, seed=1, cases=3, engine="amaranth"), 150)


@SLOW
@pytest.mark.parametrize("width", WIDTHS)
def test_every_width(width):
    check(verify("dsp_chain", SMALL | {"width": width}, seed=2, cases=4, engine="amaranth"), 150)


@SLOW
def test_the_smallest_unit():
    fixed = DEQUANT | {"word": 8, "lanes": 1, "group": 1, "multiplier_bits": 1, "most_shift": 2, "buffer_words": 2,
                       "h_slots": 1, "s_slots": 1, "o_depth": 1}
    check(verify("dsp_chain", fixed, seed=2, cases=4, engine="amaranth"), 100)


@SLOW
@pytest.mark.parametrize("seed", range(2))
def test_random_units(seed):
    check(verify("dsp_chain", DEQUANT, seed=seed, cases=4, configurations=15, engine="amaranth"), 3000)


@SLOW
def test_the_longest_tensor():
    """As many weights as the configuration allows, and as many again right behind them."""
    settings = DEQUANT | {"word": 64, "lanes": 16, "group": 64, "buffer_words": 4, "most_weights": 65535,
                          "weights": 65535, "width": 8, "tensors": 2, "stalls": dict.fromkeys("hwso", 0)}
    check(verify("dsp_chain", settings, seed=1, cases=1, engine="amaranth"), 2 * (8192 + 4096 + 1024 + 1))


@SLOW
@pytest.mark.parametrize("preset", ["lanes-16", "small-4"])
def test_verilator_on_the_shipped_unit(preset):
    settings = DEQUANT | {"preset": preset, "tensors": 16}
    check(verify("dsp_chain", settings, seed=5, cases=100, engine="verilator"), 20_000)


@SLOW
@pytest.mark.parametrize("config", [
    DequantConfig(), DequantConfig(word=8, lanes=64, group=64, buffer_words=64),
    DequantConfig(word=512, lanes=2, group=4, buffer_words=2),
    DequantConfig(word=8, lanes=1, group=1, multiplier_bits=1, most_shift=2, buffer_words=2, h_slots=1, s_slots=1,
                  o_depth=1, most_weights=1)], ids=lambda config: f"{config.word} {config.lanes}")
def test_the_verilog_is_lint_clean_and_always_the_same(config):
    text = emit_component(config)
    assert lint(text) == [] and text == emit_component(config) and "[-1:0]" not in text
    assert text.count("module dsp_chain_lane(") == 1 and text.count("dsp_chain_lane lane") == config.lanes
