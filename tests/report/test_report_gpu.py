"""A run beside GPUs: figures of the table and of the JSON by hand, the bar of the figure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from report.test_figure import drawn

from hwsim.gpu import GpuBoard
from hwsim.gpu.network import GpuLayer, GpuNetwork
from hwsim.report.figure import style
from hwsim.report.outcome import Outcome


def network(board: str, seconds: float, layers: int, *, fits: bool = True) -> GpuNetwork:
    each = GpuLayer(name="x", kernel="gemm", seconds=seconds, bound="launch", joules=(1e-6, 2e-6, 3e-6), outside=("n",))
    return GpuNetwork(board=GpuBoard.preset(board), data_type="int8", layers=(each,) * layers, inputs=6, unit="images",
                      fits=fits)


@pytest.fixture
def outcome(make: Any) -> Outcome:
    """Three layers of 0.5 us and one of 35 ns beside four of 3 us on an A100 and 1 us on an H100 without room."""
    made = make(ratios=("2:4", "2:8"), baselines=("dense", "systolic"))
    gpus = (network("a100-80g", 3e-6, 4), network("h100-sxm", 1e-6, 4, fits=False))
    return replace(made, runs=tuple(replace(run, gpus=gpus) for run in made.runs), dollars=1700.0)


def test_table_by_hand(outcome: Outcome) -> None:
    text = outcome.table(all_layers=True)
    assert max(map(len, text.splitlines())) <= 120
    ours, a100, h100 = (next(line.split() for line in text.splitlines() if line.startswith(name))
                        for name in ("ours, 2:4", "A100 80 GB", "H100 SXM*"))
    seconds = 307 / 200e6
    assert ours[2:4] == ["0.001535", f"{6 / seconds:.4g}"] and ours[-1] == f"{6 / seconds / 1700:.3g}"
    assert a100[3:9] == ["int8", "0.012", "launch", "5e+05", f"{12e-6 / seconds:.3g}x", f"{seconds / 12e-6:.3g}x"]
    assert a100[-2:] == ["29.4", f"{12e-6 / seconds * 10:.3g}x"]  # 17,000 dollars, ten times ours
    assert h100[-2:] == ["-", "-"] and "* does not fit" in text
    assert "estimates: 4 of 4 (by n 4)" in " ".join(text.split())
    assert sum(line.startswith("layer0 ") for line in text.splitlines()) == 2
    assert "us H100" in text and "us H100" not in outcome.table()


def test_json_by_hand(outcome: Outcome) -> None:
    run = json.loads(outcome.to_json())["runs"][1]
    a100 = run["gpus"]["boards"][0]
    assert a100["speedup"] == pytest.approx(12e-6 / run["seconds"]) and a100["extrapolated_kernels"] == {"n": 4}
    assert a100["energy_gain"] == pytest.approx(8e-6 / run["energy_joules"]) and a100["fits"] is True


@pytest.mark.slow
def test_bars_stay_below_the_legend(outcome: Outcome) -> None:
    figure = drawn(outcome)
    with style():
        renderer = figure.canvas.get_renderer()
        axes = figure.axes[1]
        legend = axes.get_legend().get_window_extent(renderer)
        assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "over A100 80 GB, model"
        assert not any(legend.overlaps(text.get_window_extent(renderer)) for text in axes.texts)
