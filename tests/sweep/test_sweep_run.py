"""Sweeps run: rows as `hwsim run` has them, what is stored is kept, what fails is a row."""

from __future__ import annotations

import csv
import io
import json

import pytest
from sweep.sweep_cases import COUNT, SMALL, deadly, written

from hwsim.cli import main
from hwsim.cli.evaluate import evaluate
from hwsim.cli.simulate import run_experiment
from hwsim.experiment import Experiment
from hwsim.nm_array.account import action_counts, buffer_banks
from hwsim.nm_array.config import NmArrayConfig
from hwsim.sweep.plan import points_of
from hwsim.sweep.pool import Here, Processes
from hwsim.sweep.query import query
from hwsim.sweep.rows import NOT_COMPARED
from hwsim.sweep.run import run
from hwsim.sweep.spec import load_sweep
from hwsim.sweep.store import Store, read_description, read_table


def compared(folder):
    """Rows without what may differ between two runs."""
    return read_table(folder).drop_columns(list(NOT_COMPARED)).to_pylist()


def swept(tmp_path, *more, text=SMALL, status=0):
    assert main(["sweep", str(written(tmp_path, text)), "-o", str(tmp_path / "out"), "--workers", "0", *more]) == status
    return tmp_path / "out"


@pytest.mark.slow
def test_rows_are_what_hwsim_run_gives(tmp_path, capsys):
    folder = swept(tmp_path)
    rows = read_table(folder).to_pylist()
    assert len(rows) == COUNT
    assert {(row["status"], row["feasible"]) for row in rows} == {("ok", True)}
    for row in rows[:3]:
        experiment = Experiment.from_mapping(json.loads(row["inputs"]))
        outcome = run_experiment(experiment)
        result, dense = outcome.runs[0].result, outcome.baselines["dense"]
        assert row["metric.cycles"] == result.cycles and row["metric.energy_joules"] == float(result.energy.total)
        assert row["metric.speedup_dense"] == dense.cycles / result.cycles
        assert row["metric.dram_bytes"] == result.dram_bytes
        assert row["metric.edp_joule_seconds"] == pytest.approx(result.seconds * float(result.energy.total))
        detail = json.loads(row["detail"])
        assert detail["layers"]["cycles"] == [layer.cycles for layer in result.layers]
        assert sum(detail["energy"].values()) == pytest.approx(float(result.energy.total))
        assert sum(detail["stalls"]["dram"].values()) == result.cycles
        assert row["input.accelerator.rows"] == experiment.accelerator.config.rows
    assert "front of seconds min" in capsys.readouterr().out
    description = read_description(folder)
    assert description["file"] == SMALL and description["objectives"][0] == {"name": "seconds", "direction": "min"}


def test_sizes_of_buffers_are_those_that_energy_is_priced_by():
    from hwsim.memory import Dram
    from hwsim.nm_array.program import Shape, Tiling, lower
    from hwsim.nm_array.traffic import traffic
    from hwsim.sparsity.ratio import Ratio

    config, dram = NmArrayConfig(rows=8, cols=8, o_depth=1024), Dram.preset("hbm2")
    program = lower(config, Shape(m=16, k=64, n=16, groups=1), Ratio(2, 4), Tiling(beats=16, order="mn", dataflow="ws"))
    priced = {count.component: count.capacity_bytes for count in action_counts(program, traffic(program, None, 1), dram)
              if count.capacity_bytes is not None}
    assert {name: max(int(nbytes), 64) for name, (_, nbytes) in buffer_banks(config).items()} == priced


