"""Faults put into RTL, model and reference of attention: the comparison that ``hwsim verify`` makes must see each."""

import numpy as np
import pytest
from amaranth.hdl import Const, Signal
from faults import assert_caught, overridden, truncated

from hwsim.bitmap_decoder.attention import model, reference, timing
from rtl.bitmap_decoder import component, family
from rtl.bitmap_decoder.attention import cases, engine, feed, softmax, tokens
from rtl.bitmap_decoder.attention import exponential as exponential_rtl
from rtl.verify import verify

pytestmark = pytest.mark.slow
SMALL = {"component": "attention", "preset": "small-8", "queries": 2, "blocks": 2, "tokens": 4, "values": "usual",
         "density": 0.5, "stalls": dict.fromkeys("hqbvos", 0)}
TIGHT = SMALL | {"density": 0.15, "sum_stages": 4, "macs": 2}
BACKED_UP = SMALL | {"stalls": dict.fromkeys("hqbv", 0) | {"o": 0.8, "s": 0}}
EMPTY = SMALL | {"density": 0.1, "queries": 6, "tokens": 3}  # channels without a single value: only a zero's sign tells
WHOLE = SMALL | {"preset": "small-8-int8", "queries": 1, "blocks": 1}
RAGGED = SMALL | {"pad": 3, "beat_values": 3, "b_slots": 1}


def run(settings):
    return verify("bitmap_decoder", settings, seed=4, cases=1, engine="amaranth", limit=900)


def rebuilt(monkeypatch, **fields):
    """RTL of another configuration than the model's."""
    monkeypatch.setattr(family, "component_of", lambda config: component.component_of(
        config.replace(**{name: getattr(config, name) + more for name, more in fields.items()})))


def named(name, fault):
    fault.__name__ = name
    return fault


def unit(name, change):
    return named(name, lambda monkeypatch: overridden(monkeypatch, [component], "BitmapAttention", change))


def other(**fields):
    return named(f"other_{'_'.join(fields)}", lambda monkeypatch: rebuilt(monkeypatch, **fields))


def late(place, name, by=1):
    """The model counts a register more, or fewer."""
    def fault(monkeypatch):
        whole = getattr(place, name)
        monkeypatch.setattr(place, name, (lambda *of: whole(*of) + by) if callable(whole) else whole + by)
    return named(f"{name}_{by}_more", fault)


def conflicts_are_not_seen(monkeypatch):
    monkeypatch.setattr(engine, "TileFeed", type("TileFeed", (feed.TileFeed,), {
        "_watch": lambda self, m, hand, taken: None}))


def conflicts_are_not_modelled(monkeypatch):
    whole = model.steps_of

    def without(queries):
        steps = whole(queries)
        steps.before[:] = -1
        return steps

    monkeypatch.setattr(model, "steps_of", without)


def fill_is_not_taken(monkeypatch):
    overridden(monkeypatch, [engine], "TileFeed", lambda self, m: self.fill.eq(0))


def least_bit_first(monkeypatch):
    monkeypatch.setattr(feed, "reversed", lambda bits: bits, raising=False)


def decay_is_always_one(monkeypatch):
    overridden(monkeypatch, [engine], "Softmax", lambda self, m: m.submodules.multiply.b.eq(0x3F800000))


def wrong_table(monkeypatch):
    class Spec:
        def __getattr__(self, name):
            return getattr(whole, name)

        def tables(self):
            a, b, c = whole.tables()
            return a, b, np.roll(c, 3)

    whole = exponential_rtl.spec
    monkeypatch.setattr(exponential_rtl, "spec", Spec())


def weights_truncated(monkeypatch):
    overridden(monkeypatch, [softmax], "FloatRound", truncated)


def first_maximum_is_zero(monkeypatch):
    monkeypatch.setattr(softmax, "MINUS_INFINITY", 0)


def sum_of_weights_without_the_first(monkeypatch):
    overridden(monkeypatch, [engine], "Softmax", lambda self, m: m.submodules.total.b.eq(
        Const(softmax.ONE, 16) & (self.weight_at != 0).replicate(16)))


def offer_withdrawn(monkeypatch):
    def change(self, m):
        beat = Signal(2)
        m.d.sync += beat.eq(beat + 1)
        return self.o.valid.eq(m.submodules.results.o.valid & (beat != 3))

    overridden(monkeypatch, [component], "BitmapAttention", change)


def depth(by):
    def fault(monkeypatch):
        whole = engine.ResultQueue
        monkeypatch.setattr(engine, "ResultQueue", lambda shape, depth, burst: whole(shape, depth + by, burst))
    return named(f"queue_{by}_deeper", fault)


def smaller_weights_in_reference(monkeypatch):
    whole = reference.round_to
    monkeypatch.setattr(reference, "round_to", lambda fmt, x: whole(
        fmt, x * np.float32(1 - 2**-12) if (x >= 0).all() else x))


def sums_of_another_order(monkeypatch):
    whole = reference._scattered
    monkeypatch.setattr(reference, "_scattered", lambda sums, *rows: whole(sums, *(row[::-1] for row in rows)))


