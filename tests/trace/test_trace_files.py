"""The three files: the documented JSON format, Perfetto's own classes, and a VCD through another project's reader."""

import json
from pathlib import Path

import numpy as np
import pytest

from hwsim.cli.trace_runs import case_trace, file_trace
from hwsim.errors import InputError
from hwsim.trace.chrome import COLOURS, chrome_trace
from hwsim.trace.perfetto import perfetto_trace
from hwsim.trace.tracks import LABELS, Kind
from hwsim.trace.vcd import vcd_file

ROOT = Path(__file__).parents[2]
MANY = 10**6
PER_CYCLE = 10  # steps of 100 ps


def drawn():
    """A random case with stalls at all ports."""
    stalls = dict.fromkeys("dawqo", 0.4)
    return case_trace("nm_array", {"stalls": stalls, "rows": 3, "cols": 2}, 5, 0, 1)


def program():
    return file_trace(ROOT / "examples" / "attention.asm", {})


def read_json(trace):
    return json.loads(b"".join(chrome_trace(trace, MANY)))


def nanoseconds(microseconds):
    return round(1000 * microseconds)


@pytest.mark.parametrize("run", [drawn, program])
def test_json_is_the_documented_format(run):
    trace = run()
    read = read_json(trace)
    assert set(read) == {"displayTimeUnit", "otherData", "traceEvents"} and read["displayTimeUnit"] == "ns"
    wanted = {"M": {"ph", "pid", "name", "args"}, "C": {"ph", "pid", "name", "ts", "args"},
              "X": {"ph", "pid", "tid", "ts", "dur", "name", "cat", "cname", "args"}}
    for event in read["traceEvents"]:
        assert set(event) - {"tid"} == wanted[event["ph"]] - {"tid"}
        assert all(isinstance(event[key], int) for key in ("pid", "tid") if key in event)
        assert isinstance(event["name"], str) and isinstance(event["args"], dict)
        assert event.get("ts", 0) >= 0 and event.get("dur", 0) >= 0
    assert len({(event["pid"], event["name"]) for event in read["traceEvents"] if event["ph"] == "C"}) == len(
        trace.counters)


def test_json_holds_every_slice_of_the_model():
    trace = drawn()
    events = read_json(trace)["traceEvents"]
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert list(names.values()) == [track.name for track in trace.tracks]
    for tid, track in zip(names, trace.tracks, strict=True):
        mine = [event for event in events if event["ph"] == "X" and event["tid"] == tid]
        assert [nanoseconds(event["ts"]) for event in mine] == track.slices.begin.tolist()
        assert [nanoseconds(event["dur"]) for event in mine] == (track.slices.end - track.slices.begin).tolist()
        starts = [nanoseconds(event["ts"]) + j for event in mine if event["cat"] == "busy"
                  for j in range(event["args"].get("firings", 1))]
        assert starts == track.start.tolist()
        kinds = [Kind[event["cat"].upper()] for event in mine]
        assert kinds == track.slices.kind.tolist()
        assert all(event["cname"] == COLOURS[kind] and (kind == Kind.BUSY or event["name"] == LABELS[kind])
                   for event, kind in zip(mine, kinds, strict=True))
        stalls = [event["args"] for event, kind in zip(mine, kinds, strict=True) if kind in (Kind.STARVED,
                                                                                            Kind.BLOCKED)]
        assert all(set(each) == {"firing", "at", "for", "its firing"} for each in stalls)


def test_a_programs_slices_carry_exact_picoseconds():
    trace = program()
    slices = [event["args"] for event in read_json(trace)["traceEvents"] if event["ph"] == "X"]
    begin = np.concatenate([track.slices.begin for track in trace.tracks])
    end = np.concatenate([track.slices.end for track in trace.tracks])
    assert [each["start_ps"] for each in slices] == begin.tolist()
    assert [each["ps"] for each in slices] == (end - begin).tolist()


