"""The outcome of an experiment: one run per ratio, its baselines, and where all of it came from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwsim.energy import CostTable, load_costs
from hwsim.gpu.board import BOARD_SOURCES
from hwsim.gpu.network import GpuNetwork
from hwsim.report.energy_range import range_dict
from hwsim.result import NetworkResult


@dataclass(frozen=True, kw_only=True)
class Run:
    """One ratio.

    Args:
        ratio: N:M asked for.
        result: of the workload.
        pruning: what pruning did to each layer, plain data.
        similarity: cosine between the outputs of the pruned and the unpruned network on a real input, where one runs.
        gpus: the same network on GPUs, by the model of `hwsim.gpu`.
    """

    ratio: str
    result: NetworkResult
    pruning: tuple[dict[str, Any], ...] = ()
    similarity: float | None = None
    gpus: tuple[GpuNetwork, ...] = ()

    def beside(self, gpu: GpuNetwork, dollars: float | None) -> dict[str, float | None]:
        """What this run is worth beside a GPU: speed, energy, and speed for the dollar, each as a factor in favour of
        this run (null where a price is not known).

        Args:
            gpu: one of `gpus`.
            dollars: price of the accelerator.
        """
        speed = ratio_of(gpu.seconds, self.result.seconds)
        cost = None if dollars is None or gpu.board.dollars is None else gpu.board.dollars / dollars
        return {"speedup": speed, "energy_gain": ratio_of(gpu.joules[1], float(self.result.energy.total)),
                "cost_gain": None if cost is None or speed is None else speed * cost}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All runs of an experiment and the baselines that they share.

    Args:
        runs: one per ratio, in the order asked for.
        baselines: by name; the same workload, all dense.
        provenance: see `hwsim.provenance`.
        dollars: price of the accelerator, for comparison with GPUs; None where none is known.
        costs: table that energies are told by.
    """

    runs: tuple[Run, ...]
    baselines: Mapping[str, NetworkResult]
    provenance: Mapping[str, Any]
    dollars: float | None = None
    costs: CostTable = field(default_factory=load_costs)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: of a single run flat, of several ``runs`` and their ``summary``."""
        if len(self.runs) == 1:
            return {**self._run(self.runs[0]), "provenance": dict(self.provenance)}
        return {
            "workload": self.runs[0].result.workload,
            "accelerator": self.runs[0].result.accelerator,
            "summary": [self._summary(run) for run in self.runs],
            "runs": [self._run(run) for run in self.runs],
            "provenance": dict(self.provenance),
        }

    def to_json(self) -> str:
        """The same as text that ends in a line feed: equal inputs, equal bytes."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def table(self, *, all_layers: bool = False) -> str:
        """Text table; long networks are abbreviated unless ``all_layers``."""
        from hwsim.report.table import outcome_table

        return outcome_table(self, all_layers=all_layers)

    def figure(self, path: str | Path, run: int = 0) -> None:
        """Write the overview of one run as PNG; an existing file is replaced."""
        from hwsim.report.figure import overview_png
        from hwsim.report.files import write_file

        write_file(path, overview_png(self, self.runs[run]), force=True)

    def comparison(self, run: Run) -> dict[str, dict[str, Any]]:
        """By baseline: its cycles, speedup and energy ratio (baseline / this run; null where this run has none)."""
        energy = float(run.result.energy.total)
        return {
            name: {
                "cycles": other.cycles,
                "seconds": other.seconds,
                "energy_joules": float(other.energy.total),
                "speedup": ratio_of(other.cycles, run.result.cycles),
                "energy_ratio": ratio_of(float(other.energy.total), energy),
            }
            for name, other in self.baselines.items()
        }

    def _summary(self, run: Run) -> dict[str, Any]:
        return {
            "ratio": run.ratio,
            "cycles": run.result.cycles,
            "seconds": run.result.seconds,
            "energy_joules": float(run.result.energy.total),
            "baselines": self.comparison(run),
        }

    def _run(self, run: Run) -> dict[str, Any]:
        return {
            "workload": run.result.workload,
            "accelerator": run.result.accelerator,
            **self._summary(run),
            "energy": run.result.energy.to_dict(),
            "layers": [layer.to_dict() for layer in run.result.layers],
            "pruning": [dict(record) for record in run.pruning],
            **({} if run.similarity is None else {"output_cosine": run.similarity}),
            **({"gpus": self._gpus(run)} if run.gpus else {}),
            **range_dict(self, run),
        }


    def _gpus(self, run: Run) -> dict[str, Any]:
        """The GPUs and the error of the model that their figures come from."""
        from hwsim.gpu.calibration import held_out

        median, worst = held_out("cublas")
        return {"predicted_by": "hwsim gpu", "held_out_error": {"kernel": "cublas", "median": median, "worst": worst},
                "accelerator_dollars": self.dollars, "dollars_source": f"given, or {BOARD_SOURCES['dollars']}",
                "boards": [{**gpu.to_dict(), **run.beside(gpu, self.dollars)} for gpu in run.gpus]}


def ratio_of(top: float, bottom: float) -> float | None:
    """Quotient top / bottom, None where that is not a finite number."""
    value = top / bottom if bottom else math.inf
    return value if math.isfinite(value) else None
