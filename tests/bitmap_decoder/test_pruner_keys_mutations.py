"""Faults put into the transposer of keys, its model or reference: the comparison must see each."""

import numpy as np
import pytest
from amaranth.hdl import Const
from faults import assert_caught, overridden

from hwsim.bitmap_decoder.jobs import Job
from hwsim.bitmap_decoder.pruner import model, timing, transpose_model
from hwsim.bitmap_decoder.pruner.vectors import Batch
from rtl.bitmap_decoder import family
from rtl.bitmap_decoder.component import component_of
from rtl.bitmap_decoder.pruner import cases, collect, crossed, pack, pruner, turn
from rtl.verify import verify

pytestmark = pytest.mark.slow
PORTS = "pihbcv"
FREE = {"component": "pruner", "side": "keys", "tile": 8, "lanes": 4, "pad": 2, "beat_values": 4, "data_type": "int8",
        "length": 10, "buffer_beats": 3, "b_slots": 2, "o_depth": 1, "p_slots": 2, "digit_bits": 4, "jobs": 2,
        "rows": 27, "elements": 10, "values": "any", "density": 0.5, "stalls": dict.fromkeys(PORTS, 0)}
HEADERS, BITMAPS, RECORDS, VALUES = (FREE | {"stalls": dict.fromkeys(PORTS, 0) | {port: stalled}}
                                     for port, stalled in (("h", 0.98), ("b", 0.9), ("c", 0.9), ("v", 0.8)))
MANY = FREE | {"lanes": 8, "pad": 8, "beat_values": 8, "length": 8, "elements": 8, "rows": 600, "density": 1, "jobs": 1}
HALVES = FREE | {"data_type": "fp16", "values": "special", "rows": 9}


def run(settings):
    return verify("bitmap_decoder", settings, seed=5, cases=1, engine="amaranth")


def named(name, fault):
    fault.__name__ = name
    return fault


def offsets_of(bits):
    """A batch's stored values, counted with so many bits only."""
    def fault(monkeypatch):
        whole = turn.Signal

        def signal(shape=1, name="signal"):
            return whole(bits if shape == 32 else shape, name=name)

        signal.like = whole.like
        monkeypatch.setattr(turn, "Signal", signal)
    return named(f"offsets_of_{bits}_bits", fault)


def turner(name, change):
    """``change(component, m)`` of the whole transposer."""
    return named(name, lambda monkeypatch: overridden(monkeypatch, [turn, pruner], "KeyTurner", change))


def walk(name, change):
    """``change(component, m)`` of the walk over the channels."""
    return named(name, lambda monkeypatch: overridden(monkeypatch, [turn], "ColumnWalk", change))


def late(name, by=1):
    """The model counts a register more, or fewer."""
    return named(f"{name}_{by}_more", lambda monkeypatch: monkeypatch.setattr(timing, name, getattr(timing, name) + by))


def other(**fields):
    """RTL of another configuration than the model's."""
    def fault(monkeypatch):
        monkeypatch.setattr(family, "component_of", lambda config: component_of(
            config.replace(**{name: getattr(config, name) + more for name, more in fields.items()})))
    return named(f"other_{'_'.join(fields)}", fault)


def fetched_otherwise(name, change):
    """The model lets writes wait for other fetches."""
    def fault(monkeypatch):
        whole = transpose_model._fetched
        monkeypatch.setattr(transpose_model, "_fetched", lambda *of: change(whole(*of)))
    return named(name, fault)


def banks_are_not_crossed(monkeypatch):
    monkeypatch.setattr(crossed, "rotated", lambda m, items, by: items)


def one_half_for_both(monkeypatch):
    overridden(monkeypatch, [crossed, turn], "CrossedMemory", lambda self, m: [
        address[-1].eq(0) for lane in range(self.config.lanes)
        for address in (getattr(m.submodules, f"bank{lane}").w_addr, getattr(m.submodules, f"bank{lane}").r_addr)])


