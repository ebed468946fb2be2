"""Faults in what floating point and the change of dataflow add: each must be seen, and no constant may be smaller."""

import numpy as np
import pytest
from amaranth.hdl import Const
from faults import assert_caught, overridden

from hwsim.nm_array import times, timing
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.float_reference import BiasRelu
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.sparsity.ratio import DENSE
from rtl.nm_array import array, compute_engine, issue, load_engine, pe, results, skew
from rtl.nm_array.cases import Work
from rtl.nm_array.family import verify_programs
from rtl.verify import verify

pytestmark = pytest.mark.slow
ROOM = {"tile_depth": 8, "o_depth": 64, "a_slots": 6, "w_slots": 6, "q_slots": 4, "d_slots": 6, "shadow_weights": True}
FREE = {"stalls": dict.fromkeys("dawqo", 0)}
BOTH = ROOM | FREE | {
    "data_type": "bf16", "dataflow": "both", "rows": 3, "cols": 1, "multipliers": 1, "ratios": [], "product_stages": 0,
    "sum_stages": 4, "interleave": 4, "programs": 5, "gemm": {"m": 12, "k": 3, "n": 1, "groups": 1}}
WS, OS = BOTH | {"dataflow": "ws"}, BOTH | {"dataflow": "os"}
LOW = BOTH | {"rows": 2, "interleave": 1, "gemm": {"m": 2, "k": 2, "n": 2, "groups": 1}}
STEPS = WS | {"rows": 1, "ratios": ["2:4"], "n": 2, "m": 4, "gemm": {"m": 2, "k": 12, "n": 1, "groups": 1}}
SHORT = OS | {"gemm": {"m": 24, "k": 1, "n": 1, "groups": 1}}
TOP_ROW = BOTH | {"rows": 2, "cols": 2, "product_stages": 1, "programs": 6,
                  "gemm": {"m": 8, "k": 4, "n": 2, "groups": 1}}
CONTROLS = [BOTH, WS, OS, LOW, STEPS, SHORT, TOP_ROW, BOTH | {"shadow_weights": False}]
STALLED = {"stalls": {"a": 0.8, "d": 0.8}}


def run(settings):
    return verify("nm_array", settings, seed=2, cases=4, engine="amaranth")


@pytest.mark.parametrize("settings", CONTROLS)
def test_without_a_fault_everything_is_equal(settings):
    report = run(settings)
    assert report.passed and report.transfers > 100, report.summary()


def with_signal(monkeypatch, value, *path):
    """One signal of the engine stuck at a value."""
    def change(self, m):
        signal = self
        for name in path:
            signal = getattr(signal, name)
        return signal.eq(value)

    overridden(monkeypatch, [compute_engine, array], "ComputeEngine", change)


def skew_of_integers(monkeypatch):
    monkeypatch.setattr(skew.Skew, "of_rows", classmethod(lambda cls, config: cls(1)))


def skew_never_switched(monkeypatch):
    monkeypatch.setattr(skew.Skew, "of_rows", classmethod(lambda cls, config: cls(config.sum_latency)))


def nothing_captured(monkeypatch):
    with_signal(monkeypatch, 0, "control", "capture")


def drain_of_one_row(monkeypatch):
    overridden(monkeypatch, [pe, array], "Pe", lambda self, m: self.drain_out.eq(0))


def sums_never_rest(monkeypatch):
    with_signal(monkeypatch, 1, "control", "advance")


def nothing_cleared(monkeypatch):
    with_signal(monkeypatch, 0, "control", "clear")


def sums_always_first(monkeypatch):
    with_signal(monkeypatch, 1, "ws_result", "first")


def one_output_fewer(monkeypatch):
    whole = compute_engine.ComputeEngine
    monkeypatch.setattr(array, "ComputeEngine", lambda config: whole(config.replace(interleave=config.interleaved - 1)))


def no_bias(monkeypatch):
    whole = results.float_sum
    monkeypatch.setattr(results, "float_sum", lambda m, stages, x, y, name: whole(
        m, stages, x, Const(0, 32) if name == "bias" else y, name))


def no_relu(monkeypatch):
    whole = results.delayed
    monkeypatch.setattr(results, "delayed", lambda m, source, name, cycles=1: (
        Const(0, 1) if name == "relu" else whole(m, source, name, cycles)))


def os_results_tapped_early(monkeypatch):
    whole = array.grid_path
    monkeypatch.setattr(array, "grid_path", lambda config, dataflow: whole(config, dataflow) - (dataflow == "os"))


def results_joined_by_or(monkeypatch):
    """What a pass says of its parameters when it sends nothing joins the other dataflow's results."""
    monkeypatch.setattr(array, "Mux", lambda test, yes, no: yes | no)


def switch_without_waiting(monkeypatch):
    monkeypatch.setattr(compute_engine.ComputeEngine, "_settled", lambda self, m, busy, done: Const(1))


