"""Slices and counters of solved networks and programs: what they add up to, and one example by hand."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from hwsim.cli.trace_runs import case_trace
from hwsim.errors import InputError
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import Opcode, instructions
from hwsim.llm.program import Program
from hwsim.llm.simulate import simulate
from hwsim.network import Network
from hwsim.trace.network import network_trace
from hwsim.trace.program import program_trace
from hwsim.trace.stalls import first_open
from hwsim.trace.tracks import Kind

FAMILIES = ("nm_array", "sore", "wuve", "training_core", "bitmap_decoder", "dsp_chain")


def by_hand():
    """Port ``a`` offers in cycles 1, 2 and from 6 on, room for one; ``work`` takes 3 cycles; ``o`` waits for 9."""
    net = Network("by hand")
    net.process("a", firings=3, offer=np.array([0, 1, 1, 0, 0, 0], bool))
    net.process("work", firings=3, interval=3, latency=3)
    net.process("o", firings=3, accept=np.arange(12) >= 9)
    net.depend("work", on="a", delay=1, name="token")
    net.depend("a", on="work", shift=1, delay=1, stall="blocked", name="slot")
    net.channel("results", "work", "o", depth=1)
    return net


def said(track):
    slices = track.slices
    return [(Kind(kind).name, begin, end, track.labels[label][0] if label >= 0 else "", firing, awaited)
            for kind, begin, end, label, firing, awaited in
            zip(slices.kind.tolist(), slices.begin.tolist(), slices.end.tolist(), slices.label.tolist(),
                slices.firing.tolist(), slices.awaited.tolist(), strict=True)]


def tracks_of(trace):
    return {track.name: track for track in trace.tracks}


def test_a_network_by_hand():
    net = by_hand()
    offer, ready = net.processes["a"].offer, net.processes["o"].accept
    trace = network_trace(net.solve(), "by hand", {"a": offer}, {"o": ready})
    tracks = tracks_of(trace)
    assert said(tracks["a"]) == [
        ("NO_OFFER", 0, 1, "", 0, -1), ("BUSY", 1, 2, "", 0, -1), ("BLOCKED", 2, 3, "slot", 1, 0),
        ("BUSY", 3, 4, "", 1, -1), ("NO_OFFER", 4, 6, "", 2, -1), ("BLOCKED", 6, 11, "slot", 2, 1),
        ("BUSY", 11, 12, "", 2, -1), ("IDLE", 12, 18, "", -1, -1)]
    assert said(tracks["work"]) == [
        ("STARVED", 0, 2, "token", 0, 0), ("BUSY", 2, 5, "", 0, -1), ("BLOCKED", 5, 10, "results.room", 1, 0),
        ("BUSY", 10, 13, "", 1, -1), ("BLOCKED", 13, 14, "results.room", 2, 1), ("BUSY", 14, 17, "", 2, -1),
        ("IDLE", 17, 18, "", -1, -1)]
    assert said(tracks["o"])[:3] == [
        ("STARVED", 0, 5, "results", 0, 0), ("NOT_READY", 5, 9, "", 0, -1), ("BUSY", 9, 10, "", 0, -1)]
    port = tracks["a"].port
    assert (port.valid_at.tolist(), port.valid.tolist()) == ([0, 1, 4, 6, 12], [0, 1, 0, 1, 0])
    assert (port.ready_at.tolist(), port.ready.tolist()) == ([0, 2, 3, 4, 11, 12], [1, 0, 1, 0, 1, -1])
    counters = {each.name: (each.at.tolist(), each.value.tolist(), each.depth) for each in trace.counters}
    assert counters["results"] == ([0, 2, 9, 10, 13, 14, 17], [0, 1, 0, 1, 0, 1, 0], 1)
    assert counters["token: waiting"] == ([0, 1, 2, 3, 10, 11, 14], [0, 1, 0, 1, 0, 1, 0], None)
    assert counters["slot: in use"] == ([0, 1, 3, 11, 15], [0, 1, 1, 1, 0], 1)


def test_beats_wait_for_the_reader_of_their_tile():
    """Tiles of two beats; the third tile is read before the second, and nobody reads the fourth."""
    net = Network("tiles")
    net.process("beat", firings=8)
    net.process("read", firings=3, interval=10)
    net.depend("read", on="beat", index=[1, 5, 3], delay=1, name="tile")
    timeline = net.solve()
    assert timeline.start["read"].tolist() == [2, 12, 22]
    [counter] = network_trace(timeline, "tiles").counters
    assert dict(zip(counter.at.tolist(), counter.value.tolist(), strict=True)) == {
        0: 1, 1: 2, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 12: 4, 22: 2, 32: 0}


@pytest.mark.parametrize("length", [0, 1, 7, 40])
def test_the_first_open_cycle(length):
    rng = np.random.default_rng(length)
    gate = rng.random(length) < 0.3
    for cycle in range(length + 3):
        wanted = next(each for each in range(cycle, length + 4) if each >= length or gate[each])
        assert first_open(gate, np.array([cycle]))[0] == wanted


@pytest.mark.parametrize("family", FAMILIES)
def test_all_cycles_of_all_processes_are_told_as_the_model_counts_them(family, monkeypatch):
    """Every family: slices without gaps, stalls of `Timeline.stalls`, start cycles back from the busy slices."""
    solved, solve = [], Network.solve
    monkeypatch.setattr(Network, "solve", lambda net: solved.append(solve(net)) or solved[-1])
    for seed in range(3):
        trace = case_trace(family, {}, seed, 0, 0)
        timeline = solved[-1]
        assert trace.end == timeline.cycles and len(trace.tracks) == len(timeline.processes)
        for track in trace.tracks:
            slices, stalls = track.slices, timeline.stalls(track.name)
            assert slices.begin[0] == 0 and slices.end[-1] == trace.end
            assert (slices.begin[1:] == slices.end[:-1]).all() and (slices.end >= slices.begin).all()
            found = {kind: slices.ticks(kind) for kind in Kind}
            assert asdict(stalls) == {"busy": found[Kind.BUSY], "idle": found[Kind.IDLE],
                                      "starved": found[Kind.NO_OFFER] + found[Kind.STARVED],
                                      "blocked": found[Kind.BLOCKED] + found[Kind.NOT_READY]}
            busy = slices.take(slices.kind == Kind.BUSY)
            first = np.repeat(np.cumsum(busy.firings) - busy.firings, busy.firings)
            again = np.repeat(busy.begin, busy.firings) + np.arange(len(first)) - first
            assert np.array_equal(again, timeline.start[track.name])
            assert np.array_equal(np.repeat(busy.firing, busy.firings) + np.arange(len(first)) - first,
                                  np.arange(len(again)))
        for counter in trace.counters:
            assert counter.value.min() >= 0 and counter.value.max() <= (counter.depth or np.inf)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stall_ends_when_what_it_waits_for_has_come(family, monkeypatch):
    """The arc that a slice names is satisfied in the cycle in which the slice ends, by the firing that it names."""
    solved, solve = [], Network.solve
    monkeypatch.setattr(Network, "solve", lambda net: solved.append(solve(net)) or solved[-1])
    trace, told = case_trace(family, {}, 4, 0, 0), 0
    arcs = {arc.name: arc for arc in solved[-1].arcs}
    for track in trace.tracks:
        for kind, _, end, label, firing, awaited in said(track):
            if kind in ("STARVED", "BLOCKED"):
                arc, satisfied = arcs[label], np.zeros(len(track.start), np.int64)
                arc.raise_to_ready(satisfied, solved[-1].start[arc.source])
                assert arc.target == track.name and arc.stall == kind.lower()
                assert (satisfied[firing], arc.waits_for(firing)) == (end, awaited)
                told += 1
    assert told > 5


def test_a_part_has_the_cycles_of_that_part():
    trace = case_trace("nm_array", {}, 1, 0, 0)
    assert trace.end > 600
    edges = [0, 1, 137, 138, 500, trace.end]
    parts = [trace.part(low, high) for low, high in zip(edges, edges[1:], strict=False)]
    for number, track in enumerate(trace.tracks):
        cut = [part.tracks[number].slices for part in parts]
        assert [each.begin[0] for each in cut] == edges[:-1] and [each.end[-1] for each in cut] == edges[1:]
        for kind in Kind:
            assert sum(each.ticks(kind) for each in cut) == track.slices.ticks(kind)
        starts = {firing + j: begin + j for each in cut for firing, begin, count in
                  zip(each.firing.tolist(), each.begin.tolist(), each.firings.tolist(), strict=True)
                  for j in range(count) if begin + j in track.start}
        assert starts == dict(enumerate(track.start.tolist()))
    for number, counter in enumerate(trace.counters):
        for part, cycle in zip(parts, edges, strict=False):
            at = int(np.searchsorted(counter.at, cycle, side="right")) - 1
            assert part.counters[number].value[0] == counter.value[at] and part.counters[number].at[0] == cycle


@pytest.mark.parametrize("begin, end", [(5, 5), (9, 3), (18, None), (50, 60)])
def test_an_empty_part_is_refused(begin, end):
    with pytest.raises(InputError, match="a part of cycles 0 to 18"):
        network_trace(by_hand().solve(), "by hand").part(begin, end)


def test_a_network_that_never_fires_has_an_empty_trace():
    net = Network("nothing")
    net.process("a", firings=0)
    net.process("b", firings=0)
    net.depend("b", on="a")
    trace = network_trace(net.solve(), "nothing", {"a": None}).part(None, None)
    assert trace.end == 0 and [len(track.slices) for track in trace.tracks] == [0, 0] and trace.counters == ()


def drawn_program(rng, count):
    """Instructions of random length that wait for some of the tokens that are there, and give some; ties happen."""
    rows = np.concatenate([instructions(op) for op in Opcode])[rng.integers(0, len(Opcode), count)]
    moves = rows["op"] <= Opcode.ST
    rows["k"] = np.where(moves | (rows["op"] == Opcode.SYS), 0, 16)
    rows["length"] = np.where(moves, rng.choice([1000, 2000], count), 0)
    there = np.zeros((len(Opcode), len(Opcode)), int)
    for row in rows:
        op, wanted, given = row["op"], rng.random(len(Opcode)) < 0.5, rng.random(len(Opcode)) < 0.2
        given[op] = False
        for queue in np.flatnonzero(wanted & (there[:, op] > 0)):
            row["wait"] |= 1 << queue
            there[queue, op] -= 1
        row["release"] = sum(1 << int(queue) for queue in np.flatnonzero(given))
        there[op, given] += 1
    return rows


def test_a_program_tells_whose_token_came_last():
    """Random programs: by pair of queues the time that `simulate` counts, and tokens that nobody took stay."""
    config = EngineConfig.preset("u280")
    for seed in range(5):
        print("seed", seed)
        run = simulate(Program(drawn_program(np.random.default_rng(seed), 400), ("a/kind",), "drawn"), config)
        trace = program_trace(run, "drawn")
        for track in trace.tracks:
            queue, slices = Opcode[track.name], track.slices
            assert (slices.begin[1:] == slices.end[:-1]).all() and slices.end[-1] == run.total
            for by in Opcode:
                mine = (slices.kind == Kind.STARVED) & np.array([track.labels[label][1] == by.name if label >= 0 else
                                                                 False for label in slices.label])
                assert (slices.end - slices.begin)[mine].sum() == run.starved[queue, by]
            assert slices.ticks(Kind.BUSY) == run.queues[queue].busy
        assert sum(int(counter.value[-1]) for counter in trace.counters) == run.tokens_left
        assert min(int(counter.value.min()) for counter in trace.counters) >= 0


def test_times_below_a_nanosecond_round_down_without_overlap():
    trace = case_trace("sore", {}, 0, 0, 0)
    finer = replace(trace, tick_ps=300)
    for track in finer.tracks:
        begin, end = finer.nanoseconds(track.slices.begin), finer.nanoseconds(track.slices.end)
        assert (begin[1:] == end[:-1]).all()
