"""RTL of the pruner takes exactly the cycles of the model and gives exactly the bits of the reference."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hwsim.bitmap_decoder.pruner.config import PrunerConfig
from hwsim.bitmap_decoder.pruner.model import pruner_network
from hwsim.bitmap_decoder.pruner.vectors import Batch
from rtl.bench import build_bench
from rtl.bitmap_decoder.component import component_of
from rtl.bitmap_decoder.emit import convert, emit_component
from rtl.bitmap_decoder.pruner.cases import INPUTS, OUTPUTS, pruner_case
from rtl.bitmap_decoder.pruner.tokens import descriptor_token
from rtl.parts.stop import Fault
from rtl.verify import verify
from rtl.verify.compare import compare
from rtl.verilog import lint

SLOW = pytest.mark.slow
SMALL = {"component": "pruner", "tile": 8, "lanes": 4, "pad": 2, "beat_values": 4, "data_type": "int8", "length": 12}
TURNED = SMALL | {"side": "keys"}
TINY = PrunerConfig(tile=8, lanes=4, pad=2, beat_values=4, data_type="int8", length=12, p_slots=1)


def check(report, transfers):
    assert report.passed, report.summary() + "".join(f"\n{failure}" for failure in report.failures)
    wrong = (report.value_mismatches, report.cycle_mismatches, report.protocol_violations, report.unfinished)
    assert wrong == (0, 0, 0, 0) and report.rtl_cycles == report.model_cycles and report.transfers >= transfers


@pytest.mark.parametrize("fixed", [
    pytest.param({}, id="dividing"), pytest.param({"lanes": 3, "tile": 9, "pad": 3, "beat_values": 3},
                                                  id="a beat of three", marks=pytest.mark.slow)])
def test_small_pruners(fixed):
    check(verify("bitmap_decoder", SMALL | fixed, seed=1, cases=2, engine="amaranth"), 100)


def test_a_small_pruner_of_keys():
    fixed = TURNED | {"length": 8, "rows": 18, "jobs": 2}
    check(verify("bitmap_decoder", fixed, seed=1, cases=1, engine="amaranth"), 100)


@SLOW
@pytest.mark.parametrize("side", ["values", "keys"])
def test_the_smallest_pruner(side):
    fixed = {"component": "pruner", "side": side, "tile": 8, "lanes": 1, "pad": 1, "beat_values": 1, "buffer_beats": 1,
             "b_slots": 1, "o_depth": 1, "p_slots": 1, "length": 1, "digit_bits": 1, "data_type": "int8"}
    check(verify("bitmap_decoder", fixed, seed=2, cases=4, engine="amaranth"), 60)


@SLOW
@pytest.mark.parametrize("seed", range(2))
def test_random_pruners(seed):
    check(verify("bitmap_decoder", {"component": "pruner"}, seed=seed, cases=2, configurations=6, engine="amaranth"),
          4000)


@SLOW
@pytest.mark.parametrize("density", [0, 0.3, 1])
@pytest.mark.parametrize("values", ["small", "special"])
def test_every_density(density, values):
    fixed = SMALL | {"density": density, "values": values, "data_type": "fp16"}
    check(verify("bitmap_decoder", fixed, seed=3, cases=5, engine="amaranth"), 200)


@SLOW
@pytest.mark.parametrize("fixed", [{}, {"tile": 9, "lanes": 8}, {"tile": 9, "lanes": 3, "b_slots": 1, "o_depth": 1}],
                         ids=["dividing", "a chunk of one token", "smallest queues"])
def test_keys(fixed):
    check(verify("bitmap_decoder", TURNED | fixed, seed=4, cases=6, engine="amaranth"), 1000)


@SLOW
@pytest.mark.parametrize("side", ["values", "keys"])
def test_a_batch_of_more_than_65536_values(side):
    """8,200 vectors, of each of which all eight elements are kept: offsets need more than 16 bits."""
    fixed = {"component": "pruner", "side": side, "tile": 8, "lanes": 8, "pad": 8, "beat_values": 8,
             "data_type": "int8", "length": 8, "elements": 8, "digit_bits": 4, "buffer_beats": 8, "b_slots": 4,
             "o_depth": 4, "jobs": 1, "rows": 8200, "density": 1, "stalls": dict.fromkeys("pihbcv", 0)}
    check(verify("bitmap_decoder", fixed, seed=1, cases=1, engine="amaranth"), 4 * 8200)


@SLOW
def test_verilator_on_keys():
    settings = {"component": "pruner", "preset": "int8-small", "side": "keys"}
    check(verify("bitmap_decoder", settings, seed=7, cases=16, engine="verilator"), 5_000)


@SLOW
def test_verilator_on_the_shipped_pruner():
    settings = {"component": "pruner", "preset": "mustafar-8"}
    check(verify("bitmap_decoder", settings, seed=5, cases=64, engine="verilator"), 10_000)


@SLOW
@pytest.mark.parametrize("config", [
    PrunerConfig(), PrunerConfig(tile=9, lanes=4, pad=3, beat_values=6, length=40, b_slots=5),
    PrunerConfig(tile=9, lanes=4, pad=3, beat_values=6, length=20, b_slots=1, side="keys"),
    PrunerConfig(tile=8, lanes=1, pad=1, beat_values=1, length=1, digit_bits=4, data_type="int8", o_depth=1, b_slots=1,
                 buffer_beats=1, p_slots=1)])
def test_the_verilog_is_lint_clean_and_always_the_same(config):
    text = emit_component(config)
    assert lint(text) == [] and text == emit_component(config) and "[-1:0]" not in text


@cache
def tiny_bench(config):
    return build_bench(lambda: component_of(config), engine="amaranth", name="bitmap_decoder", verilog=convert)


BAD = [("no elements", "values", (0, 0, 1)), ("too many elements", "values", (13, 1, 1)),
       ("more kept than there are", "values", (5, 6, 1)), ("no vectors", "values", (5, 1, 0)),
       ("no keys", "keys", (5, 1, 0))]


@pytest.mark.parametrize(("name", "side", "fields"), BAD, ids=[name for name, *_ in BAD])
def test_a_bad_descriptor_stops_the_device_and_what_came_before_is_finished(name, side, fields):
    """The second descriptor of two is bad: it is taken from the queue in the cycle of the first batch's last beat."""
    config = TINY.replace(side=side)
    vectors = np.arange(1, 23, dtype=np.int8).reshape(2, 11)
    batch = Batch(config=config, vectors=vectors, keep=4)
    case = pruner_case([batch])
    start = pruner_network([batch, batch]).solve().start
    tokens = {"p": [*case.stimulus.tokens["p"], descriptor_token(config, *fields), descriptor_token(config, 1, 1, 1)],
              "i": case.stimulus.tokens["i"] * 2}
    wrong = replace(case.stimulus, tokens=tokens, expect={**case.stimulus.expect, "error": 1}, limit=case.cycles + 200)
    broken, again = tiny_bench(config).run([wrong, replace(case.stimulus, limit=case.cycles + 200)])
    assert broken.value["error"] == [Fault.HEADER] and broken.cycle["error"].tolist() == [start["start"][1] + 1]
    assert broken.cycle["p"].tolist() == start["p"].tolist() and not broken.violations
    for port in ("i", *OUTPUTS):
        assert broken.cycle[port].tolist() == case.cycle[port].tolist()
        assert port in INPUTS or broken.value[port] == case.value[port]
    assert compare(case, again).equal  # after a reset
