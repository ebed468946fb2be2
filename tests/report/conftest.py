"""A small outcome with known numbers, made without the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hwsim.energy import ActionCount, EnergyTree, of_bytes
from hwsim.memory import Dram
from hwsim.nm_array.config import NmArrayConfig
from hwsim.report.outcome import Outcome, Run
from hwsim.result import LayerResult, NetworkResult

Make = Callable[..., Outcome]


def _layer(name: str, cycles: int, macs: int = 1000, useful_macs: int = 500, ratio: str = "2:4") -> LayerResult:
    moved = {"a": 600, "o": 400}
    counts = [ActionCount(component="PE", action="multiply", count=useful_macs, cost="mac.int8"),
              of_bytes("DRAM", "read", sum(moved.values()), cost="dram.ddr4")]  # fmt: skip
    busy, starved = cycles // 2, cycles // 4
    split = {"busy": busy, "starved": starved, "blocked": 0, "idle": cycles - busy - starved}
    rank = 10 if macs else 0
    return LayerResult(
        name=name, kind="linear" if macs else "traffic", m=rank, k=rank, n=rank, groups=1, ratio=ratio, tiling={},
        cycles=cycles, array_cycles=cycles, bound_cycles=1, best_bound_cycles=1,
        macs=macs, useful_macs=useful_macs, peak_macs=16,
        stalls={"compute": split} if macs else {}, dram_bytes=moved, energy=EnergyTree.of(counts))  # fmt: skip


def _result(layers: int, cycles: int, **changes: Any) -> NetworkResult:
    made = [_layer(f"layer{k}", cycles, **changes) for k in range(layers)]
    made.append(_layer("pool", 7, macs=0, useful_macs=0))
    config = NmArrayConfig.preset("small-4x4")
    return NetworkResult(workload="net", accelerator="array 4x4", config=config, clock_hz=200e6,
                         dram=Dram.preset("ddr4-3200"), layers=tuple(made))  # fmt: skip


@pytest.fixture
def make() -> Make:
    """Function (layers, ratios, baselines) -> outcome; a baseline takes twice the cycles and the MACs."""

    def build(layers: int = 3, ratios: tuple[str, ...] = ("2:4",), baselines: tuple[str, ...] = ("dense",)) -> Outcome:
        runs = tuple(Run(ratio=ratio, result=_result(layers, 100 - 10 * k)) for k, ratio in enumerate(ratios))
        dense = {name: _result(layers, 200, useful_macs=1000, ratio="1:1") for name in baselines}
        return Outcome(runs=runs, baselines=dense, provenance={"inputs": {"a": 1}, "seed": 0})

    return build
