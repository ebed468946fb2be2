"""Faults put into RTL, model and reference: the comparison that ``hwsim verify`` makes must see each."""

import numpy as np
import pytest
from amaranth.hdl import Const, Mux, Signal
from faults import assert_caught, overridden, shifted

from hwsim.dsp_chain import model, reference, timing
from rtl.dsp_chain import cases, chain, device, dsp48, node, units, vpu
from rtl.verify import verify

pytestmark = pytest.mark.slow
STAGES = {"input_stages": 1, "preadd_stages": 0, "product_stages": 1}
CHAIN = {"component": "chain", "length": 8, "group_length": 2, "m": 4, "o_depth": 3, "a_slots": 2, "w_slots": 2,
         "columns": 4, "slices": 4, "values": "any", **STAGES}
UNIT = CHAIN | {"component": "mpu", "vpus": 2, "o_depth": 1}
LONG = CHAIN | {"length": 16, "group_length": 8, "m": 2, "values": "extreme", "columns": 12}
LONG_COLUMN = UNIT | {"length": 64, "group_length": 8, "m": 2, "vpus": 1, "n": 2, "columns": 1, "slices": 1,
                      "values": "least", "repeats": 40}
PORTS = {"chain": ("a", "w", "o"), "mpu": ("a__0", "a__1", "w__0", "w__1", "o")}


def stalled(settings, **ports):
    """These ports stall, the others never do."""
    return settings | {"stalls": dict.fromkeys(PORTS[settings["component"]], 0) | ports}


FREE, FREE_UNIT = stalled(CHAIN, o=0), stalled(UNIT, o=0)
FULL, FULL_UNIT = stalled(CHAIN, o=0.8), stalled(UNIT, o=0.9)


def run(settings):
    return verify("dsp_chain", settings, seed=5, cases=3, engine="amaranth")


def rebuilt(**changes):
    """RTL of another configuration than the model's."""
    def fault(monkeypatch):
        whole = units.UnitFamily.component
        monkeypatch.setattr(units.UnitFamily, "component", lambda self, config, primitive=False: whole(
            self, config.replace(**changes), primitive))
    fault.__name__ = "RTL with " + " ".join(f"{key}={value}" for key, value in changes.items())
    return fault


def shorter(prefix):
    """Delay lines of that name one cycle too short."""
    def fault(monkeypatch):
        whole = chain.line
        monkeypatch.setattr(chain, "line", lambda m, source, cycles, name, **rest: whole(
            m, source, max(cycles - name.startswith(prefix), 0), name, **rest))
    fault.__name__ = f"short line {prefix}"
    return fault


def low_field_read_as_signed(monkeypatch):
    """Without a bias: borrows of negative low sums are not given back."""
    def change(self, m):
        low = Signal.like(self.low)
        m.d.sync += low.eq(Mux(self.resume, self.before, 0) + self.p.as_signed())
        m.d.comb += self.low.eq(low)

    monkeypatch.setattr(dsp48, "BIAS", 0)
    overridden(monkeypatch, (node,), "OverflowAdjust", change)


def bias_one_too_large(monkeypatch):
    """Exact but for the low sum of eight (-128) * (-128), which overflows into the high half."""
    monkeypatch.setattr(dsp48, "BIAS", 1 << 17)
    monkeypatch.setattr(node, "Const", lambda value, *rest: Const(0, *rest) if not rest else Const(value, *rest))


def accumulators_of(bits):
    """What is added to has so many bits only."""
    def fault(monkeypatch):
        whole = vpu.Mux
        monkeypatch.setattr(vpu, "Mux", lambda first, none, total: whole(first, none, total[:bits].as_signed()))
    fault.__name__ = f"accumulators of {bits} bits"
    return fault


def groups_always_go_on(monkeypatch):
    monkeypatch.setattr(chain.CsdChain, "_resumes", lambda self, group, mode: Const(1, 1))


def groups_never_go_on(monkeypatch):
    monkeypatch.setattr(chain.CsdChain, "_resumes", lambda self, group, mode: Const(0, 1))


def index_forgotten(monkeypatch):
    whole = chain.SparseMux.elaborate
    monkeypatch.setattr(chain.SparseMux, "elaborate", lambda self, platform: (
        setattr(self, "index", Const(0, len(self.index))), whole(self, platform))[1])


def second_row_of_mv(monkeypatch):
    whole = chain.SparseMux.elaborate
    monkeypatch.setattr(chain.SparseMux, "elaborate", lambda self, platform: (
        setattr(self, "single", Const(0, 1)), whole(self, platform))[1])


def driven(module, name, change):
    """A fault that drives some signals of a component anew, all in the domain ``comb``."""
    def fault(monkeypatch):
        overridden(monkeypatch, module, name, lambda self, m: change(self, m))
    return fault


def named(name, fault):
    fault.__name__ = name
    return fault


def part(m, name):
    return m._named_submodules[name][0]


def slices_not_shared(monkeypatch):
    overridden(monkeypatch, (device,), "Intake", lambda self, m: self.slices[1].eq(self.slices[0]))


def withdrawn_offer(monkeypatch):
    def change(self, m):
        beat = Signal(2)
        m.d.sync += beat.eq(beat + 1)
        with m.If(beat == 3):
            m.d.comb += self.o.valid.eq(0)

    for name in ("ResultQueue", "OutputQueue"):
        overridden(monkeypatch, (device,), name, change)


def more_room_in_model(monkeypatch):
    whole = model._queue
    monkeypatch.setattr(model, "_queue", lambda net, name, steps, slots, offer: whole(
        net, name, steps, slots + 1, offer))


