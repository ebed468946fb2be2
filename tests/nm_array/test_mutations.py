"""Faults put into the RTL, the model or the reference: the comparison that ``hwsim verify`` makes must see each."""

import pytest
from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from faults import assert_caught, overridden, withdrawn

from hwsim.nm_array import model, times, timing
from hwsim.nm_array import reference as reference_module
from rtl.nm_array import array, cases, compute_engine, load_engine, pe, results, tile_buffer, tokens
from rtl.verify import verify

SMALL = {"rows": 2, "cols": 2, "tile_depth": 3, "o_depth": 4, "ratios": ["2:4"], "multipliers": 1, "a_slots": 2,
         "w_slots": 2, "q_slots": 2, "product_stages": 1, "shadow_weights": True, "d_slots": 3, "n": 2, "m": 4,
         "gemm": {"m": 7, "k": 18, "n": 5, "groups": 1}}
WS, OS = SMALL | {"dataflow": "ws"}, SMALL | {"dataflow": "os"}
CASES = 3


def run(settings):
    return verify("nm_array", settings, seed=5, cases=CASES, engine="amaranth")


def always_ready(monkeypatch):
    overridden(monkeypatch, [tile_buffer, array], "TileBuffer", lambda self, m: self.i.ready.eq(1))


def dropped_product(monkeypatch):
    whole = pe.Pe._product_sum
    monkeypatch.setattr(pe.Pe, "_product_sum", lambda self, m, w: Mux(self.control_in.step == 1, 0, whole(self, m, w)))


def late_results(monkeypatch):
    whole = results.ResultBuffer

    class Late(wiring.Component):
        def __init__(self, config, make):
            self.inner = whole(config, make)
            super().__init__(self.inner.signature)

        def elaborate(self, platform):
            m = Module()
            m.submodules.inner = inner = self.inner
            wiring.connect(m, inner.o, wiring.flipped(self.o))
            m.d.comb += self.left.eq(inner.left)
            for c in range(len(self.y)):
                m.d.sync += [inner.y[c].eq(self.y[c]), inner.y_valid[c].eq(self.y_valid[c])]
            return m

    monkeypatch.setattr(array, "ResultBuffer", Late)


def early_model(monkeypatch):
    whole = timing.first_result  # the model's alone: the RTL builds its path from `timing.finish`
    monkeypatch.setattr(timing, "first_result", lambda schedule, slot: whole(schedule, slot) - 1)


def slow_handover_in_model(monkeypatch):
    for module in (model, times):
        monkeypatch.setattr(module, "HANDOVER", module.HANDOVER + 1)


def early_release_in_model(monkeypatch):
    monkeypatch.setattr(times.Times, "a_release", property(lambda self: self.slot + self.program.config.rows - 1))


def swapped_metadata(monkeypatch):
    whole = pe.Pe._operand
    monkeypatch.setattr(pe.Pe, "_operand", lambda self, m, mode, slot, index: whole(self, m, mode, slot, index ^ 1))


def saturation_the_wrong_way(monkeypatch):
    monkeypatch.setattr(results, "clamp", lambda v, low, high: Mux(v < low, high, Mux(v > high, low, v)))


def rounding_half_up(monkeypatch):
    def half_up(value, shift):
        return value >> shift, ((value << 1) >> shift)[0]

    monkeypatch.setattr(results, "round_half_even", half_up)


def missing_release(monkeypatch):
    overridden(monkeypatch, [compute_engine, array], "ComputeEngine", lambda self, m: self.a_release.eq(0))


def accumulates_what_is_first(monkeypatch):
    def change(self, m):
        m.d.comb += (self.ws_result.first if self.ws else self.control.clear).eq(0)

    overridden(monkeypatch, [compute_engine, array], "ComputeEngine", change)


def forgets_the_sum(monkeypatch):
    overridden(monkeypatch, [compute_engine, array], "ComputeEngine",
               lambda self, m: self.ws_result.first.eq(1))


def one_credit_too_many(monkeypatch):
    whole = compute_engine.ComputeEngine
    monkeypatch.setattr(array, "ComputeEngine", lambda config: whole(config.replace(o_depth=config.o_depth + 1)))


def skew_of_the_last_row(monkeypatch):
    whole = array.NmArray._row_controls
    monkeypatch.setattr(array.NmArray, "_row_controls", lambda self, m: [*(c := whole(self, m))[:-1], c[-2]])


def skew_of_the_last_column_of_weights(monkeypatch):
    whole = array.NmArray._load_controls
    monkeypatch.setattr(array.NmArray, "_load_controls", lambda self, m: [*(c := whole(self, m))[:-1], c[-2]])


def stale_parameters(monkeypatch):
    whole = array.NmArray._columns

    def columns(self, m):
        whole(self, m)
        m.d.comb += self.q_buffer.slot.eq(0)

    monkeypatch.setattr(array.NmArray, "_columns", columns)


