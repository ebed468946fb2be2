"""Faults put into the pruner's RTL, model or reference: the comparison that ``hwsim verify`` makes must see each."""

import pytest
from amaranth.hdl import Cat, Const, Signal
from faults import assert_caught, overridden

from hwsim.bitmap_decoder.pruner import reference, timing
from rtl.bitmap_decoder import component
from rtl.bitmap_decoder.counts import prefix_counts
from rtl.bitmap_decoder.pruner import cases, intake, pack, pruner, select
from rtl.verify import verify

SMALL = {"component": "pruner", "tile": 8, "lanes": 4, "pad": 2, "beat_values": 4, "data_type": "int8", "length": 20,
         "buffer_beats": 3, "b_slots": 3, "o_depth": 1, "p_slots": 2, "digit_bits": 2, "jobs": 4}
PORTS = "pihbcv"
FREE = SMALL | {"stalls": dict.fromkeys(PORTS, 0)}
BACKED_UP = SMALL | {"stalls": {"p": 0, "i": 0, "h": 0.9, "b": 0.8, "c": 0.8, "v": 0.9}}
MANY = FREE | {"lanes": 8, "pad": 8, "beat_values": 8, "length": 8, "elements": 8, "rows": 600, "density": 1, "jobs": 1,
               "digit_bits": 4, "values": "any"}
HALVES = SMALL | {"data_type": "fp16", "values": "special", "rows": 3}
USERS = (pruner, component)


def cases_of(settings):
    return 1 if settings is MANY else 4


def run(settings):
    return verify("bitmap_decoder", settings, seed=5, cases=cases_of(settings), engine="amaranth")


def part(m, name):
    return m._named_submodules[name][0]


def ties_to_the_later(monkeypatch):
    def backwards(m, bits, name):
        counts = prefix_counts(m, bits[::-1], name)
        return [*counts[len(bits) - 1::-1], counts[-1]]

    monkeypatch.setattr(select, "prefix_counts", backwards)


def one_more_is_kept(monkeypatch):
    overridden(monkeypatch, USERS, "BitmapPruner", lambda self, m: part(m, "selector").given_about.keep.eq(
        part(m, "intake").about.keep + 1))


def the_sign_counts(monkeypatch):
    monkeypatch.setattr(select.Selector, "_magnitude", lambda self, element: element)


def the_least_number_is_nothing(monkeypatch):
    whole = select.Selector._magnitude
    monkeypatch.setattr(select.Selector, "_magnitude", lambda self, element: Cat(whole(self, element)[:7], Const(0, 1)))


def a_digit_is_forgotten(monkeypatch):
    whole = select.Selector._planes
    monkeypatch.setattr(select.Selector, "_planes", lambda self, m, left: whole(self, m, left | 1))


def tiles_are_not_filled_up(monkeypatch):
    monkeypatch.setattr(select, "filling", lambda count, multiple: Const(0, 1))


def values_are_not_filled_up(monkeypatch):
    whole, pad = pack.filling, SMALL["pad"]
    monkeypatch.setattr(pack, "filling",
                        lambda count, multiple: Const(0, 1) if multiple == pad else whole(count, multiple))


def offsets_run_on(monkeypatch):
    def change(self, m):
        m.d.sync += self.about.first.eq(0)

    overridden(monkeypatch, [intake, *USERS], "VectorIntake", change)


def offsets_of(bits):
    """A batch's stored values, counted with so many bits only."""
    def fault(monkeypatch):
        whole = select.Signal
        monkeypatch.setattr(select, "Signal", lambda shape=1, name="signal": whole(
            bits if shape == 32 else shape, name=name))
    fault.__name__ = f"offsets_of_{bits}_bits"
    return fault


def flag_forgotten(monkeypatch):
    def change(self, m):
        m.d.sync += self.about.nan.eq(0)

    overridden(monkeypatch, [intake, *USERS], "VectorIntake", change)


def lanes_behind_the_end_count(monkeypatch):
    whole = intake.VectorIntake._vector
    monkeypatch.setattr(intake.VectorIntake, "_vector", lambda self, m, taken, beat, there: whole(
        self, m, taken, beat, [Const(1, 1)] * self.config.lanes))


