"""Statistics, tables, ratios and the command line: pure functions, no measurement."""

import json

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import cycles, report, sections, tables, targets
from benchmarks.gemm import VARIANTS, rhythm, runs_variant, simulation
from benchmarks.scalesim import Case, closed_form, folds, kept_k
from benchmarks.timing import Sample, measure

SAMPLE = {"median_s": 0.003, "min_s": 0.001, "max_s": 0.004, "runs": 9, "cpu_median_s": 0.002}


def test_sample_of_runs():
    assert Sample.of([3.0, 1.0, 2.0]).to_dict() == {"median_s": 2.0, "min_s": 1.0, "max_s": 3.0, "runs": 3}
    assert Sample.of([1.0], [0.5]).to_dict()["cpu_median_s"] == 0.5


def test_measure_counts_calls():
    calls = []
    sample = measure(lambda: calls.append(1), warm_up=2, least=3, most=4, budget_s=1000.0)
    assert sample.runs == 4 and len(calls) == 6
    assert measure(lambda: None, least=3, most=9, budget_s=0.0).runs == 3


@pytest.mark.parametrize("value, text", [(1144831, "1,144,831"), (0.00123456, "0.00123"), (12345.6, "12,346"),
                                         (3.14159, "3.14"), (0.0, "0"), ("–", "–"), (7, "7")])
def test_number(value, text):
    assert tables.number(value) == text


def test_table_escapes_bars():
    assert tables.markdown_table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"


def test_speedup_is_of_cpu_times():
    assert tables.speedup({"wall_s": 30.0, "cpu_s": 20.0}, {"warm": SAMPLE}) == pytest.approx(10_000)


def test_sizes_and_seconds_of_the_command_line():
    asked = command.parser().parse_args(["--sizes", "1024,512,512", "--scalesim-limit", "0", "--only", "rtl", "gemm"])
    assert asked.sizes == [512, 1024] and asked.scalesim_limit == 0 and asked.only == ["rtl", "gemm"]


@pytest.mark.parametrize("words", [["--sizes", "12,a"], ["--sizes", ""], ["--scalesim-limit", "-1"],
                                   ["--scalesim-limit", "nan"], ["--only", "everything"]])
def test_bad_input_ends_with_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        command.parser().parse_args(words)
    assert stop.value.code == 2 and "error" in capsys.readouterr().err


@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("ratio", ["1:1", "2:4"])
def test_the_array_alone_has_the_folds_of_scalesim(dataflow, ratio):
    case = Case.cube(128, dataflow, ratio)
    cycles_, tiling = simulation(case, "array")()
    joined_folds = 2 if (dataflow, ratio) == ("ws", "2:4") else 1  # a PE holds both kept weights of a group
    assert tiling["passes"] * joined_folds == folds(case)
    assert tiling["period"] == joined_folds * (128 if dataflow == "ws" else kept_k(128, ratio))
    assert 0 < cycles_ - tiling["passes"] * tiling["period"] - tiling["waits"] < 4 * 128 + 32 * 8


def test_period_of_the_systolic_array_is_load_stream_and_handover():
    case = Case.cube(128, "ws", "1:1")
    total, tiling = simulation(case, "systolic")()
    assert (tiling["passes"], tiling["period"]) == (folds(case), 128 + 32 + 2)
    assert total < closed_form(case)
    assert not runs_variant(Case.cube(128, "ws", "2:4"), "systolic")


def joined_rows(size=128):
    case = Case.cube(size, "ws", "1:1")
    made = {name: {"case": vars(case), "variant": name, "cycles": simulation(case, name)()[0],
                   "tiling": simulation(case, name)()[1], "warm": SAMPLE,
                   "fresh_process": {"wall_s": 1.0, "peak_bytes": 10**8}} for name in VARIANTS}
    peer = {"case": vars(case), "status": "measured", "cycles": closed_form(case), "wall_s": 30.0, "cpu_s": 20.0,
            "peak_bytes": 10**9, "origin": "stored", "closed_form_cycles": closed_form(case)}
    return list(made.values()), peer


def section(results):
    where = {"machine": {"cpu": "cpu", "cores": 2, "memory_bytes": 2**34}, "load_1min": 0.5, "revision": "0123456789ab",
             "versions": {"python": "3.11", "numpy": "2", "numba": "0"}}
    return {"origin": "stored", "circumstances": where, "results": results}


def test_page_has_ratio_cycles_and_explanation():
    ours, peer = joined_rows()
    text = report.markdown({"gemm": section(ours), "scalesim": section([peer])})
    assert "| 128³ WS dense | 30 | 20 | 1 | 3 (1) | 2 |" in text and "| 10,000 | 10,000 | stored |" in text
    assert "16 · 222 − 1 = 3,551" in text and "`systolic-32x32` 16 · 162 + " in text


def test_page_says_why_a_case_has_no_figure():
    ours, peer = joined_rows()
    gone = {**peer, "status": "stopped after 900 s"}
    text = report.markdown({"gemm": section(ours), "scalesim": section([gone])})
    assert "| 128³ WS dense | stopped after 900 s | – | – |" in text


def test_targets_say_met_or_missed(monkeypatch):
    ours, peer = joined_rows()
    monkeypatch.setattr(targets, "AT_SIZE", 128)
    found = {"gemm": section(ours), "scalesim": section([peer])}
    assert "128³ WS dense, one tiling, 10,000 times faster than SCALE-Sim: 10,000 times: met" in targets.targets(found)
    peer["cpu_s"] = 19.0
    assert "9,500 times: **missed**" in targets.targets(found)
    slow = {"dataflow": "ws", "seconds": {"check N:M of every layer and simulate": {**SAMPLE, "median_s": 1.2}}}
    assert "median 1.2 s, minimum 0.001 s: **missed**" in targets.targets({"resnet50": section([slow])})


def test_sums_of_the_explanation_are_right():
    ours, peer = joined_rows()
    row = tables.joined({"gemm": section(ours), "scalesim": section([peer])})[0]
    text = cycles.split(row, "systolic").replace(",", "")
    sum_, _, total = text.partition(" = ")
    product, *others = sum_.split(" + ")
    assert eval(product.replace("·", "*")) + sum(int(other.split()[0]) for other in others) == int(total)


def test_rhythm_is_the_usual_distance_and_what_is_beyond_it():
    assert rhythm(np.array([7, 17, 27, 60, 70])) == {"period": 10, "waits": 23}
    assert rhythm(np.array([7])) == {"period": 0, "waits": 0}


def test_sections_that_are_not_asked_for_are_kept(tmp_path, monkeypatch):
    request = sections.Request(folder=tmp_path, sizes=[32], scalesim_limit_s=0.0, say=lambda text: None)
    for name in sections.SECTIONS:
        monkeypatch.setitem(sections.SECTIONS, name, lambda request, name=name: name)
    monkeypatch.setattr(sections, "circumstances", dict)
    sections.run(["gemm", "rtl"], request)
    found = sections.run(["rtl"], request)
    assert (found["gemm"]["origin"], found["rtl"]["origin"]) == ("stored", "measured in this run")
    assert list(json.loads((tmp_path / sections.FILE).read_text())["sections"]) == ["gemm", "rtl"]
