"""The same rows on a Dask cluster of two worker processes; clusters that cannot be used are refused."""

from __future__ import annotations

import pytest
from sweep.sweep_cases import COUNT, SMALL, deadly, written

from hwsim.cli import main
from hwsim.cli.evaluate import evaluate
from hwsim.sweep.cluster import Cluster
from hwsim.sweep.plan import points_of
from hwsim.sweep.pool import Here
from hwsim.sweep.rows import NOT_COMPARED
from hwsim.sweep.run import run
from hwsim.sweep.spec import load_sweep
from hwsim.sweep.store import Store, read_table

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_a_dask_cluster_gives_the_same_rows(tmp_path):
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    sweep = load_sweep(written(tmp_path, "max_failures = 1.0\n" + SMALL))
    blame_all_at_once = dask.config.set({"distributed.scheduler.allowed-failures": 0})
    local_cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50)
    with blame_all_at_once, local_cluster as local:
        with Store(tmp_path / "cluster") as store, Cluster(evaluate, local.scheduler_address) as backend:
            assert run(sweep, points_of(sweep), store, backend).failed == 0
        with Store(tmp_path / "deadly") as store, Cluster(deadly, local.scheduler_address) as backend:
            tally = run(sweep, points_of(sweep), store, backend)
    assert (tally.done, tally.failed) == (COUNT, 6)
    with Store(tmp_path / "here") as store:
        run(sweep, points_of(sweep), store, Here(evaluate))
    here, cluster = (read_table(tmp_path / name).drop_columns(list(NOT_COMPARED)).to_pylist()
                     for name in ("here", "cluster"))
    assert here == cluster


def test_nobody_answers(tmp_path, capsys):
    pytest.importorskip("distributed")
    command = ["sweep", str(written(tmp_path)), "-o", str(tmp_path / "out"), "--scheduler", "nowhere"]
    assert main(command) == 2
    assert "a Dask scheduler that answers" in capsys.readouterr().err