def one_result_a_beat_in_model(monkeypatch):
    whole = model._last_beats
    monkeypatch.setattr(model, "_last_beats", lambda columns: np.minimum(whole(columns), 1))


def indices_forgotten_in_reference(monkeypatch):
    whole = reference.dense_weights
    monkeypatch.setattr(reference, "dense_weights", lambda block: np.roll(whole(block), 1, axis=2))


def result_lost(monkeypatch):
    for name in ("sum_tokens", "total_tokens"):
        whole = getattr(cases, name)
        monkeypatch.setattr(cases, name, lambda *given, whole=whole: [*whole(*given), 0])


STEP_WITHOUT_SLICE = named("step without its slice", driven((device,), "Intake", lambda self, m: self.step.eq(
    part(m, "w0").r_rdy & self.room)))
STEP_WITHOUT_ROOM = named("step without room", driven((device,), "Intake", lambda self, m: self.step.eq(
    part(m, "w0").r_rdy & (~self.now.load | part(m, "a0").r_rdy))))
STEP_WITHOUT_WEIGHTS = named("step without all weights", driven((device,), "Intake", lambda self, m: self.step.eq(
    part(m, "w0").r_rdy & (~self.now.load | part(m, "a0").r_rdy) & self.room)))
NEVER_FIRST = named("sums never begin anew", driven((device,), "Vpu", lambda self, m: part(
    m, "accumulators").first.eq(0)))
ALL_HIT = named("all outputs hit", driven((device,), "Vpu", lambda self, m: part(m, "accumulators").hits.eq(-1)))
ONE_COLUMN = named("results always in column 0", driven((device,), "OutputQueue", lambda self, m: [
    part(m, f"bank{o}").w_addr.eq(0) for o in range(self.config.m)]))
EVERY_LAST = named("last on every result", driven((device, units), "Mpu", lambda self, m: self.o.payload.last.eq(1)))
FAULTS = [
    *((fault, CHAIN) for fault in (
        low_field_read_as_signed, groups_always_go_on, groups_never_go_on, index_forgotten,
        shorter("skew5"), shorter("met1"), shorter("low2"), shorter("modes"), rebuilt(product_stages=0),
        shifted(timing, "SELECT", 1), shifted(timing, "MUX", 1), shifted(timing, "PASS", 1),
        indices_forgotten_in_reference, result_lost)),
    (bias_one_too_large, LONG), (second_row_of_mv, CHAIN | {"mode": "mv"}),
    (rebuilt(o_depth=4), FULL), (rebuilt(w_slots=3), FULL), (rebuilt(a_slots=1), FULL), (withdrawn_offer, FULL),
    (shifted(timing, "RESULT_QUEUE", 1), FREE), (shifted(timing, "QUEUE", 1), FREE),
    (shifted(timing, "HANDOVER", 1), FREE),
    (more_room_in_model, FULL), (STEP_WITHOUT_SLICE, stalled(CHAIN, a=0.9)), (STEP_WITHOUT_ROOM, FULL),
    *((fault, UNIT) for fault in (NEVER_FIRST, EVERY_LAST, groups_never_go_on, result_lost,
                                  shifted(timing, "ISSUE", 1), shifted(timing, "ACCUMULATE", 1))),
    (accumulators_of(24), LONG_COLUMN), (slices_not_shared, UNIT | {"mode": "mm"}), (ALL_HIT, stalled(UNIT, w__0=0.7)),
    (STEP_WITHOUT_WEIGHTS, stalled(UNIT | {"mode": "mv"}, w__1=0.9)), (rebuilt(o_depth=2), FULL_UNIT),
    (ONE_COLUMN, UNIT | {"o_depth": 2}), (one_result_a_beat_in_model, FREE_UNIT), (withdrawn_offer, FULL_UNIT)]


@pytest.mark.parametrize("settings", [CHAIN, UNIT, LONG, LONG_COLUMN, FREE, FREE_UNIT, FULL, FULL_UNIT])
def test_without_a_fault_everything_is_equal(settings):
    report = run(settings)
    assert report.passed and report.cases == 3 and report.transfers > 200 and report.failures == []


@pytest.mark.parametrize(("fault", "settings"), FAULTS, ids=[f"{s['component']} {f.__name__}" for f, s in FAULTS])
def test_each_fault_is_caught(monkeypatch, fault, settings):
    fault(monkeypatch)
    assert_caught(run(settings))


@pytest.mark.parametrize(("fault", "values", "cycles"), [
    (groups_never_go_on, True, False), (shifted(timing, "RESULT_QUEUE", 1), False, True),
    (bias_one_too_large, True, False)])
def test_a_fault_shows_where_it_is(monkeypatch, fault, values, cycles):
    fault(monkeypatch)
    report = run(LONG)
    assert (report.value_mismatches > 0, report.cycle_mismatches > 0) == (values, cycles)


def test_random_cases_have_long_columns(monkeypatch):
    """Rarely: of this seed the third case, the only one that needs more than 24 bits."""
    accumulators_of(24)(monkeypatch)
    settings = {"component": "mpu", "length": 64, "group_length": 8, "m": 2, "vpus": 1}
    report = verify("dsp_chain", settings, seed=2, cases=3, engine="amaranth")
    assert_caught(report)
    assert report.cases == 3 and len(report.failures) == 1


def test_the_accumulators_are_those_of_the_unit():
    """What the faults above override is what the device builds."""
    assert device.Vpu is vpu.Vpu
