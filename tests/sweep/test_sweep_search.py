"""The search finds the front that listing finds; fronts and hypervolumes against brute force."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from sweep.sweep_cases import written

from hwsim.cli import main
from hwsim.sweep.pareto import costs_of, front, hypervolume
from hwsim.sweep.store import read_table
from hwsim.sweep.surrogate import most_promising

OBJECTIVES = {"seconds": "min", "energy_joules": "min", "multipliers": "min"}
SPACE = """
name = "space"
objectives = { seconds = "min", energy_joules = "min", multipliers = "min" }
[base]
baselines = []
workload = { gemm = "32x128x32" }
pruning = { ratio = "2:4" }
[axes]
accelerator.rows = { log2 = [2, 32] }
accelerator.cols = { log2 = [2, 32] }
accelerator.dataflow = ["ws", "os"]
pruning.ratio = ["1:1", "2:4", "2:8"]
memory.preset = ["ddr4-2400-x64", "hbm2-u280"]
"""


def test_front_and_hypervolume_against_brute_force():
    seed = int(np.random.default_rng().integers(2**32))
    print(f"seed {seed}")
    costs = np.random.default_rng(seed).integers(0, 6, (40, 3)).astype(float)
    beaten = [any((other <= one).all() and (other < one).any() for other in costs) for one in costs]
    assert sorted(front(costs)) == list(np.flatnonzero(~np.array(beaten)))
    cells = sum(any((cost <= corner).all() for cost in costs) for corner in itertools.product(range(6), repeat=3))
    assert hypervolume(costs, [6, 6, 6]) == cells
    assert hypervolume(costs, costs.min(axis=0)) == 0.0 and list(front(np.full((2, 2), np.inf))) == []


def test_costs():
    row = {"status": "ok", "feasible": None, "metric.seconds": 2.0, "metric.speedup_dense": 3.0}
    rows = [row, {**row, "feasible": False}, {**row, "status": "error"}, {**row, "metric.seconds": None}]
    assert costs_of(rows, {"seconds": "min", "speedup_dense": "max"}).tolist() == [[2.0, -3.0], *[[np.inf, np.inf]] * 3]


def test_the_model_ranks_what_it_has_not_seen():
    """Costs of a space that is a product of its axes: the best unseen point comes first."""
    places = [{"a": a, "b": b} for a in range(4) for b in range(4)]
    costs = np.array([[2.0 ** (place["a"] + place["b"])] for place in places])
    seen = [number for number in range(16) if number not in (0, 5, 10)]
    picked = most_promising([places[number] for number in seen], costs[seen], [places[n] for n in (10, 0, 5)])
    assert picked == 1
    assert most_promising([places[0]], np.array([[np.inf]]), places) == 0


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_the_front_is_found_with_a_fifth_of_the_points(tmp_path, sampler, capsys):
    file = written(tmp_path, SPACE)
    assert main(["sweep", str(file), "-o", str(tmp_path / "all"), "--workers", "0"]) == 0
    count = len(read_table(tmp_path / "all"))
    search = ["sweep", str(file), "-o", str(tmp_path / "some"), "--workers", "0", "--sampler", sampler, "--search"]
    capsys.readouterr()
    assert main([*search, str(count // 10), "--json"]) == 0  # and it goes on where it was
    assert json.loads(capsys.readouterr().out)["evaluated"] == count // 10
    assert main([*search, str(count // 5)]) == 0
    whole, some = (np.log(costs_of(read_table(tmp_path / name).to_pylist(), OBJECTIVES)) for name in ("all", "some"))
    assert len(some) == count // 5
    bound = whole.max(axis=0)
    assert hypervolume(some, bound) >= 0.98 * hypervolume(whole, bound)
