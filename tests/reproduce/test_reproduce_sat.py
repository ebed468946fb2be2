"""``hwsim reproduce sat`` on small networks: form, tables, files, explanation; workers change nothing; bad input."""

import json

import pytest

from hwsim.cli import main
from hwsim.reproduce import sat
from hwsim.reproduce.rows import rows_text
from hwsim.sparsity.ratio import Ratio
from hwsim.training.bound import ideal_bound
from hwsim.training.outcome import TrainingExperiment, mean
from mappers.training.sat import BASELINES, run

SMALL = TrainingExperiment(networks=("resnet9", "vgg19"), batch=1, ratios=("2:4", "2:8"))
ROW_KEYS = ["quantity", "published", "ours", "error_percent", "mark", "source"]


@pytest.fixture(scope="module")
def outcome():
    return run(SMALL)


@pytest.mark.slow
def test_rows(outcome):
    rows = sat.rows(outcome)
    assert all(list(row.to_dict()) == ROW_KEYS for row in rows)
    first = rows[0]
    assert (first.quantity, first.published, first.mark) == ("average speedup of a training step at 2:8", 1.75, "paper")
    assert first.ours == pytest.approx(mean(outcome.speedups(Ratio(2, 8)).values()))
    assert first.error_percent == pytest.approx(100 * (first.ours / 1.75 - 1))
    assert len({row.quantity for row in rows}) == len(rows)
    bounds = {row.quantity: row.error_percent for row in rows if row.quantity.startswith("bound of the speedup at")}
    assert len(bounds) == 2 and max(map(abs, bounds.values())) < 1e-9
    assert all(row.published is None for row in rows if row.source == sat.OURS)


@pytest.mark.slow
def test_outcome_is_consistent(outcome):
    for ratio, steps in outcome.sparse.items():
        for name, step in steps.items():
            assert step.cycles < outcome.dense[name].cycles
            assert 1 < outcome.bounds[ratio][name] < ideal_bound(ratio)
            assert sum(step.account.values()) == step.cycles
    detail = outcome.sparse[Ratio(2, 8)]
    fixed = outcome.baselines["fixed OS, no interleave"]
    assert all(fixed[name].cycles > outcome.baselines["fixed OS"][name].cycles > 0 for name in detail)
    assert all(outcome.baselines["no pre-generation"][name].split["SORE"] > 0 for name in detail)
    assert set(outcome.baselines) == set(BASELINES)


@pytest.mark.slow
def test_waterfall_ends_at_the_average(outcome):
    steps = sat.waterfall(outcome, Ratio(2, 8))
    assert steps[0][1] == pytest.approx(2.0)
    assert steps[-1][1] == pytest.approx(outcome.average(Ratio(2, 8)))


@pytest.mark.slow
def test_text_names_average_spread_and_published(outcome):
    text = sat.text(outcome)
    assert "Published: 1.75" in text
    assert f"Average at 2:8: {outcome.average(Ratio(2, 8)):.3f}" in text
    assert max(map(len, text.splitlines())) <= 130


@pytest.mark.slow
def test_workers_change_nothing(outcome):
    small = SMALL.replace(ratios=(Ratio(2, 8),), networks=("vgg19", "resnet9"))
    again = run(small, workers=2)
    assert {name: step.cycles for name, step in again.dense.items()} == {
        name: step.cycles for name, step in outcome.dense.items()}
    assert again.sensitivity == {label: dict(reversed(speedups.items()))
                                 for label, speedups in outcome.sensitivity.items()}


@pytest.mark.slow
def test_without_the_published_ratio(capsys):
    lone = run(TrainingExperiment(networks=("vgg19",), batch=1, ratios=("2:4",), detail="2:4"))
    assert "Published" not in sat.text(lone)
    assert "share" not in rows_text(sat.rows(lone)[:3])


SETTINGS = ["--set", 'networks=["vgg19"]', "--set", "batch=1", "--set", 'ratios=["2:8"]']


@pytest.mark.slow
def test_command_prints_json_and_writes_files(tmp_path, capsys):
    out = tmp_path / "sat"
    assert main(["reproduce", "sat", *SETTINGS, "--json", "-o", str(out)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["rows"] and list(shown["rows"][0]) == ROW_KEYS
    assert {file.name for file in out.iterdir()} == {
        "speedup.png", "split.png", "schedules.png", "table.txt", "result.json"}
    result = json.loads((out / "result.json").read_text())
    assert result["rows"] == shown["rows"]
    assert result["provenance"]["inputs"]["batch"] == 1 and result["provenance"]["units"]
    assert (out / "speedup.png").read_bytes().startswith(b"\x89PNG")
    assert main(["reproduce", "sat", *SETTINGS, "-o", str(out)]) == 2
    assert "wanted a name that is not taken" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "error"), [
    (["nothing"], "wanted one of sat"),
    (["sat", "--set", 'networks=["alexnet"]'], "networks: wanted one of"),
    (["sat", "--set", "networks=[]"], "networks: wanted at least one"),
    (["sat", "--set", "batch=0"], "batch: wanted"),
    (["sat", "--set", 'ratios=["1:4"]'], "ratio: wanted one of 1:1, 2:16, 2:8, 2:4"),
    (["sat", "--set", 'ratios=["2:4"]'], "detail: wanted one of 2:4, got 2:8"),
    (["sat", "--set", "machine.clock_hz=0"], "machine.clock_hz: wanted"),
    (["sat", "--set", "speed=1"], "key 'speed'")])
def test_bad_input_is_one_line(arguments, error, capsys):
    assert main(["reproduce", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and error in shown.err