def fillings_run_on(monkeypatch):
    """Where the channels of the group before stood is not forgotten."""
    whole = collect.TokenCollector._begun
    monkeypatch.setattr(collect.TokenCollector, "_begun", lambda self, m, fresh: whole(self, m, Const(0, 1)))


def no_room_is_asked_for(monkeypatch):
    overridden(monkeypatch, [pack, turn], "Fit", lambda self, m: self.fits.eq(1))


def least_bit_first(monkeypatch):
    monkeypatch.setattr(turn, "reversed", lambda bits: bits, raising=False)


def channels_backwards_in_reference(monkeypatch):
    def backwards(batch):
        return [Job(config=job.config, dense=job.dense[::-1], kept=job.kept[::-1]) for job in whole(batch)]

    whole = model.pruned
    for place in (model, cases):
        monkeypatch.setattr(place, "pruned", backwards)


def ragged_group_first_in_reference(monkeypatch):
    whole = Batch.job_vectors.fget
    monkeypatch.setattr(Batch, "job_vectors", property(lambda self: whole(self)[::-1]))


FAULTS = [
    (offsets_of(12), MANY),
    (banks_are_not_crossed, FREE), (one_half_for_both, FREE), (fillings_run_on, FREE), (no_room_is_asked_for, VALUES),
    (least_bit_first, FREE), (channels_backwards_in_reference, FREE), (ragged_group_first_in_reference, FREE),
    (turner("overwritten_before_it_is_read", lambda self, m: m.submodules.collector.reading.eq(0)), VALUES),
    (turner("headers_without_room", lambda self, m: m.submodules.walk.room.eq(1)), HEADERS),
    (turner("bitmaps_without_room", lambda self, m: m.submodules.walk.step.eq(
        m.submodules.walk.hand.valid & m.submodules.fit.fits & (m.submodules.records.free != 0))), BITMAPS),
    (turner("records_without_room", lambda self, m: m.submodules.walk.step.eq(
        m.submodules.walk.hand.valid & m.submodules.fit.fits & (m.submodules.bitmaps.free != 0))), RECORDS),
    (turner("nan_forgotten", lambda self, m: m.submodules.collector.about.nan.eq(0)), HALVES),
    (turner("no_end", lambda self, m: m.submodules.records.data.end.eq(0)), FREE),
    (turner("no_values_told", lambda self, m: m.submodules.headers.data.values.eq(0)), FREE),
    (turner("never_exhausted", lambda self, m: m.submodules.buffer.final.eq(0)), FREE),
    (walk("a_cycle_between_groups", lambda self, m: self.take.eq(self.ready & self.room & ~self.reading)), VALUES),
    (walk("bits_behind_the_end", lambda self, m: m.d.sync.__iadd__(self.hand.group.tokens.eq(8)) and []), FREE),
    (walk("offsets_run_on", lambda self, m: m.d.sync.__iadd__(self.hand.group.first.eq(0)) and []), FREE),
    (fetched_otherwise("overwriting_is_not_modelled", lambda found: np.full_like(found, -1)), VALUES),
    (fetched_otherwise("writes_wait_for_the_next_channel", lambda found: np.where(found < 0, -1, found + 1)), VALUES),
    (other(b_slots=1), BITMAPS), (other(o_depth=1), HEADERS), (other(buffer_beats=1), VALUES), (late("FETCH"), FREE),
    (late("PACK", -1), FREE), (late("RESULT_QUEUE"), FREE), (late("HANDOVER"), FREE)]


@pytest.mark.parametrize("settings", [FREE, MANY, HEADERS, BITMAPS, RECORDS, VALUES, HALVES],
                         ids=["free", "many", "headers", "bitmaps", "records", "values", "halves"])
def test_without_a_fault_everything_is_equal(settings):
    report = run(settings)
    assert report.passed and report.cases == 1 and report.transfers > 100 and report.failures == []


@pytest.mark.parametrize(("fault", "settings"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_each_fault_is_caught(monkeypatch, fault, settings):
    fault(monkeypatch)
    assert_caught(run(settings))
