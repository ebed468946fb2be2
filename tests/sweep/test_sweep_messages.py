"""What the commands of sweeps say: why points are refused, whole numbers, what a mistyped name meant."""

from __future__ import annotations

import json

import pytest
from sweep.sweep_cases import SMALL, written

from hwsim.cli import main
from hwsim.sweep.rows import bad_row
from hwsim.sweep.run import Tally


def test_a_dry_run_says_why_points_are_refused(tmp_path, capsys):
    text = SMALL.replace("[2, 4]", "[2, 400, 500]").replace('["2:4", "2:8"]', '["2:4", "2:16"]')
    file = str(written(tmp_path, text))
    assert main(["sweep", file, "--dry-run", "-o", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows, ratio = found["reasons"]
    assert (found["points"], found["refused"], rows["points"], ratio["points"]) == (18, 15, 12, 3)
    assert "accelerator.rows" in rows["reason"] and rows["given"] == "400" and rows["at"].startswith("accelerator.rows")
    assert ratio["given"] == "2:16" and 'pruning.ratio = "2:16"' in ratio["at"] and not found["failed"]
    assert main(["sweep", file, "--dry-run", "-o", str(tmp_path / "out")]) == 0
    assert "12 x " in capsys.readouterr().out


def test_refused_points_do_not_make_the_rate(point_of_nothing):
    tally = Tally(points=9)
    tally.count(bad_row(point_of_nothing, "no"), 1e-6, False)
    assert (tally.rate, tally.failed) == (0.0, 1)
    tally.count(bad_row(point_of_nothing, "no"), 2.0, True)
    assert (tally.rate, tally.done, tally.failed) == (0.5, 2, 2)


@pytest.fixture
def point_of_nothing():
    from hwsim.sweep.rows import Point

    return Point(name="p", space="s", family="f", inputs={})


def test_counts_are_whole_numbers_in_json(tmp_path, capsys):
    folder = str(tmp_path / "out")
    assert main(["sweep", str(written(tmp_path)), "-o", folder, "--workers", "0"]) == 0
    capsys.readouterr()
    sql = 'SELECT "metric.cycles" AS c, "metric.seconds" AS s, avg(0.25) AS d FROM points GROUP BY ALL'
    assert main(["query", folder, sql, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(type(row["c"]), type(row["s"]), row["d"]) for row in rows} == {(int, float, 0.25)}


@pytest.mark.parametrize(("command", "said"), [
    (["swep"], "did you mean 'sweep'?"), (["sweep", "{folder}/smal.toml"], "did you mean 'small.toml'?"),
    (["query", "{folder}/oout"], "did you mean 'out'?"),
    (["report", "{folder}/out", "--png", "x.jpg"], "ends in .png")])
def test_what_was_meant_is_said_in_one_line(tmp_path, capsys, command, said):
    (tmp_path / "out").mkdir()
    written(tmp_path)
    assert main([word.format(folder=tmp_path) for word in command]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and said in errors


@pytest.mark.parametrize(("change", "said"), [
    (('gemm = "16x32x16"', 'zoo = "resnet5"'), "workload.zoo: wanted one of "),
    (('["dense"]', '["dnse"]'), "baselines[0]: wanted one of dense, systolic (did you mean 'dense'?), got dnse")])
@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--search", "4"]])
def test_what_every_point_is_refused_for_is_bad_input(tmp_path, capsys, change, said, options):
    file = str(written(tmp_path, SMALL.replace(*change)))
    assert main(["sweep", file, "-o", str(tmp_path / "out"), *options]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("hwsim: space small: ") and said in errors and "did you mean" in errors
    assert errors.count("\n") == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize("sql", ["", ";", "-- c"])
def test_a_query_without_a_statement_is_one_line(tmp_path, capsys, sql):
    folder = str(tmp_path / "out")
    assert main(["sweep", str(written(tmp_path, SMALL.replace("[2, 4]", "[2]"))), "-o", folder, "--workers", "0"]) == 0
    capsys.readouterr()
    assert main(["query", folder, "--", sql]) == 2
    assert capsys.readouterr().err == f"hwsim: SQL: wanted a query over the table points, got {sql!r}\n"


def test_a_model_that_there_is_not_is_bad_input(tmp_path, capsys):
    file = str(written(tmp_path, '[base.llm]\nmodel = "llama9-7b"\npreset = "u280"\n[axes]\nllm.prompt = [16, 32]\n'))
    assert main(["sweep", file, "-o", str(tmp_path / "out")]) == 2
    errors = capsys.readouterr().err
    assert "space small: llm.model: wanted one of " in errors and "did you mean 'llama2-7b'?" in errors
