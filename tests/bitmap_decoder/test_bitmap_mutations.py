"""Faults put into RTL, models and references: the comparison that ``hwsim verify`` makes must see each."""

import numpy as np
import pytest
from amaranth.hdl import Const
from faults import assert_caught, overridden, withdrawn

from hwsim.bitmap_decoder import decoder as decoder_model
from hwsim.bitmap_decoder import dot as dot_reference
from hwsim.bitmap_decoder import dot_model, front, timing
from rtl.bitmap_decoder import cases, column, component, decoder, dot, dot_cases, family, tiles, values
from rtl.verify import verify

pytestmark = pytest.mark.slow
DECODER = {"component": "decoder", "tile": 8, "lanes": 4, "pad": 3, "beat_values": 6, "data_type": "int8", "jobs": 3,
           "o_depth": 3, "b_slots": 1, "values": "any", "density": 0.5, "buffer_beats": 3}
DOT = {"component": "dot", "tile": 8, "macs": 2, "cols": 1, "pad": 3, "beat_values": 6, "data_type": "int8", "jobs": 4,
       "x_depth": 32, "o_depth": 3, "b_slots": 1, "values": "any", "density": 0.3, "buffer_beats": 3,
       "product_stages": 1, "sum_stages": 1}
FREE = {"stalls": dict.fromkeys("hbvo", 0)}
STALLED = {"stalls": {"h": 0, "b": 0, "v": 0, "o": 0.8}}
FEW_VALUES = {"stalls": {"h": 0, "b": 0, "v": 0.9, "o": 0}}
FLOAT = DOT | {"data_type": "fp16", "macs": 4, "pad": 2, "jobs": 1}


def run(settings):
    return verify("bitmap_decoder", settings, seed=5, cases=4, engine="amaranth")


def rebuilt(monkeypatch, **fields):
    """RTL of another configuration than the model's."""
    monkeypatch.setattr(family, "component_of", lambda config: component.component_of(config.replace(**fields)))


def ranks_with_themselves(monkeypatch):
    whole = decoder.prefix_counts
    monkeypatch.setattr(decoder, "prefix_counts", lambda m, bits, name: (
        whole(m, bits, name)[1:] if name == "rank" else whole(m, bits, name)))


def least_bit_first(monkeypatch):
    for module in (decoder, tiles):
        monkeypatch.setattr(module, "reversed", lambda bits: bits, raising=False)


def ring_that_does_not_wrap(monkeypatch):
    monkeypatch.setattr(values, "_wrapped", lambda value, count: value)


def no_room_needed(monkeypatch):
    overridden(monkeypatch, (values, decoder, dot), "ValueWindow", lambda self, m: self.v.ready.eq(self.run))


def values_not_waited_for(monkeypatch):
    overridden(monkeypatch, (values, decoder, dot), "ValueWindow", lambda self, m: self.there.eq(1))


def padding_not_skipped(monkeypatch):
    rebuilt(monkeypatch, pad=1)


def padding_ignored_behind_the_first_tile(monkeypatch):
    monkeypatch.setattr(dot.BitmapDot, "_value", lambda self, pair, store, lane: store.window[lane])


def queue_of_bitmaps_too_long(monkeypatch):
    rebuilt(monkeypatch, b_slots=2)


def buffer_too_large(monkeypatch):
    rebuilt(monkeypatch, buffer_beats=4)


def results_too_short(monkeypatch):
    for module in (decoder, dot):
        whole = module.ResultQueue
        monkeypatch.setattr(module, "ResultQueue", lambda shape, depth, burst, whole=whole: whole(
            shape, depth - 1, burst))


def withdrawn_offer(monkeypatch):
    overridden(monkeypatch, [decoder], "ResultQueue", withdrawn)


def ragged_ends_ignored(monkeypatch):
    overridden(monkeypatch, (decoder, dot), "TileWalk", lambda self, m: self.size.eq(self.config.tile))


def a_job_ends_with_its_first_row(monkeypatch):
    overridden(monkeypatch, (decoder, dot), "TileWalk", lambda self, m: self.job_end.eq(self.row_end))


def last_beat_not_told(monkeypatch):
    whole = decoder.ResultQueue

    class Mutant(whole):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += self.o.payload.last.eq(0)
            return m

    for module in (decoder, dot):
        monkeypatch.setattr(module, "ResultQueue", Mutant)


def sums_never_begin_anew(monkeypatch):
    whole = dot.chain
    monkeypatch.setattr(dot, "chain", lambda m, source, *rest: [
        part if len(part) != 4 else part & Const(0b1101, 4) for part in whole(m, source, *rest)])


def tree_in_another_order(monkeypatch):
    def tree(m, config, level, add):
        a, b, c, d = level
        left, right = add(m, config, a, c, "left"), add(m, config, b, d, "right")
        return add(m, config, left, right, "both")

    monkeypatch.setattr(column, "_tree", tree)


