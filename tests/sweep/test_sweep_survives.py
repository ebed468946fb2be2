"""Sweeps that are killed, interrupted or out of room: what was stored stays, the next run completes it."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time

import pytest
from sweep.sweep_cases import COUNT, SLOW, slow, written

from hwsim.cli import main
from hwsim.cli.evaluate import evaluate
from hwsim.sweep.plan import points_of
from hwsim.sweep.pool import Here, Processes
from hwsim.sweep.rows import NOT_COMPARED
from hwsim.sweep.run import run
from hwsim.sweep.spec import load_sweep
from hwsim.sweep.store import JOURNAL, Store, read_parts, read_table

KILLS = 10
MANY = """
name = "many"
[base]
baselines = ["dense"]
workload = { gemm = "96x256x96" }
pruning = { ratio = "2:4" }
accelerator = { preset = "small-4x4" }
[axes]
accelerator.rows = { log2 = [2, 16] }
accelerator.cols = { log2 = [2, 16] }
accelerator.dataflow = ["ws", "os"]
accelerator.a_slots = [2, 4]
pruning.ratio = ["2:4", "2:8"]
"""


def started(file, folder, workers):
    command = [sys.executable, "-m", "hwsim", "sweep", str(file), "-o", str(folder), "--workers", str(workers)]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def rows_there(folder):
    journal = folder / JOURNAL
    lines = journal.read_bytes().count(b"\n") if journal.exists() else 0
    return lines + (len(read_parts(folder, ["point"])) if folder.exists() else 0)


def wait_for(what, seconds=120.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def all_gone(group):
    """Whether no process of the group lives."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.slow
def test_killed_at_any_moment_nothing_stored_is_lost_or_done_twice(tmp_path):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    file, folder = written(tmp_path, MANY), tmp_path / "killed"
    sweep = load_sweep(file)
    points = points_of(sweep)
    kept: dict[str, float] = {}
    for number in range(KILLS):
        process = started(file, folder, 1 + number % 2)
        goal = min(rows_there(folder) + draw.randrange(len(points) // KILLS), len(points) - 1)
        wait_for(lambda goal=goal: rows_there(folder) >= goal)
        time.sleep(draw.random() * 0.3)
        process.kill()
        process.communicate()
        wait_for(lambda process=process: all_gone(process.pid))
        with Store(folder) as store:
            known = set(store.stored())
        assert len(known) >= goal and set(kept) <= known
        seconds = {row["point"]: row["seconds"] for row in read_parts(folder).to_pylist()}
        assert {name: seconds[name] for name in kept} == kept
        kept = seconds
    process = started(file, folder, 2)
    assert process.communicate()[1] == "" and process.returncode == 0
    with Store(tmp_path / "whole") as store:
        run(sweep, points, store, Here(evaluate))
    killed, whole = (read_table(each).drop_columns(list(NOT_COMPARED)).to_pylist()
                     for each in (folder, tmp_path / "whole"))
    assert killed == whole and len(whole) == len(points)
    seconds = {row["point"]: row["seconds"] for row in read_table(folder).to_pylist()}
    assert {name: seconds[name] for name in kept} == kept


@pytest.mark.slow
def test_interrupted_is_one_line_that_says_what_is_stored_and_what_goes_on(tmp_path):
    file, folder = written(tmp_path, MANY), tmp_path / "out"
    process = started(file, folder, 2)
    wait_for(lambda: rows_there(folder) >= 3)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    rows = len(read_table(folder))
    assert process.returncode == 130 and errors.count("\n") == 1 and rows >= 3
    assert errors.startswith(f"hwsim: interrupted: {rows:,} rows are stored in {folder}; ")
    assert errors.endswith(f"; this goes on: hwsim sweep {file} -o {folder} --workers 2\n")


@pytest.mark.parametrize("workers", [0, 2])
def test_points_in_hand_are_stored_when_interrupted(tmp_path, workers):
    """Two points are begun when Ctrl-C comes; they are all that is stored."""
    sweep = load_sweep(written(tmp_path))
    backend = Processes(slow, workers) if workers else Here(slow)
    with pytest.raises(KeyboardInterrupt), Store(tmp_path / "out") as store, backend:
        if workers:
            backend.started()
        threading.Timer(SLOW / 3, os.kill, (os.getpid(), signal.SIGINT)).start()
        run(sweep, points_of(sweep), store, backend)
    rows = read_table(tmp_path / "out").to_pylist()
    assert len(rows) == max(workers, 1) and {row["status"] for row in rows} == {"ok"}


def test_no_room_is_one_line_and_the_next_run_completes(tmp_path, capsys):
    command = ["sweep", str(written(tmp_path)), "-o", str(tmp_path / "out"), "--workers", "0"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        assert main(command) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and "wanted a place that can be read or written" in errors
    assert main(command) == 0
    assert len(read_table(tmp_path / "out")) == COUNT
