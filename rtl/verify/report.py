"""The sum of many comparisons, with the first failures told so that they can be repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rtl.verify.compare import Comparison

SHOWN_FAILURES = 5


@dataclass(kw_only=True)
class Report:
    """What a verification found. `to_dict` is what ``hwsim verify --json`` writes.

    ``cases`` counts all cases of all configurations; cycles are summed over them. ``verified`` are the configurations
    as plain data, in order.
    """

    family: str
    engine: str
    seed: int | None
    configurations: int = 0
    cases: int = 0
    transfers: int = 0
    value_mismatches: int = 0
    cycle_mismatches: int = 0
    protocol_violations: int = 0
    unfinished: int = 0
    rtl_cycles: int = 0
    model_cycles: int = 0
    failed_cases: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    verified: list[dict[str, Any]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether there was something to compare and nothing differed."""
        return self.transfers > 0 and self.failed_cases == 0

    def add(self, comparison: Comparison, repeat: Mapping[str, Any]) -> None:
        """Count one case; ``repeat`` is what makes the case again."""
        self.cases += 1
        for name in ("transfers", "value_mismatches", "cycle_mismatches", "protocol_violations", "rtl_cycles",
                     "model_cycles"):
            setattr(self, name, getattr(self, name) + getattr(comparison, name))
        self.unfinished += comparison.unfinished
        if comparison.equal:
            return
        self.failed_cases += 1
        if len(self.failures) < SHOWN_FAILURES:
            self.failures.append({
                **repeat, "value_mismatches": comparison.value_mismatches,
                "cycle_mismatches": comparison.cycle_mismatches, "violation": comparison.violation,
                "unfinished": comparison.unfinished, "rtl_cycles": comparison.rtl_cycles,
                "model_cycles": comparison.model_cycles, "first_differences": comparison.differences})

    def to_dict(self) -> dict[str, Any]:
        """Plain data in a fixed order."""
        names = ("family", "engine", "configurations", "cases", "transfers", "value_mismatches", "cycle_mismatches",
                 "protocol_violations", "unfinished", "rtl_cycles", "model_cycles", "seed", "failed_cases", "passed",
                 "failures", "verified")
        return {name: getattr(self, name) for name in names}

    def configuration_lines(self) -> list[str]:
        """A line for each configuration, its fields as ``--set`` takes them."""
        return [f"  {', '.join(f'{key}={json.dumps(value)}' for key, value in one.items())}" for one in self.verified]

    def summary(self) -> str:
        """One line for people."""
        verdict = "equal" if self.passed else "DIFFERENT" if self.transfers else "nothing compared"
        made = f"{_counted(self.cases, 'case')}, {_counted(self.configurations, 'configuration')}"
        return (f"{self.family} on {self.engine}: {verdict}: {self.transfers} transfers of {made}; "
                f"{self.value_mismatches} values and {self.cycle_mismatches} cycles differ, "
                f"{self.protocol_violations} protocol violations, {self.unfinished} unfinished; "
                f"{self.rtl_cycles} cycles on RTL, {self.model_cycles} by the model")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
