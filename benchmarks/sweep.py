"""Design-space sweeps: points per second by workers, and how much of the space a search needs to find the front."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import cores
from hwsim.cli.evaluate import evaluate
from hwsim.sweep.pareto import costs_of, front, hypervolume
from hwsim.sweep.plan import points_of
from hwsim.sweep.pool import Here, Processes
from hwsim.sweep.rows import Point, Row
from hwsim.sweep.run import run
from hwsim.sweep.search import Sampler, search
from hwsim.sweep.spec import Sweep, load_sweep
from hwsim.sweep.store import Store, read_table

SHIPPED = Path(__file__).parents[1] / "examples" / "sweep.toml"
EVERY = 3  # of the groups of points that share work, one is measured
SEEDS, FRACTIONS = (0, 1, 2), (0.05, 0.1, 0.15, 0.2)
SPACE = """
name = "listed"
[objectives]
seconds = "min"
energy_joules = "min"
multipliers = "min"
[base]
baselines = []
workload = { gemm = "64x256x64" }
pruning = { ratio = "2:4" }
[axes]
accelerator.rows = { log2 = [2, 32] }
accelerator.cols = { log2 = [2, 32] }
accelerator.dataflow = ["ws", "os"]
accelerator.a_slots = [2, 8]
pruning.ratio = ["1:1", "2:4", "2:8"]
memory.preset = ["ddr4-2400-x64", "hbm2-u280"]
"""
"""A space small enough to be listed, for the search to be held against."""


def sweep_rows(say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Wall seconds of a part of the shipped sweep by number of workers; workers are started before the clock is."""
    sweep = load_sweep(SHIPPED)
    points = points_of(sweep)
    groups = list(dict.fromkeys(point.group for point in points))[::EVERY]
    sample = [point for point in points if point.group in groups]
    found = []
    for workers in range(1, cores() + 1):
        say(f"sweep: {len(sample)} of {len(points)} points, {workers} workers")
        found.append({"workers": workers, "points": len(sample), "of": len(points), **_timed(sweep, sample, workers)})
    return found


def _timed(sweep: Sweep, points: Sequence[Point], workers: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, Store(folder) as store, Processes(evaluate, workers) as pool:
        pool.started()
        begun = time.perf_counter()
        tally = run(sweep, points, store, pool)
        seconds = time.perf_counter() - begun
    if tally.failed:
        raise RuntimeError(f"{tally.failed} points failed: {tally.last}")
    return {"wall_s": seconds, "points_per_s": len(points) / seconds}


def search_rows(say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Part of the true front's hypervolume (of logarithms) after some part of the points, by sampler and seed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "space.toml").write_text(SPACE)
        sweep = load_sweep(folder / "space.toml")
        say("search: the whole space")
        with Store(folder / "all") as store, Here(evaluate) as here:
            run(sweep, points_of(sweep), store, here)
        rows = {row["point"]: row for row in read_table(folder / "all").to_pylist()}
        whole = np.log(costs_of(list(rows.values()), sweep.objectives))
        bound, true = whole.max(axis=0), set(_names(list(rows.values()), sweep))
        found = []
        samplers: tuple[Sampler, ...] = ("tpe", "nsga2")
        for sampler in samplers:
            for seed in SEEDS:
                for part in FRACTIONS:
                    say(f"search: {sampler}, seed {seed}, {100 * part:g} %")
                    count = int(part * len(rows))
                    with Store(folder / "all") as store, Here(evaluate) as here:  # rows are there, and cost nothing
                        _, names = search(sweep, count, store, here, sampler=sampler, seed=seed)
                    costs = np.log(costs_of([rows[name] for name in names], sweep.objectives))
                    found.append({"sampler": sampler, "seed": seed, "points": count, "of": len(rows),
                                  "hypervolume": hypervolume(costs, bound) / hypervolume(whole, bound),
                                  "front": len(true), "front_found": len(true & names)})
        return found


def _names(rows: list[Row], sweep: Sweep) -> list[str]:
    return [rows[index]["point"] for index in front(costs_of(rows, sweep.objectives))]
