"""Faults put into WUVE's RTL, model or reference: the comparison that ``hwsim verify`` makes must see each."""

import numpy as np
import pytest
from amaranth.hdl import Const
from faults import assert_caught, overridden, truncated, withdrawn

from hwsim.wuve import reference as reference_module
from hwsim.wuve import timing
from rtl.verify import verify
from rtl.wuve import cases, engine, lane, tokens

SMALL = {"lanes": 1, "data_type": "fp16", "multiply_stages": 1, "add_stages": 1, "round_stages": 1, "flush": False,
         "o_depth": 6, "p_slots": 2, "tensors": 2, "beats": 9, "values": "training"}
BACKED_UP = SMALL | {"stalls": {"p": 0, "i": 0, "o": 0.8}}
FREE = SMALL | {"stalls": {"p": 0, "i": 0, "o": 0}, "o_depth": 20}


def run(settings):
    return verify("wuve", settings, seed=5, cases=3, engine="amaranth")


def one_credit_too_many(monkeypatch):
    whole = engine.ResultQueue
    monkeypatch.setattr(engine, "ResultQueue", lambda shape, depth, burst: whole(shape, depth + 1, burst))


def queue_too_short(monkeypatch):
    whole = engine.ResultQueue
    monkeypatch.setattr(engine, "ResultQueue", lambda shape, depth, burst: whole(shape, depth - 1, burst))


def withdrawn_offer(monkeypatch):
    overridden(monkeypatch, [engine], "ResultQueue", withdrawn)


def last_never(monkeypatch):
    overridden(monkeypatch, [engine], "ResultQueue",
               lambda self, m: self.o.payload.as_value()[-1].eq(0))


def dropped_is_not_looked_at(monkeypatch):
    whole = lane.Mux
    monkeypatch.setattr(lane, "Mux", lambda select, one, other: whole(Const(0, 1), one, other))


def rate_of_the_tensor_before(monkeypatch):
    """Factors that come a cycle late reach the first beat of a tensor as those of the one before."""
    whole = engine.delayed
    monkeypatch.setattr(engine, "delayed", lambda m, source, name, cycles=1:
                        whole(m, source, name, cycles + 1 if name == "rate" else cycles))


def momentum_a_cycle_early(monkeypatch):
    whole = lane.delayed
    monkeypatch.setattr(lane, "delayed", lambda m, source, name, cycles=1:
                        whole(m, source, name, cycles - 1 if name == "before" else cycles))


def weight_of_the_beat_before(monkeypatch):
    whole = lane.delayed
    monkeypatch.setattr(lane, "delayed", lambda m, source, name, cycles=1:
                        whole(m, source, name, cycles + 1 if name == "old" else cycles))


def ascends(monkeypatch):
    """The learning rate with the wrong sign."""
    whole = engine.Cat
    monkeypatch.setattr(engine, "Cat", lambda low, sign: whole(low, ~sign))


def truncates(monkeypatch):
    overridden(monkeypatch, [lane], "FloatRound", truncated)


def early_model(monkeypatch):
    whole = timing.latency
    monkeypatch.setattr(timing, "latency", lambda config: whole(config) - 1)


def slow_handover_in_model(monkeypatch):
    monkeypatch.setattr(timing, "HANDOVER", timing.HANDOVER + 1)


def pipeline_miscounted(monkeypatch):
    whole = timing.pipeline
    monkeypatch.setattr(timing, "pipeline", lambda config: whole(config) - 1)


def reference_rounds_the_sum_once_more(monkeypatch):
    whole = reference_module.add
    monkeypatch.setattr(reference_module, "add", lambda x, y, flush: np.nextafter(whole(x, y, flush), np.float32(9)))


def decays_swapped(monkeypatch):
    """The last two of the six fields of port p."""
    whole = tokens.pack
    monkeypatch.setattr(tokens, "pack", lambda columns: whole(
        [*columns[:4], columns[5], columns[4]] if len(columns) == 6 else columns))


def result_lost(monkeypatch):
    whole = cases.result_tokens
    monkeypatch.setattr(cases, "result_tokens", lambda update, updated: [*whole(update, updated), 0])


FAULTS = [
    (one_credit_too_many, BACKED_UP), (queue_too_short, BACKED_UP), (withdrawn_offer, BACKED_UP), (last_never, SMALL),
    (dropped_is_not_looked_at, SMALL | {"tensors": 4}), (rate_of_the_tensor_before, FREE),
    (momentum_a_cycle_early, FREE), (weight_of_the_beat_before, FREE), (ascends, SMALL), (truncates, SMALL),
    (early_model, SMALL), (slow_handover_in_model, SMALL), (pipeline_miscounted, SMALL),
    (reference_rounds_the_sum_once_more, SMALL), (decays_swapped, SMALL), (result_lost, SMALL)]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [SMALL, BACKED_UP, FREE], ids=["small", "backed up", "free"])
def test_without_a_fault_everything_is_equal(settings):
    report = run(settings)
    assert report.passed and report.cases == 3 and report.transfers == 3 * 2 * (1 + 2 * 9) and report.failures == []


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "settings"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_each_fault_is_caught(monkeypatch, fault, settings):
    fault(monkeypatch)
    assert_caught(run(settings))


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "values", "cycles"), [
    (ascends, True, False), (truncates, True, False), (early_model, False, True), (queue_too_short, False, True)])
def test_a_fault_shows_where_it_is(monkeypatch, fault, values, cycles):
    fault(monkeypatch)
    report = run(FREE | {"o_depth": 8} if fault is queue_too_short else SMALL)
    assert (report.value_mismatches > 0, report.cycle_mismatches > 0) == (values, cycles)