def test_what_is_stored_is_not_evaluated_again(tmp_path, capsys):
    smaller = SMALL.replace("[2, 4]", "[2]")
    swept(tmp_path, text=smaller)
    capsys.readouterr()
    folder = swept(tmp_path, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["points"], told["stored"], told["evaluated"]) == (COUNT, COUNT // 2, COUNT // 2)
    before = read_table(folder)
    assert main(["sweep", str(tmp_path / "small.toml"), "-o", str(folder), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stored"] == COUNT
    swept(tmp_path)
    assert read_table(folder).equals(before)


def test_points_that_fail_are_rows_and_can_be_tried_again(tmp_path, capsys):
    text = "max_failures = 0.5\n" + SMALL.replace("[2, 4]", "[2, 400]")
    folder = swept(tmp_path, text=text)
    rows = read_table(folder).to_pylist()
    assert sum(row["status"] == "error" for row in rows) == COUNT // 2
    assert all("accelerator.rows" in row["error"] for row in rows if row["status"] == "error")
    swept(tmp_path, "--retry", "--json", text=text)
    assert len(read_table(folder)) == COUNT
    capsys.readouterr()
    swept(tmp_path, text=SMALL.replace("[2, 4]", "[2, 400, 500]"), status=1)
    assert "failed, more than 25 %" in capsys.readouterr().err


def test_metrics_can_be_constrained(tmp_path):
    rows = read_table(swept(tmp_path, text='constraints = ["metric.multipliers <= 8"]' + SMALL)).to_pylist()
    assert {row["feasible"] for row in rows} == {True, False}
    assert all(row["feasible"] == (row["metric.multipliers"] <= 8) for row in rows)


def test_query(tmp_path, capsys):
    folder = swept(tmp_path)
    best = 'SELECT point, "metric.cycles" AS c FROM points WHERE "metric.multipliers" <= 8 ORDER BY c, point LIMIT 2'
    names, rows = query(folder, best)
    expected = sorted((row["metric.cycles"], row["point"]) for row in read_table(folder).to_pylist()
                      if row["metric.multipliers"] <= 8)[:2]
    assert names == ["point", "c"] and [(cycles, point) for point, cycles in rows] == expected
    capsys.readouterr()
    assert main(["query", str(folder), best, "--json"]) == 0
    assert [row["point"] for row in json.loads(capsys.readouterr().out)] == [point for _, point in expected]
    assert main(["query", str(folder), best, "--csv"]) == 0
    assert [row["point"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == [p for _, p in expected]
    for sql in ("SELEC 1", "SELECT * FROM read_csv('/etc/passwd')", f"COPY points TO '{tmp_path}/x.csv'",
                "SELECT nothing FROM points"):
        assert main(["query", str(folder), sql]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["query", str(tmp_path / "none"), "SELECT 1"]) == 2


def test_kv_points(tmp_path):
    text = """
        [base]
        workload = { kv = "llama2-7b", contexts = [512] }
        pruning = { sparsities = [0.7] }
        [axes]
        accelerator.units = [32, 64]
    """
    rows = read_table(swept(tmp_path, text=text)).to_pylist()
    assert [row["family"] for row in rows] == ["bitmap_decoder"] * 2 and not any(row["error"] for row in rows)
    assert all(row["metric.tokens_per_second"] == pytest.approx(1 / row["metric.seconds"]) for row in rows)
    for row in rows:
        assert row["metric.energy_joules"] == pytest.approx(sum(json.loads(row["detail"])["energy"].values()))


@pytest.mark.slow
def test_a_worker_that_dies_and_one_without_memory_are_rows(tmp_path):
    sweep = load_sweep(written(tmp_path, "max_failures = 1.0\n" + SMALL))
    with Store(tmp_path / "out") as store, Processes(deadly, 2) as pool:
        tally = run(sweep, points_of(sweep), store, pool)
    assert (tally.done, tally.failed) == (COUNT, 6)
    errors = {(row["input.accelerator.rows"], row["input.accelerator.cols"], row["input.pruning.ratio"]): row["error"]
              for row in read_table(tmp_path / "out").to_pylist() if row["error"]}
    assert errors == {**{(rows, 8, ratio): "memory: wanted a point that fits, got no room" for rows in (2, 4)
                         for ratio in ("2:4", "2:8")},
                      **{(2, 4, ratio): "worker died: signal 9" for ratio in ("2:4", "2:8")}}


@pytest.mark.slow
def test_workers_give_the_rows_of_one_process(tmp_path):
    sweep = load_sweep(written(tmp_path))
    for name, backend in (("here", Here(evaluate)), ("pool", Processes(evaluate, 2))):
        with Store(tmp_path / name) as store, backend:
            run(sweep, points_of(sweep), store, backend)
    assert compared(tmp_path / "here") == compared(tmp_path / "pool")