def the_same_operand_for_all_jobs(monkeypatch):
    overridden(monkeypatch, (dot,), "Operand", lambda self, m: [
        bank.r_addr.eq(self.place[0]) for bank, *_ in m._named_submodules.values()])


def operand_not_waited_for(monkeypatch):
    overridden(monkeypatch, (dot,), "Operand", lambda self, m: [self.full.eq(1), self.rows.eq(32)])


def tile_behind_not_seen(monkeypatch):
    whole = tiles.first_ones
    monkeypatch.setattr(tiles, "first_ones", lambda m, bits, count, name: whole(
        m, [*bits[:len(bits) // 2], *[Const(0)] * (len(bits) // 2)], count, name))


def shifted(name, by):
    def fault(monkeypatch):
        monkeypatch.setattr(timing, name, getattr(timing, name) + by)
    fault.__name__ = f"{name} {by:+}"
    return fault


def sums_later_in_model(monkeypatch):
    whole = timing.dot
    monkeypatch.setattr(dot_model.timing, "dot", lambda config: whole(config) + 1)


def tile_behind_not_waited_for_in_model(monkeypatch):
    whole = dot_model.steps_of

    def steps(jobs):
        found = whole(jobs)
        object.__setattr__(found, "reach", np.full(len(found.job), -1))
        return found

    monkeypatch.setattr(dot_model, "steps_of", steps)


def more_room_in_model(monkeypatch):
    whole = front.value_waits
    monkeypatch.setattr(front, "value_waits", lambda beats, steps, beat, capacity: whole(
        beats, steps, beat, capacity + beat))


def one_operand_only_in_model(monkeypatch):
    whole = dot_model._operand

    def operand(net, jobs, steps, gates):
        whole(net, jobs, steps, gates)
        rows = np.cumsum([job.elements for job in jobs])[:-1]
        index = np.full(net.processes["x"].firings, -1)
        index[rows] = steps.last_of_job[:-1]
        net.depend("x", on="step", index=index, delay=1)

    monkeypatch.setattr(dot_model, "_operand", operand)


def reference_without_padding(monkeypatch):
    whole = decoder_model.unpack_values
    monkeypatch.setattr(decoder_model, "unpack_values", lambda config, bitmaps, packed: whole(
        config.replace(pad=1), bitmaps, packed))


def reference_sums_backwards(monkeypatch):
    whole = dot_reference._accumulated
    monkeypatch.setattr(dot_reference, "_accumulated", lambda trees, row_end: whole(
        trees[::-1], np.append(row_end[:-1][::-1], True))[::-1])


def result_lost(monkeypatch):
    for module, name in ((cases, "dense_tokens"), (dot_cases, "sum_tokens")):
        whole = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, whole=whole: [*whole(*given), 0])


COMMON = [least_bit_first, ring_that_does_not_wrap, no_room_needed, padding_not_skipped,
          queue_of_bitmaps_too_long, buffer_too_large, results_too_short, a_job_ends_with_its_first_row,
          last_beat_not_told, shifted("HANDOVER", 1), shifted("QUEUE", 1), more_room_in_model,
          result_lost]
FAULTS = [
    *((fault, DECODER | STALLED) for fault in COMMON),
    (values_not_waited_for, DECODER | FEW_VALUES), (shifted("DECODE", -1), DECODER), (ranks_with_themselves, DECODER),
    (withdrawn_offer, DECODER | STALLED), (ragged_ends_ignored, DECODER), (reference_without_padding, DECODER),
    (least_bit_first, DOT), (ring_that_does_not_wrap, DOT), (values_not_waited_for, DOT | FEW_VALUES),
    (padding_ignored_behind_the_first_tile, DOT), (results_too_short, DOT | STALLED), (sums_never_begin_anew, DOT),
    (tree_in_another_order, FLOAT), (the_same_operand_for_all_jobs, DOT), (operand_not_waited_for, DOT),
    (tile_behind_not_seen, DOT), (sums_later_in_model, DOT), (tile_behind_not_waited_for_in_model, DOT),
    (one_operand_only_in_model, DOT | FREE), (reference_sums_backwards, FLOAT | {"density": 1}), (result_lost, DOT)]


@pytest.mark.parametrize("settings", [DECODER, DECODER | STALLED, DOT, DOT | STALLED, DOT | FREE, FLOAT])
def test_without_a_fault_everything_is_equal(settings):
    report = run(settings)
    assert report.passed and report.cases == 4 and report.transfers > 60 and report.failures == []


@pytest.mark.parametrize(("fault", "settings"), FAULTS, ids=[f"{s['component']} {f.__name__}" for f, s in FAULTS])
def test_each_fault_is_caught(monkeypatch, fault, settings):
    fault(monkeypatch)
    assert_caught(run(settings))
