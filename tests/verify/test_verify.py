"""The runner: repeatable, its report complete, bad input refused, every kind of difference counted."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.network import Network
from rtl.bench import Stimulus, Transfers
from rtl.verify import Case, Report, compare, verify

SETTINGS = {"rows": 2, "cols": 2, "tile_depth": 3, "gemm": {"m": 5, "k": 6, "n": 3, "groups": 1}}
KEYS = ["family", "engine", "configurations", "cases", "transfers", "value_mismatches", "cycle_mismatches",
        "protocol_violations", "unfinished", "rtl_cycles", "model_cycles", "seed", "failed_cases", "passed", "failures",
        "verified"]


def run(settings=SETTINGS, **changes):
    return verify("nm_array", settings, **({"seed": 4, "cases": 2, "engine": "amaranth"} | changes))


CASE = Case(described={}, stimulus=Stimulus(tokens={"i": [7, 8]}, expect={"o": 2}, limit=9),
            cycle={"i": np.array([0, 1]), "o": np.array([3, 5])}, value={"o": [1, 1 << 70]}, cycles=6,
            timeline=Network("by hand").solve())
SEEN = Transfers(cycle=dict(CASE.cycle), value={"i": [7, 8], "o": [1, 1 << 70]}, cycles_run=30, finished=True)


def test_equal_transfers_are_equal():
    found = compare(CASE, SEEN)
    assert found.equal and found.transfers == 4 and found.rtl_cycles == found.model_cycles == 6
    assert found.differences == {}


def test_a_wrong_value_and_a_wrong_cycle_are_told_with_both_sides():
    value = compare(CASE, replace(SEEN, value={"i": [7, 8], "o": [1, 5]}))
    assert (value.value_mismatches, value.cycle_mismatches, value.equal) == (1, 0, False)
    assert value.differences["o"] == {"index": 1, "rtl_cycle": 5, "model_cycle": 5, "rtl_value": "0x5",
                                      "expected_value": hex(1 << 70), "rtl_transfers": 2, "model_transfers": 2}
    cycle = compare(CASE, replace(SEEN, cycle={"i": np.array([0, 2]), "o": CASE.cycle["o"]}))
    assert (cycle.value_mismatches, cycle.cycle_mismatches, cycle.equal) == (0, 1, False)
    assert cycle.differences["i"]["rtl_cycle"] == 2 and cycle.differences["i"]["expected_value"] == "0x8"


def test_missing_and_surplus_transfers_count():
    dead = compare(CASE, Transfers(cycle={"i": np.array([], int), "o": np.array([], int)}, value={"i": [], "o": []},
                                   cycles_run=9, finished=False))
    assert (dead.transfers, dead.value_mismatches, dead.cycle_mismatches, dead.unfinished) == (0, 2, 4, True)
    assert dead.differences["o"]["rtl_cycle"] is None and dead.differences["o"]["model_cycle"] == 3
    more = compare(CASE, replace(SEEN, cycle={"i": CASE.cycle["i"], "o": np.array([3, 5, 9])},
                                 value={"i": [7, 8], "o": [1, 1 << 70, 0]}))
    assert (more.value_mismatches, more.cycle_mismatches, more.equal) == (1, 1, False)
    assert not compare(CASE, replace(SEEN, violations=1, violation="port o")).equal
    assert not compare(replace(CASE, cycles=7), SEEN).equal


def test_nothing_compared_is_not_passed():
    assert not Report(family="nm_array", engine="amaranth", seed=0).passed


@pytest.mark.slow
def test_the_report_is_plain_data_and_the_same_each_time():
    seen: list[tuple[int, int, str]] = []
    report = run(progress=lambda *told: seen.append(told))
    assert report.passed and list(report.to_dict()) == KEYS and "equal" in report.summary()
    assert json.loads(json.dumps(report.to_dict())) == run().to_dict()
    assert seen[-1][:2] == (2, 2) and "build" in seen[0][2]
    assert run(seed=5).to_dict() != report.to_dict()


@pytest.mark.slow
def test_a_failure_tells_how_to_repeat_it(monkeypatch):
    monkeypatch.setattr("hwsim.nm_array.timing.RESULT_BUFFER", 3)
    report = run(cases=3)
    assert report.failed_cases == len(report.failures) == 3 and not report.passed
    failure = report.failures[1]
    again = verify(failure["family"], failure["settings"], seed=failure["seed"], cases=failure["cases"],
                   configurations=failure["configurations"], engine=failure["engine"], only=tuple(failure["only"]))
    assert again.failures == [failure] and again.cases == 1
    assert failure["first_differences"]["o"]["rtl_cycle"] == failure["first_differences"]["o"]["model_cycle"] - 1
    json.dumps(report.to_dict())


@pytest.mark.slow
def test_a_limit_too_short_leaves_the_case_unfinished():
    report = run(limit=10)
    assert report.unfinished == 2 and not report.passed


@pytest.mark.parametrize("change", [
    {"engine": "modelsim"}, {"cases": 0}, {"cases": 1.5}, {"seed": -1}, {"configurations": 0}, {"limit": 0},
    {"only": (1, 0)}, {"only": (0, 2)}])
def test_bad_arguments_are_refused(change):
    with pytest.raises(InputError):
        run(**change)


@pytest.mark.parametrize("settings", [
    {"gemm": 3}, {"gemm": {"x": 3}}, {"gemm": {"m": "a"}}, {"gemm": {"k": 0}}, {"tiling": {"beats": 99}},
    {"tiling": {"order": "km"}}, {"stalls": {"a": 1}}, {"stalls": {"z": 0.5}}, {"stalls": {"a": "much"}}])
def test_bad_settings_of_cases_are_refused(settings):
    with pytest.raises(InputError):
        run(SETTINGS | settings)


def test_an_unknown_family_is_refused():
    with pytest.raises(InputError, match="nm_array"):
        verify("nm_aray", {}, engine="amaranth")