def moves_without_room(monkeypatch):
    overridden(monkeypatch, USERS, "BitmapPruner", lambda self, m: part(m, "intake").move.eq(
        part(m, "intake").full & (~part(m, "selector").busy | part(m, "selector").release)))


def moves_too_late(monkeypatch):
    overridden(monkeypatch, USERS, "BitmapPruner", lambda self, m: part(m, "intake").move.eq(
        part(m, "intake").full & ~part(m, "selector").busy))


def packing_given_up(monkeypatch):
    """A vector whose chunk waits for room gives way to the next one."""
    def change(self, m):
        with m.If(part(m, "buffer").step == 0):
            m.d.comb += self.free.eq(1)

    overridden(monkeypatch, [pack, *USERS], "Packer", change)


def last_on_every_beat(monkeypatch):
    overridden(monkeypatch, [pack, *USERS], "Packer", lambda self, m: part(m, "buffer").final.eq(1))


def withdrawn_offer(monkeypatch):
    def change(self, m):
        beat = Signal(2)
        m.d.sync += beat.eq(beat + 1)
        with m.If(beat == 3):
            m.d.comb += self.v.valid.eq(0)

    overridden(monkeypatch, [pack, *USERS], "BeatBuffer", change)


def header_of_the_vector_before(monkeypatch):
    overridden(monkeypatch, [select, *USERS], "Selector", lambda self, m: self.header.values.eq(self.values))


def written_one_place_on(monkeypatch):
    whole = pack.rotated
    monkeypatch.setattr(pack, "rotated", lambda m, items, by: whole(m, [items[-1], *items[:-1]], by))


def slow_packing_in_model(monkeypatch):
    monkeypatch.setattr(timing, "PACK", timing.PACK + 1)


def a_digit_more_in_model(monkeypatch):
    whole = timing.digits
    monkeypatch.setattr(timing, "digits", lambda config: whole(config) + 1)


def slow_handover_in_model(monkeypatch):
    monkeypatch.setattr(timing, "HANDOVER", timing.HANDOVER + 1)


def reference_keeps_ties_backwards(monkeypatch):
    whole = reference.keep_mask
    monkeypatch.setattr(reference, "keep_mask",
                        lambda config, vectors, keep: whole(config, vectors[:, ::-1], keep)[:, ::-1])


def result_lost(monkeypatch):
    whole = cases.record_tokens
    monkeypatch.setattr(cases, "record_tokens", lambda config, records: [*whole(config, records), 0])


TIES = SMALL | {"values": "small"}
FAULTS = [
    (ties_to_the_later, TIES), (one_more_is_kept, SMALL), (the_sign_counts, SMALL),
    (the_least_number_is_nothing, SMALL | {"values": "special"}), (a_digit_is_forgotten, SMALL),
    (tiles_are_not_filled_up, SMALL), (values_are_not_filled_up, SMALL), (offsets_run_on, FREE), (offsets_of(12), MANY),
    (flag_forgotten, HALVES), (lanes_behind_the_end_count, SMALL), (moves_without_room, BACKED_UP),
    (moves_too_late, FREE), (packing_given_up, BACKED_UP), (last_on_every_beat, SMALL), (withdrawn_offer, BACKED_UP),
    (header_of_the_vector_before, SMALL), (written_one_place_on, SMALL), (slow_packing_in_model, FREE),
    (a_digit_more_in_model, FREE), (slow_handover_in_model, SMALL), (reference_keeps_ties_backwards, TIES),
    (result_lost, SMALL)]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [SMALL, FREE, MANY, BACKED_UP, HALVES, TIES],
                         ids=["small", "free", "many", "backed up", "halves", "ties"])
def test_without_a_fault_everything_is_equal(settings):
    report = run(settings)
    assert report.passed and report.cases == cases_of(settings) and report.transfers > 120 and report.failures == []


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "settings"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_each_fault_is_caught(monkeypatch, fault, settings):
    fault(monkeypatch)
    assert_caught(run(settings))


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "values", "cycles"), [
    (ties_to_the_later, True, False), (offsets_run_on, True, False), (slow_packing_in_model, False, True)])
def test_a_fault_shows_where_it_is(monkeypatch, fault, values, cycles):
    fault(monkeypatch)
    report = run(TIES | {"stalls": dict.fromkeys(PORTS, 0), "pad": 4})
    assert (report.value_mismatches > 0, report.cycle_mismatches > 0) == (values, cycles)