def the_least_key_is_nothing(monkeypatch):
    whole = engine.BitmapAttention._half
    monkeypatch.setattr(engine.BitmapAttention, "_half", lambda self, value: whole(self, value) & 0x807F)


def keys_without_a_sign(monkeypatch):
    whole = engine.BitmapAttention._half
    monkeypatch.setattr(engine.BitmapAttention, "_half", lambda self, value: whole(self, value)[:15])


def values_are_not_scaled(monkeypatch):
    monkeypatch.setattr(engine.BitmapAttention, "_factor", lambda self, m, reciprocal, *more: (
        reciprocal.z, reciprocal.done))


def units_of_one(monkeypatch):
    monkeypatch.setitem(reference.UNIT, "int8", 2.0**-23)


def summary_of_the_query_before(monkeypatch):
    whole = cases.output_tokens
    monkeypatch.setattr(cases, "output_tokens", lambda results: {
        **whole(results), "s": whole([results[0], *results[:-1]])["s"]})


def padding_of_dense_blocks(monkeypatch):
    whole = tokens.header_tokens
    monkeypatch.setattr(cases, "input_tokens", lambda queries: {
        **tokens.input_tokens(queries), "h": [token + (1 << 44) for q in queries for token in whole(q)]})


FAULTS = [
    (conflicts_are_not_seen, TIGHT), (conflicts_are_not_modelled, TIGHT), (fill_is_not_taken, RAGGED),
    (least_bit_first, SMALL), (decay_is_always_one, SMALL), (wrong_table, SMALL), (weights_truncated, SMALL),
    (first_maximum_is_zero, SMALL | {"tokens": 1, "blocks": 1, "queries": 6}),
    (sum_of_weights_without_the_first, SMALL), (offer_withdrawn, BACKED_UP), (depth(1), BACKED_UP),
    (depth(-1), BACKED_UP), (sums_of_another_order, SMALL), (summary_of_the_query_before, SMALL),
    (the_least_key_is_nothing, WHOLE | {"values": "any", "density": 1}), (keys_without_a_sign, WHOLE),
    (values_are_not_scaled, WHOLE), (units_of_one, WHOLE), (late(timing, "fold"), WHOLE | {"tokens": 1}),
    (unit("value_factor_of_one", lambda self, m: m.submodules.softmax.value_factor.eq(0x3F800000)), WHOLE),
    (padding_of_dense_blocks, SMALL), (smaller_weights_in_reference, SMALL),
    (unit("scores_stay", lambda self, m: m.submodules.sums.clear_scores.eq(0)), SMALL),
    (unit("sums_stay", lambda self, m: m.submodules.sums.clear_sums.eq(0)), EMPTY),
    (unit("maximum_stays", lambda self, m: m.submodules.softmax.first.eq(0)), SMALL),
    (unit("no_scale", lambda self, m: m.submodules.softmax.scale.eq(0x3F800000)), SMALL),
    (unit("never_last", lambda self, m: m.submodules.results.data.last.eq(0)), SMALL),
    (unit("headers_any_time", lambda self, m: self.h.ready.eq(1)), SMALL),
    (unit("queries_any_time", lambda self, m: self.q.ready.eq(1)), SMALL),
    (other(macs=1), SMALL), (other(sum_stages=1), SMALL), (other(product_stages=-1), SMALL),
    (other(multiply_stages=1), SMALL), (other(b_slots=1), RAGGED), (other(buffer_beats=1), RAGGED),
    (late(timing, "accumulated", -1), SMALL), (late(timing, "again", -1), TIGHT), (late(timing, "softmax", -1), SMALL),
    (late(timing, "DIVIDE"), SMALL), (late(timing, "normalised", -1), SMALL), (late(timing, "HANDOVER"), SMALL)]


@pytest.mark.parametrize("settings", [SMALL, TIGHT, BACKED_UP, RAGGED, WHOLE | {"queries": 2, "blocks": 2}],
                         ids=["small", "tight", "backed up", "ragged", "whole numbers"])
def test_without_a_fault_everything_is_equal(settings):
    report = run(settings)
    assert report.passed and report.cases == 1 and report.transfers > 80 and report.failures == []


@pytest.mark.parametrize(("fault", "settings"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_each_fault_is_caught(monkeypatch, fault, settings):
    fault(monkeypatch)
    assert_caught(run(settings))


@pytest.mark.parametrize(("fault", "values", "cycles"), [
    (decay_is_always_one, True, False), (weights_truncated, True, False), (sums_of_another_order, True, False),
    (late(timing, "softmax"), False, True), (conflicts_are_not_modelled, False, True)])
def test_a_fault_shows_where_it_is(monkeypatch, fault, values, cycles):
    fault(monkeypatch)
    report = run(TIGHT if fault is conflicts_are_not_modelled else SMALL)
    assert (report.value_mismatches > 0, report.cycle_mismatches > 0) == (values, cycles)
