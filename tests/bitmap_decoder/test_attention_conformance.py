"""RTL of attention takes exactly the cycles of the model and gives exactly the bits of the reference."""

from dataclasses import replace

import numpy as np
import pytest
from attention_cases import TINY, normal, query_over

from hwsim.bitmap_decoder.attention.config import AttentionConfig
from hwsim.bitmap_decoder.attention.query import query_of
from rtl.bench import build_bench
from rtl.bitmap_decoder.attention import layouts
from rtl.bitmap_decoder.attention.cases import attention_case
from rtl.bitmap_decoder.component import component_of
from rtl.bitmap_decoder.emit import convert, emit_component
from rtl.bitmap_decoder.layouts import value_beat
from rtl.parts.stop import Fault
from rtl.verify import run_cases, verify
from rtl.verilog import lint

SLOW = pytest.mark.slow
ATTENTION = {"component": "attention"}
UNPADDED = TINY.replace(pad=1)


def check(report, transfers):
    assert report.passed, report.summary() + "".join(f"\n{failure}" for failure in report.failures)
    wrong = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert wrong == (0, 0, 0, 0) and report.rtl_cycles == report.model_cycles and report.transfers >= transfers


def test_a_small_unit():
    fixed = ATTENTION | {"preset": "small-8", "queries": 1, "blocks": 2, "tokens": 3, "values": "close",
                         "stalls": dict.fromkeys("hqbvos", 0.2)}
    check(verify("bitmap_decoder", fixed, seed=2, cases=1, engine="amaranth"), 40)


@SLOW
@pytest.mark.parametrize("seed", range(3))
def test_random_units(seed):
    check(verify("bitmap_decoder", ATTENTION, seed=seed, cases=2, configurations=3, engine="amaranth"), 600)


@SLOW
@pytest.mark.parametrize("values", ["usual", "any"])
def test_whole_numbers(values):
    fixed = ATTENTION | {"preset": "small-8-int8", "values": values, "queries": 2, "multiply_stages": 1}
    check(verify("bitmap_decoder", fixed, seed=9, cases=2, engine="amaranth"), 200)


@SLOW
@pytest.mark.parametrize("density", [0, 0.1, 1])
def test_every_density(density):
    fixed = ATTENTION | {"preset": "small-8", "density": density, "queries": 2}
    check(verify("bitmap_decoder", fixed, seed=3, cases=2, engine="amaranth"), 100)


@SLOW
def test_verilator_on_a_small_unit():
    check(verify("bitmap_decoder", ATTENTION | {"preset": "small-8"}, seed=5, cases=60, engine="verilator"), 7500)


@SLOW
def test_verilator_on_a_small_unit_of_whole_numbers():
    check(verify("bitmap_decoder", ATTENTION | {"preset": "small-8-int8"}, seed=6, cases=60, engine="verilator"), 7500)


@SLOW
def test_verilator_on_a_sequence_as_mustafar_keeps_it():
    """200 tokens of a head with 64 channels: two compressed blocks, two dense ones; half the elements are zeros."""
    config, rng = AttentionConfig.preset("mustafar-64", macs=2), np.random.default_rng(7)
    keys, values = normal((200, 64), rng), normal((200, 64), rng)
    kept = rng.random(keys.shape) < 0.5, rng.random(keys.shape) < 0.5
    query = query_of(config, normal(64, rng), keys, values, kept)
    bench = build_bench(lambda: component_of(config), engine="verilator", name="bitmap_decoder", verilog=convert)
    [found] = run_cases(bench, [attention_case([query, query])])
    assert found.equal, found.differences
    assert found.transfers > 5000


@SLOW
@pytest.mark.parametrize("config", [
    AttentionConfig.preset("small-8"), AttentionConfig.preset("small-8-int8"),
    AttentionConfig(tile=9, pad=3, beat_values=6, channels=9, macs=1, o_depth=1, b_slots=1, product_stages=0,
                    sum_stages=0, multiply_stages=0),
    AttentionConfig(tile=13, pad=1, beat_values=1, channels=26, macs=8, buffer_beats=20, sum_stages=4)])
def test_the_verilog_is_lint_clean_and_always_the_same(config):
    text = emit_component(config)
    assert lint(text) == [] and text == emit_component(config) and "[-1:0]" not in text


def header(token, **fields):
    for name, value in fields.items():
        field = layouts.header(UNPADDED)[name]
        token = token & ~(((1 << field.width) - 1) << field.offset) | value << field.offset
    return token


def with_header(**fields):
    return lambda tokens: {**tokens, "h": [tokens["h"][0], header(tokens["h"][1], **fields)]}


def bitmap_changed(tokens):
    """Of the last tile, whose bits are all inside."""
    last = tokens["b"][-1]
    return {**tokens, "b": [*tokens["b"][:-1], last ^ 0x80]}


def behind_the_tokens(tokens):
    """The first tile of the second block is one of keys of five tokens."""
    bitmaps = list(tokens["b"])
    bitmaps[8 + 8] |= 1
    return {**tokens, "b": bitmaps}


def last_flag(number):
    def change(tokens):
        values = list(tokens["v"])
        values[number] ^= 1 << value_beat(UNPADDED)["last"].offset
        return {**tokens, "v": values}
    return change


@pytest.fixture(scope="module")
def bench():
    return build_bench(lambda: component_of(UNPADDED), engine="amaranth", name="bitmap_decoder", verilog=convert)


@SLOW
@pytest.mark.parametrize(("change", "faults"), [
    (with_header(tokens=0), [Fault.HEADER]), (with_header(tokens=9), [Fault.HEADER]),
    (with_header(first=1), [Fault.HEADER]), (behind_the_tokens, [Fault.BITMAP]),
    (bitmap_changed, [Fault.TOO_FEW, Fault.TOO_MANY]), (last_flag(-1), [Fault.OVERLONG]),
    (last_flag(-2), [Fault.TRUNCATED])],
    ids=["no tokens", "too many tokens", "a second first", "ones behind the tokens", "another number of ones",
         "last missing", "last too early"])
def test_the_unit_stops_and_says_why(bench, change, faults):
    case = attention_case([query_over(UNPADDED, [8, 5], np.random.default_rng(8), 0.5)])
    wrong = replace(case.stimulus, tokens=change(case.stimulus.tokens), limit=case.cycles + 200,
                    expect={**case.stimulus.expect, "error": 1})
    [broken] = bench.run([wrong])
    assert broken.value["error"] in [[fault] for fault in faults] and not broken.violations
    assert broken.value["o"] == [] and broken.value["s"] == []
    for port in ("h", "q", "b", "v"):
        assert broken.cycle[port].tolist() == case.cycle[port][:len(broken.cycle[port])].tolist()
        assert all(broken.cycle[port] <= broken.cycle["error"][0])