@pytest.mark.parametrize("run", [drawn, program])
def test_perfettos_own_classes_read_the_same(run):
    """Its protobuf classes know every field that is written, and give what the JSON says."""
    messages = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
    trace, read = run(), messages.Trace()
    data = b"".join(perfetto_trace(trace, MANY))
    assert read.ParseFromString(data) == len(data)
    read.DiscardUnknownFields()
    assert len(read.SerializeToString()) == len(data)
    event_type = messages.TrackEvent
    names, events, counts = {}, {}, {}
    for packet in read.packet:
        if packet.HasField("track_descriptor"):
            names[packet.track_descriptor.uuid] = packet.track_descriptor
        elif packet.track_event.type == event_type.TYPE_COUNTER:
            counts.setdefault(packet.track_event.track_uuid, []).append(
                (packet.timestamp, packet.track_event.counter_value))
        else:
            events.setdefault(packet.track_event.track_uuid, []).append(packet)
    assert all(each.parent_uuid in names for each in names.values() if each.uuid != 1)
    chrome = read_json(trace)["traceEvents"]
    for number, (uuid, packets) in enumerate(events.items()):
        begins, ends = packets[::2], packets[1::2]
        assert {each.track_event.type for each in begins} == {event_type.TYPE_SLICE_BEGIN}
        assert {each.track_event.type for each in ends} == {event_type.TYPE_SLICE_END}
        mine = [each for each in chrome if each["ph"] == "X" and each["tid"] == number + 1]
        assert names[uuid].name == trace.tracks[number].name
        for begin, end, event in zip(begins, ends, mine, strict=True):
            assert begin.timestamp == nanoseconds(event["ts"])
            assert end.timestamp - begin.timestamp == nanoseconds(event["dur"])
            assert begin.track_event.name == event["name"] and list(begin.track_event.categories) == [event["cat"]]
            assert {each.name: each.string_value or each.int_value
                    for each in begin.track_event.debug_annotations} == event["args"]
    for counter, (uuid, steps) in zip(trace.counters, counts.items(), strict=True):
        assert names[uuid].name.startswith(counter.name) and names[uuid].HasField("counter")
        assert steps == list(zip(trace.nanoseconds(counter.at).tolist(), counter.value.tolist(), strict=True))


def opened(trace, folder):
    """The VCD's signals by name, by a reader that is not ours."""
    pywellen = pytest.importorskip("pywellen")
    path = folder / "trace.vcd"
    path.write_bytes(b"".join(vcd_file(trace, MANY)))
    wave = pywellen.Waveform(str(path))
    return wave, {var.full_name: var.signal for var in wave.all_vars()}


def test_vcd_through_another_reader_has_the_models_transfers(tmp_path):
    trace = drawn()
    wave, signals = opened(trace, tmp_path)
    assert (wave.timescale.factor, str(wave.timescale.unit)) == (100, "ps")
    assert [signals["run.clk"].value_at(5 * half) for half in range(2 * trace.end)] == [1, 0] * trace.end
    for track in trace.tracks:
        scope = f"run.{track.group}.{track.name}"
        port = track.port is not None
        fire, fired, state = (signals[f"{scope}.{name}"] for name in ("transfer" if port else "fire", "fired", "state"))
        seen = [cycle for cycle in range(trace.end) if fire.value_at(PER_CYCLE * cycle) == 1]
        assert seen == track.start.tolist()
        assert [fired.value_at(PER_CYCLE * cycle) for cycle in seen] == list(range(1, len(seen) + 1))
        assert [state.value_at(PER_CYCLE * at) for at in track.slices.begin.tolist()] == track.slices.kind.tolist()
        if port:
            valid, ready = (signals[f"{scope}.{name}"] for name in ("valid", "ready"))
            both = [cycle for cycle in range(trace.end) if valid.value_at(PER_CYCLE * cycle) == 1
                    and ready.value_at(PER_CYCLE * cycle) == 1]
            assert both == seen
    counter = next(each for each in trace.counters if each.name == "descriptor: waiting")
    shown = signals["run.channels.descriptor_waiting"]
    assert [shown.value_at(PER_CYCLE * at) for at in counter.at.tolist()] == counter.value.tolist()


def test_vcd_of_a_part_keeps_the_times_of_the_run(tmp_path):
    whole = drawn()
    middle, last = whole.end // 3, 2 * whole.end // 3
    _, signals = opened(whole.part(middle, last), tmp_path)
    times = [int(line[1:]) for line in (tmp_path / "trace.vcd").read_text().splitlines() if line.startswith("#")]
    assert (times[0], times[-1]) == (PER_CYCLE * middle, PER_CYCLE * last) and times == sorted(set(times))
    for track in whole.tracks:
        fire = signals[f"run.{track.group}.{track.name}.{'fire' if track.port is None else 'transfer'}"]
        seen = [cycle for cycle in range(middle, last) if fire.value_at(PER_CYCLE * cycle) == 1]
        assert seen == [start for start in track.start.tolist() if middle <= start < last]


def test_vcd_of_a_program_is_in_picoseconds(tmp_path):
    trace = program()
    wave, signals = opened(trace, tmp_path)
    assert (wave.timescale.factor, str(wave.timescale.unit)) == (1, "ps") and "run.clk" not in signals
    for track in trace.tracks:
        fired = signals[f"run.instruction_queues.{track.name}.fired"]
        assert [fired.value_at(at) for at in track.start.tolist()] == list(range(1, len(track.start) + 1))


def test_files_of_too_many_events_are_refused():
    trace = drawn()
    for write in (chrome_trace, perfetto_trace, vcd_file):
        with pytest.raises(InputError, match="at most 100 events in a file"):
            b"".join(write(trace, 100))
