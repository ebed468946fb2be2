"""The folder of a sweep: rows survive, parts are whole, types come together."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from hwsim.errors import InputError
from hwsim.sweep.rows import METRICS, Outcome, Point, bad_row, good_row, input_types
from hwsim.sweep.store import JOURNAL, PARTS, Store, read_description, read_table


def point(number: int, **inputs: object) -> Point:
    return Point(name=f"{number:04}", space="a", family="nm_array",
                 inputs={"clock_hz": 1e9, "accelerator": {"rows": number, "ratios": ["2:4"]}, **inputs})


def row(number: int, **inputs: object) -> dict:
    outcome = Outcome(workload="gemm", seed=0, metrics={"cycles": 3 * number, "energy_joules": float("nan")},
                      detail={"energy": {"PE": 1.0}})
    return good_row(point(number, **inputs), outcome, 0.5)


def test_rows_come_back_as_they_were_put_in(tmp_path):
    with Store(tmp_path) as store:
        for number in (3, 1, 2):
            store.add(row(number))
        store.add(bad_row(point(4), "no\nroom"))
    table = read_table(tmp_path)
    assert table["point"].to_pylist() == ["0001", "0002", "0003", "0004"]
    assert table["metric.cycles"].to_pylist() == [3.0, 6.0, 9.0, None]
    assert table["metric.energy_joules"].to_pylist() == [None] * 4
    assert table["input.accelerator.rows"].to_pylist() == [1, 2, 3, 4]
    assert table["input.accelerator.ratios"][0].as_py() == '["2:4"]'
    assert table["error"].to_pylist() == [None, None, None, "no room"]
    assert json.loads(table["inputs"][0].as_py())["accelerator"]["rows"] == 1
    assert table.schema.field("metric.seconds").metadata[b"unit"] == b"s"
    assert table.schema.metadata[b"metric.energy_joules"] == METRICS["energy_joules"].encode()


def test_a_journal_that_was_left_becomes_a_part_and_its_torn_line_is_dropped(tmp_path):
    with Store(tmp_path) as store:
        store.add(row(1))
    lines = [json.dumps(row(number)) for number in (1, 2, 2)]
    (tmp_path / JOURNAL).write_text("\n".join(lines) + "\n" + json.dumps(row(3))[:40])
    (tmp_path / PARTS / ".part-000009.parquet.part").write_bytes(b"half")
    with Store(tmp_path) as store:
        assert set(store.stored()) == {"0001", "0002"}
    assert read_table(tmp_path)["point"].to_pylist() == ["0001", "0002"]
    assert (tmp_path / JOURNAL).read_bytes() == b""
    assert len(list((tmp_path / PARTS).iterdir())) == 2


def test_types_of_several_runs_come_together(tmp_path):
    for number, value in enumerate((1, 2.5)):
        with Store(tmp_path) as store:
            store.add(row(number, depth=value))
    assert read_table(tmp_path)["input.depth"].to_pylist() == [1.0, 2.5]
    with Store(tmp_path) as store:
        store.add(row(2, depth="deep"))
    assert read_table(tmp_path)["input.depth"].to_pylist() == ["1", "2.5", "deep"]
    assert input_types([{"a": 1}, {"a": 2.0}, {"b": True}, {"b": 1}]) == {"input.a": float, "input.b": str}


def test_forgotten_points_are_gone(tmp_path):
    with Store(tmp_path) as store:
        for number in (1, 2):
            store.add(row(number))
    with Store(tmp_path) as store:
        store.forget(["0001"])
        assert set(store.stored()) == {"0002"}


def test_one_writer_at_a_time(tmp_path):
    with Store(tmp_path), pytest.raises(InputError, match="in use"), Store(tmp_path):
        pass


@pytest.mark.parametrize("spoil", ["missing", "empty", "broken", "file", "description"])
def test_folders_that_hold_no_sweep_are_refused(tmp_path, spoil):
    folder = tmp_path / "sweep"
    if spoil == "file":
        folder.write_text("")
        with pytest.raises(InputError, match="a folder"), Store(folder):
            pass
        return
    if spoil != "missing":
        with Store(folder) as store:
            if spoil != "empty":
                store.add(row(1))
    if spoil == "broken":
        next((folder / PARTS).iterdir()).write_bytes(b"PAR1 no")
    if spoil == "description":
        (folder / "sweep.json").write_text("{")
    with pytest.raises(InputError):
        read_description(folder) if spoil == "description" else read_table(folder)


def test_parts_can_be_read_by_themselves(tmp_path):
    with Store(tmp_path) as store:
        store.add(row(1))
    assert pq.read_table(next((tmp_path / PARTS).iterdir()))["metric.cycles"].to_pylist() == [3.0]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(InputError, match="that of a sweep, got one with result.json"), Store(tmp_path):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]
