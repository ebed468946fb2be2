"""What the report calls a metric: words in place of a column's name; the unit stands with the value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hwsim.gpu.board import GpuBoard

_LABELS: Mapping[str, str] = {
    "seconds": "time", "energy_joules": "energy", "edp_joule_seconds": "energy × delay", "sram_bytes": "SRAM",
    "dram_bytes": "DRAM traffic", "macs": "MACs", "useful_macs": "useful MACs", "peak_macs_per_second": "peak rate",
    "dram_bytes_per_second": "DRAM bandwidth", "tokens_per_second": "throughput"}  # fmt: skip
_AGAINST = ("speedup", "energy_gain")


def label_of(metric: str, baselines: Mapping[str, str]) -> str:
    """A metric in words; ``baselines`` are names in the place of those in the columns."""
    for prefix in _AGAINST:
        if metric.startswith(f"{prefix}_"):
            name = metric.removeprefix(f"{prefix}_")
            return f"{_words(prefix)} over {baselines.get(name, _words(name))}"
    return _LABELS.get(metric, _words(metric))


def baselines_of(inputs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Names of baselines that the columns do not tell: which GPU, where it is the same board in all experiments."""
    boards = {_board(each) for each in inputs} - {None}  # without a board there is no such metric
    return {"gpu": f"{boards.pop() if len(boards) == 1 else 'the GPU'} (model)"}


def _board(experiment: Mapping[str, Any]) -> str | None:
    """The GPU that a sweep's metrics are over: the first of a network's or language model's, or a KV cache's own."""
    table = experiment.get("gpu")
    table = table if isinstance(table, Mapping) else {}
    several = experiment.get("gpus") or table.get("boards")
    name = several[0] if isinstance(several, list) and several else table.get("name") or table.get("preset")
    if not isinstance(name, str):
        return None
    return GpuBoard.preset(name).name if name in GpuBoard.presets else name


def _words(key: str) -> str:
    return key.replace("_", " ")
