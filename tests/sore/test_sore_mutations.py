"""Faults put into SORE's RTL, model or reference: the comparison that ``hwsim verify`` makes must see each."""

import numpy as np
import pytest
from amaranth.hdl import Mux
from faults import assert_caught, overridden, withdrawn

from hwsim.sore import reference as reference_module
from hwsim.sore import timing
from rtl.parts import result_queue as queue
from rtl.sore import cases, engine, intake, layouts, sorter, transposer
from rtl.verify import verify

SMALL = {"lanes": 8, "ratios": ["2:4", "1:8"], "o_depth": 4, "slices": 4, "p_slots": 2, "most_rows": 40}
FREE = SMALL | {"stalls": dict.fromkeys("pifb", 0)}
BACKED_UP = SMALL | {"stalls": {"p": 0, "i": 0, "f": 0.9, "b": 0.9}}
ROOMY = BACKED_UP | {"ratios": ["2:4"]}


def run(settings):
    return verify("sore", settings, seed=5, cases=4, engine="amaranth")


def ties_to_the_later(monkeypatch):
    """A sorter that sees its elements one larger than they are beats its equals."""
    overridden(monkeypatch, [sorter, engine], "SorterBank", lambda self, m: [
        m._named_submodules[f"lane{n}"][0].value.eq(self.row[n] + 1) for n in range(8)])


def takes_without_room(monkeypatch):
    overridden(monkeypatch, [intake, engine], "Intake", lambda self, m: self.i.ready.eq(self.step.valid | self.i.valid))


def no_settling(monkeypatch):
    monkeypatch.setattr(intake, "settle", lambda ratio: 0)


def no_settling_in_model(monkeypatch):
    monkeypatch.setattr(timing, "settle", lambda ratio: 0)


def late_backward_in_model(monkeypatch):
    whole = timing.backward
    monkeypatch.setattr(timing, "backward", lambda m: whole(m) + 1)


def early_forward_in_model(monkeypatch):
    monkeypatch.setattr(timing, "FORWARD", timing.FORWARD - 1)


def slow_handover_in_model(monkeypatch):
    monkeypatch.setattr(timing, "HANDOVER", timing.HANDOVER + 1)


def queue_too_short(monkeypatch):
    whole = queue.ResultQueue
    monkeypatch.setattr(engine, "ResultQueue", lambda shape, depth, burst: whole(shape, depth - 1, burst))


def withdrawn_offer(monkeypatch):
    overridden(monkeypatch, [queue, engine], "ResultQueue", withdrawn)


def crossing_of_the_wrong_row(monkeypatch):
    whole = transposer.Transposer._crossed
    monkeypatch.setattr(transposer.Transposer, "_crossed", lambda self, lanes, by: whole(self, lanes, by ^ 1))


def one_half_only(monkeypatch):
    whole = transposer.Bank

    class OneHalf(whole):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            memory = m._named_submodules["memory"][0]
            port = memory.write_ports[0] if hasattr(memory, "write_ports") else memory._write_ports[0]
            m.d.comb += port.addr.eq(self.w_addr & (self.depth // 2 - 1))
            return m

    monkeypatch.setattr(transposer, "Bank", OneHalf)


def magnitude_with_sign(monkeypatch):
    overridden(monkeypatch, [sorter, engine], "SorterBank", lambda self, m: [
        m._named_submodules[f"lane{n}"][0].value.eq(Mux(self.row[n][15], 1, self.row[n]))
        for n in range(8)])


def wrong_slot_limit(monkeypatch):
    whole = layouts.kept_of
    monkeypatch.setattr(layouts, "kept_of", lambda config, mode: Mux(mode == 1, 2, whole(config, mode)))


def sticky_flag_forgotten(monkeypatch):
    overridden(monkeypatch, [intake, engine], "Intake", lambda self, m: self.step.nan.eq(0))


def last_on_every_group(monkeypatch):
    overridden(monkeypatch, [intake, engine], "Intake", lambda self, m: self.step.last.eq(1))


def filled_with_the_row_before(monkeypatch):
    overridden(monkeypatch, [intake, engine], "Intake", lambda self, m: self.row.as_value()[:16].eq(
        Mux(self.step.position == 0, 1, self.row.as_value()[:16])))


def reference_keeps_ties_backwards(monkeypatch):
    whole = reference_module.keep

    def keep(groups, n):
        values, positions = whole(groups[..., ::-1], n)
        return values[..., ::-1], (groups.shape[-1] - 1 - positions[..., ::-1]).astype(np.uint8)

    monkeypatch.setattr(reference_module, "keep", keep)


def result_lost(monkeypatch):
    whole = cases.result_tokens
    monkeypatch.setattr(cases, "result_tokens", lambda config, beats: [*whole(config, beats), 0])


FAULTS = [
    (ties_to_the_later, SMALL | {"values": "ties"}), (takes_without_room, BACKED_UP), (no_settling, FREE),
    (no_settling_in_model, FREE), (late_backward_in_model, FREE), (early_forward_in_model, SMALL),
    (slow_handover_in_model, SMALL), (queue_too_short, ROOMY), (withdrawn_offer, BACKED_UP),
    (crossing_of_the_wrong_row, SMALL), (one_half_only, FREE), (magnitude_with_sign, SMALL), (wrong_slot_limit, FREE),
    (sticky_flag_forgotten, SMALL | {"values": "special"}), (last_on_every_group, SMALL),
    (filled_with_the_row_before, SMALL), (reference_keeps_ties_backwards, SMALL | {"values": "ties"}),
    (result_lost, SMALL)]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [SMALL, BACKED_UP, ROOMY], ids=["small", "backed up", "roomy"])
def test_without_a_fault_everything_is_equal(settings):
    report = run(settings)
    assert report.passed and report.cases == 4 and report.transfers > 120 and report.failures == []


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "settings"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_each_fault_is_caught(monkeypatch, fault, settings):
    fault(monkeypatch)
    assert_caught(run(settings))


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "values", "cycles"), [
    (crossing_of_the_wrong_row, True, False), (sticky_flag_forgotten, True, False),
    (late_backward_in_model, False, True)])
def test_a_fault_shows_where_it_is(monkeypatch, fault, values, cycles):
    fault(monkeypatch)
    report = run(SMALL | {"values": "special"})
    assert (report.value_mismatches > 0, report.cycle_mismatches > 0) == (values, cycles)
