from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hwsim.report.outcome import ratio_of


def test_a_single_run_is_flat(make: Any) -> None:
    data = json.loads(make().to_json())
    assert {"workload", "accelerator", "cycles", "seconds", "energy_joules", "baselines", "layers",
            "provenance"} <= set(data)  # fmt: skip
    assert data["cycles"] == 307 and data["seconds"] == 307 / 200e6
    assert [layer["name"] for layer in data["layers"]] == ["layer0", "layer1", "layer2", "pool"]
    assert data["baselines"]["dense"]["cycles"] == 607
    assert data["baselines"]["dense"]["speedup"] == 607 / 307
    assert data["baselines"]["dense"]["energy_ratio"] > 1
    assert "runs" not in data


def test_several_runs_share_baselines_and_provenance(make: Any) -> None:
    data = make(ratios=("2:4", "2:8"), baselines=("dense", "systolic")).to_dict()
    assert [run["ratio"] for run in data["runs"]] == ["2:4", "2:8"]
    assert [row["cycles"] for row in data["summary"]] == [run["cycles"] for run in data["runs"]] == [307, 277]
    assert all(set(run["baselines"]) == {"dense", "systolic"} for run in data["runs"])
    assert "provenance" in data and all("provenance" not in run for run in data["runs"])


def test_equal_outcomes_have_equal_bytes(make: Any) -> None:
    assert make().to_json() == make().to_json()


@pytest.mark.parametrize(("top", "bottom", "wanted"), [(6, 3, 2.0), (1, 0, None), (0, 0, None), (0, 2, 0.0)])
def test_ratio_of(top: float, bottom: float, wanted: float | None) -> None:
    assert ratio_of(top, bottom) == wanted


@pytest.mark.slow
def test_figure_is_a_png_and_replaces_the_old_one(make: Any, tmp_path: Path) -> None:
    file = tmp_path / "new" / "x.png"
    make().figure(file)
    first = file.read_bytes()
    make().figure(file)
    assert first.startswith(b"\x89PNG") and file.read_bytes() == first
    assert [path.name for path in file.parent.iterdir()] == ["x.png"]