def weights_during_an_os_pass(monkeypatch):
    whole = array.NmArray._connect_engines

    def connect(self, m):
        whole(self, m)
        m.d.comb += self.load.output_stationary.eq(0)

    monkeypatch.setattr(array.NmArray, "_connect_engines", connect)


def release_of_integers_in_model(monkeypatch):
    monkeypatch.setattr(times.Times, "a_release", property(lambda self: self.slot + self.program.config.rows))


FAULTS = [
    (skew_of_integers, WS), (skew_never_switched, BOTH), (nothing_captured, OS), (drain_of_one_row, OS),
    (sums_never_rest, OS | STALLED | {"gemm": {"m": 12, "k": 8, "n": 1, "groups": 1}}), (nothing_cleared, OS),
    (sums_always_first, WS | {"gemm": {"m": 6, "k": 9, "n": 1, "groups": 1}}), (one_output_fewer, OS), (no_bias, WS),
    (no_relu, OS), (os_results_tapped_early, BOTH), (results_joined_by_or, LOW),
    (switch_without_waiting, BOTH), (weights_during_an_os_pass, BOTH),
    (release_of_integers_in_model, WS | {"a_slots": 1, "gemm": {"m": 12, "k": 9, "n": 1, "groups": 1}})]


@pytest.mark.parametrize(("fault", "settings"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_each_fault_is_caught(monkeypatch, fault, settings):
    fault(monkeypatch)
    assert_caught(run(settings))


TIGHT = [
    ("weight_gap", load_engine, WS | {"gemm": {"m": 4, "k": 12, "n": 1, "groups": 1}}),
    ("weight_gap", load_engine, BOTH | {"shadow_weights": False}),
    ("reuse_cycles", issue, STEPS), ("drain_cycles", compute_engine, SHORT), ("switch_cycles", compute_engine, BOTH),
    ("switch_cycles", compute_engine, BOTH | {"interleave": 1}), ("switch_cycles", compute_engine, TOP_ROW)]


@pytest.mark.parametrize(("constant", "user", "settings"), TIGHT, ids=[f"{t[0]}{i}" for i, t in enumerate(TIGHT)])
def test_no_wait_is_longer_than_it_must_be(monkeypatch, constant, user, settings):
    """One cycle less in RTL and model alike: the cycles agree, the values do not."""
    whole = getattr(timing, constant)
    for module in (timing, user):
        monkeypatch.setattr(module, constant, lambda config: whole(config) - 1)
    report = run(settings)
    assert report.value_mismatches > 0, report.summary()


def stale_infinities():
    """Infinite weights in all rows, then a tile of K that needs only the first of them."""
    config = NmArrayConfig(**{key: BOTH[key] for key in (*ROOM, "rows", "cols", "data_type", "sum_stages")}, ratios=())
    infinite, one = 0x7F80, 0x3F80
    works = []
    for k, weight in ((3, infinite), (1, one)):
        shape = Shape(m=6, k=k, n=1)
        program = lower(config, shape, DENSE, Tiling(beats=6))
        works.append(Work(program=program, a=np.full((1, 6, k), one, np.uint16),
                          w=np.full((1, k, 1), weight, np.uint16), rq=[BiasRelu.none(1)]))
    return works


def test_rows_beyond_the_tile_take_no_part_whatever_they_hold(monkeypatch):
    assert verify_programs(stale_infinities(), engine="amaranth").passed
    whole = array.NmArray._row_controls

    def ungated(self, m):
        controls = whole(self, m)
        for control in controls[1:]:
            m.d.comb += control.valid.eq(controls[0].valid)
        return controls

    monkeypatch.setattr(array.NmArray, "_row_controls", ungated)
    report = verify_programs(stale_infinities(), engine="amaranth")
    assert report.value_mismatches > 0 and report.cycle_mismatches == 0


def test_the_tree_adds_neighbours(monkeypatch):
    """(2**24 + 1) + (1 - 2**24) is 1 in FP32; (2**24 - 2**24) + (1 + 1) would be 2."""
    config = NmArrayConfig(rows=1, cols=1, multipliers=4, ratios=(), dataflow="os", data_type="fp16", tile_depth=4,
                           sum_stages=1, o_depth=4)
    program = lower(config, Shape(m=1, k=4, n=1), DENSE, Tiling(beats=1))
    a, w = (np.array(v, np.float16).view(np.uint16) for v in ([[[4096, 1, 1, 4096]]], [[[4096], [1], [1], [-4096]]]))
    work = Work(program=program, a=a, w=w, rq=[BiasRelu.none(1)])
    assert verify_programs([work], engine="amaranth").passed
    whole = pe.product_sum
    monkeypatch.setattr(pe, "product_sum", lambda m, config, pairs, valid: whole(
        m, config, [pairs[i] for i in (0, 3, 1, 2)], valid))
    assert verify_programs([work], engine="amaranth").value_mismatches == 1
