"""Energy beside each baseline over the range of the costs: does its sign hold? Zeros gated beside skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwsim.energy.compare import Comparison, range_text
from hwsim.nm_array.gating import gated
from hwsim.result import NetworkResult

if TYPE_CHECKING:
    from hwsim.report.outcome import Outcome, Run

GATED = "dense, zeros gated"


def others(outcome: Outcome, run: Run) -> dict[str, NetworkResult]:
    """The baselines, and the dense one with this run's zeros gated."""
    dense = outcome.baselines.get("dense")
    found = dict(outcome.baselines)
    return found if dense is None else {**found, GATED: gated(dense, run.result.layers, outcome.costs)}


def range_dict(outcome: Outcome, run: Run) -> dict[str, Any]:
    """Plain data: trees of the baselines, and the ranges (null where one side needs no energy)."""
    beside = others(outcome, run)
    found = {name: Comparison.of(run.result.energy.leaves, other.energy.leaves) for name, other in beside.items()}
    return {"baseline_energy": {name: other.energy.to_dict() for name, other in beside.items()},
            "energy_range": {name: None if each is None else each.to_dict() for name, each in found.items()}}


def range_lines(outcome: Outcome, run: Run) -> list[str]:
    """The ranges as text, a line for each baseline; nothing without baselines."""
    found = {name: Comparison.of(run.result.energy.leaves, other.energy.leaves)
             for name, other in others(outcome, run).items()}
    known = {name: each for name, each in found.items() if each is not None}
    return ["", *range_text(known)] if known else []