def load_ignores_shadow_occupancy(monkeypatch):
    def change(self, m):
        m.d.comb += self.i.ready.eq((self.w_filled >= self.i.payload.w_take) & ~self.valid)

    overridden(monkeypatch, [load_engine, array], "LoadEngine", change)


def load_ignores_weights_in_use(monkeypatch):
    whole = load_engine.LoadEngine
    monkeypatch.setattr(array, "LoadEngine", lambda config: whole(config.replace(shadow_weights=True)))


def withdrawn_offer(monkeypatch):
    overridden(monkeypatch, [results, array], "ResultBuffer", withdrawn)


def ring_too_short(monkeypatch):
    whole = results.ResultBuffer
    monkeypatch.setattr(array, "ResultBuffer", lambda config, make: whole(config.replace(o_depth=config.o_depth - 1),
                                                                           make))


def drain_without_padding(monkeypatch):
    monkeypatch.setattr(compute_engine, "drain_cycles", lambda config: 1)


def early_swap(monkeypatch):
    overridden(monkeypatch, [compute_engine, array], "ComputeEngine", lambda self, m: self.control.swap.eq(1))


def starts_without_operands(monkeypatch):
    """The engine believes that activations are always there."""
    whole = array.NmArray._connect_engines

    def connect(self, m):
        whole(self, m)
        m.d.comb += self.compute.a_filled.eq(1)

    monkeypatch.setattr(array.NmArray, "_connect_engines", connect)


def reads_in_the_second_step(monkeypatch):
    """Late by one step: the first step of each beat meets the word of the beat before."""
    overridden(monkeypatch, [compute_engine, array], "ComputeEngine",
               lambda self, m: self.read.eq(self.control.valid & (self.control.step == 1)))


def reference_off_by_one(monkeypatch):
    whole = reference_module.accumulate
    monkeypatch.setattr(reference_module, "accumulate", lambda a, w: whole(a, w) + 1)


def result_lost(monkeypatch):
    monkeypatch.setattr(cases, "result_tokens", lambda beats: [*tokens.result_tokens(beats), 0])


WIDE = {"gemm": {"m": 7, "k": 18, "n": 30, "groups": 1}}  # many channels, so that ties occur
FREE = {"stalls": dict.fromkeys("dawqo", 0)}
BACKED_UP = {"stalls": dict.fromkeys("dawq", 0) | {"o": 0.9}}
FAULTS = [
    (always_ready, WS), (dropped_product, WS), (dropped_product, OS), (late_results, WS), (early_model, WS),
    (early_model, OS), (slow_handover_in_model, WS), (early_release_in_model, WS | FREE | {"a_slots": 1}),
    (swapped_metadata, WS), (saturation_the_wrong_way, WS), (rounding_half_up, OS | WIDE), (missing_release, WS),
    (accumulates_what_is_first, WS), (accumulates_what_is_first, OS), (forgets_the_sum, WS),
    (one_credit_too_many, WS | BACKED_UP), (one_credit_too_many, OS | BACKED_UP), (skew_of_the_last_row, WS),
    (skew_of_the_last_column_of_weights, WS), (stale_parameters, WS), (load_ignores_shadow_occupancy, WS),
    (load_ignores_weights_in_use, WS | FREE | {"shadow_weights": False}), (withdrawn_offer, WS | BACKED_UP),
    (ring_too_short, WS | BACKED_UP), (drain_without_padding, OS | FREE | {"rows": 4, "tiling": {"beats": 1}}),
    (early_swap, WS | FREE | {"tiling": {"beats": 3}}),
    (starts_without_operands, WS | {"stalls": {"a": 0.9, "w": 0}}), (reads_in_the_second_step, WS),
    (reads_in_the_second_step, OS), (reference_off_by_one, WS), (result_lost, WS)]


@pytest.mark.parametrize("settings", [WS, OS, WS | {"shadow_weights": False}],
                         ids=["ws", "os", "no shadow"])
def test_without_a_fault_everything_is_equal(settings):
    report = run(settings)
    assert report.passed and report.cases == CASES and report.transfers > 300 and report.failures == []


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "settings"), FAULTS, ids=[f"{f.__name__}-{s['dataflow']}" for f, s in FAULTS])
def test_each_fault_is_caught(monkeypatch, fault, settings):
    fault(monkeypatch)
    assert_caught(run(settings))


CYCLES_ONLY = (late_results, early_model)
VALUES_ONLY = (swapped_metadata, rounding_half_up)


@pytest.mark.slow
@pytest.mark.parametrize("fault", CYCLES_ONLY + VALUES_ONLY, ids=lambda fault: fault.__name__)
def test_a_fault_shows_where_it_is(monkeypatch, fault):
    fault(monkeypatch)
    report = run(WS | WIDE)
    assert (report.value_mismatches == 0) == (fault in CYCLES_ONLY)
    assert (report.cycle_mismatches == 0) == (fault in VALUES_ONLY)
