"""Closed forms of SCALE-Sim's cycles against measurements of it; which cases are run, kept and refused."""

import json
from dataclasses import asdict

import pytest

from benchmarks import scalesim, scalesim_store
from benchmarks.child import Used, run_child
from benchmarks.scalesim import Case, cases, closed_form, estimate, folds, kept_k, refusal

# Measured with SCALE-Sim 3.0.0: (M, K, N, rows, columns, dataflow, N:M) and the "Total Cycles" of its report.
MEASURED = [
    ((96, 128, 64, 32, 32, "ws", "1:1"), 1519), ((96, 128, 64, 32, 32, "ws", "2:4"), 759),
    ((96, 128, 64, 32, 32, "os", "1:1"), 1139), ((96, 128, 64, 32, 32, "os", "2:4"), 755),
    ((70, 100, 50, 32, 32, "ws", "1:1"), 1311), ((70, 100, 50, 32, 32, "ws", "2:4"), 655),
    ((70, 100, 50, 32, 32, "os", "1:1"), 971), ((70, 100, 50, 32, 32, "os", "2:4"), 671),
    ((33, 64, 31, 32, 32, "ws", "1:1"), 253), ((33, 64, 31, 32, 32, "ws", "2:4"), 126),
    ((33, 64, 31, 32, 32, "os", "1:1"), 251), ((33, 64, 31, 32, 32, "os", "2:4"), 187),
    ((128, 130, 64, 32, 32, "ws", "1:1"), 2219), ((128, 130, 64, 32, 32, "ws", "2:4"), 1331),
    ((128, 130, 64, 32, 32, "os", "1:1"), 1535), ((128, 130, 64, 32, 32, "os", "2:4"), 1023),
    ((20, 40, 24, 8, 4, "ws", "1:1"), 1139),
    ((1024, 1024, 1024, 32, 32, "ws", "1:1"), 1144831), ((1024, 1024, 1024, 32, 32, "ws", "2:4"), 572415),
    ((1024, 1024, 1024, 32, 32, "os", "1:1"), 1112063), ((512, 512, 512, 32, 32, "ws", "1:1"), 155135),
    ((512, 512, 512, 32, 32, "ws", "2:4"), 77567), ((512, 512, 512, 32, 32, "os", "1:1"), 146943),
]


def case_of(values):
    return Case(**dict(zip(("m", "k", "n", "rows", "cols", "dataflow", "ratio"), values, strict=True)))


@pytest.mark.parametrize("values, cycles", MEASURED)
def test_closed_form_is_what_scalesim_counts(values, cycles):
    assert closed_form(case_of(values)) == cycles


def test_folds_and_kept_reduction():
    assert kept_k(130, "2:4") == 66 and kept_k(64, "1:1") == 64
    assert folds(Case(m=1, k=65, n=33)) == 6 and folds(Case(m=33, k=999, n=64, dataflow="os")) == 4


def test_cases_come_small_first():
    listed = list(cases([64, 32]))
    assert [case.m for case in listed] == [32] * 4 + [64] * 4
    assert len({case.key for case in listed}) == 8


def record(case, status="measured", limit_s=900.0, wall_s=100.0, peak_bytes=10):
    return {"case": asdict(case), "status": status, "limit_s": limit_s, "wall_s": wall_s, "peak_bytes": peak_bytes}


def test_estimate_is_eight_times_half_the_size():
    case = Case.cube(64, "ws", "2:4")
    assert estimate(case, {}) == (0.0, 0.0)
    assert estimate(case, {case.half().key: record(case.half())}) == (800.0, 80.0)
    assert estimate(case, {case.half().key: record(case.half(), "stopped after 900 s")}) == (0.0, 0.0)


def test_refusal_names_estimate_and_limit(monkeypatch):
    monkeypatch.setattr(scalesim, "memory_bytes", lambda key="": 1000)
    case = Case.cube(64, "ws", "1:1")
    kept = {case.half().key: record(case.half())}
    assert refusal(case, kept, 900.0) == ""
    assert "estimated 800 s" in refusal(case, kept, 700.0) and "limits 700 s" in refusal(case, kept, 700.0)
    assert "not run: estimated" in refusal(case, {case.half().key: record(case.half(), peak_bytes=200)}, 900.0)
    assert "only stored" in refusal(case, {}, 0.0)


def test_a_stop_counts_only_at_a_limit_that_is_not_raised():
    case = Case.cube(64, "ws", "1:1")
    assert not scalesim_store.usable(None, 1.0)
    assert scalesim_store.usable(record(case, limit_s=1.0), 900.0)
    stopped = record(case, "stopped after 900 s")
    assert scalesim_store.usable(stopped, 900.0) and not scalesim_store.usable(stopped, 901.0)


def test_table_measures_once_and_keeps(tmp_path):
    asked = []

    def runner(case, limit_s):
        asked.append(case)
        return record(case, wall_s=1.0)

    first = scalesim_store.table(tmp_path, [32], 900.0, runner)
    again = scalesim_store.table(tmp_path, [32], 0.0, runner)
    assert len(asked) == 4
    assert {row["origin"] for row in first} == {"measured in this run"}
    assert {row["origin"] for row in again} == {"stored"}
    assert len(json.loads((tmp_path / scalesim_store.FILE).read_text())["measurements"]) == 4
    large = scalesim_store.table(tmp_path, [64], 4.0, runner)
    assert len(asked) == 4 and {row["origin"] for row in large} == {"not run"}
    assert all(row["status"].startswith("not run: estimated 8 s") for row in large)


def used(**changes):
    return Used(**{"returncode": 1, "wall_s": 2.0, "cpu_s": 1.0, "peak_bytes": 5, "stopped": False, "said": "",
                   **changes})


def test_outcomes():
    assert scalesim._outcome(used(returncode=0), {"cycles": 7, "peak_bytes": 3}) == {
        "status": "measured", "wall_s": 2.0, "cpu_s": 1.0, "peak_bytes": 3, "cycles": 7}
    assert scalesim._outcome(used(stopped=True), {})["status"] == "stopped after 2 s"
    assert scalesim._outcome(used(said="Unable to allocate 3 GiB"), {})["status"] == "out of memory after 2 s"
    assert "ValueError" in scalesim._outcome(used(said="Traceback\nValueError: x"), {})["status"]


def test_child_reports_its_end(tmp_path):
    done = run_child(["sh", "-c", "echo trouble >&2; exit 3"], folder=tmp_path)
    assert (done.returncode, done.stopped, done.said) == (3, False, "trouble\n") and done.peak_bytes > 0
    late = run_child(["sh", "-c", "sleep 30"], limit_s=0.05)
    assert late.stopped and late.returncode < 0
