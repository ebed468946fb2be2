"""One case on RTL against what model and reference say: every transfer of every port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rtl.bench import Transfers
from rtl.verify.family import Case


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Counts of one case; missing and surplus transfers count as mismatches too.

    Attributes:
        transfers: seen on all ports of the RTL.
        value_mismatches: transfers of output ports with another value than the reference's.
        cycle_mismatches: transfers of any port in another cycle than the model's.
        protocol_violations: offers that the device withdrew or changed.
        unfinished: whether the device had not done everything within the limit.
        rtl_cycles: up to and with the last transfer.
        model_cycles: the same by the model.
        differences: by port, the first transfer that differs, as plain data.
        violation: the first broken protocol rule, or empty.
    """

    transfers: int
    value_mismatches: int
    cycle_mismatches: int
    protocol_violations: int
    unfinished: bool
    rtl_cycles: int
    model_cycles: int
    differences: dict[str, dict[str, Any]]
    violation: str

    @property
    def equal(self) -> bool:
        """Whether nothing at all differs."""
        wrong = self.value_mismatches or self.cycle_mismatches or self.protocol_violations or self.unfinished
        return not wrong and self.rtl_cycles == self.model_cycles


def compare(case: Case, seen: Transfers) -> Comparison:
    """Hold the transfers that a bench recorded against the case."""
    values = cycles = 0
    differences: dict[str, dict[str, Any]] = {}
    for port in sorted(set(case.cycle) | set(seen.cycle)):
        wrong_cycle = _differing(seen.cycle.get(port, np.zeros(0, np.int64)), case.cycle.get(port, np.zeros(0)))
        wrong_value = np.zeros(0, bool)
        if port in case.value:
            wrong_value = _differing(_objects(seen.value.get(port, [])), _objects(case.value[port]))
            values += int(wrong_value.sum())
        cycles += int(wrong_cycle.sum())
        wrong = np.flatnonzero(_either(wrong_cycle, wrong_value))
        if len(wrong):
            differences[port] = _difference(case, seen, port, int(wrong[0]))
    ends = [int(at[-1]) + 1 for at in seen.cycle.values() if len(at)]
    return Comparison(
        transfers=sum(len(at) for at in seen.cycle.values()), value_mismatches=values, cycle_mismatches=cycles,
        protocol_violations=seen.violations, unfinished=not seen.finished, rtl_cycles=max(ends, default=0),
        model_cycles=case.cycles, differences=differences, violation=seen.violation)


def _objects(values: list[int]) -> np.ndarray:
    """Payloads of any width as an array."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _differing(mine: np.ndarray, other: np.ndarray) -> np.ndarray:
    """By transfer, to the end of the longer one: whether the two differ or one is missing."""
    wrong = np.ones(max(len(mine), len(other)), bool)
    both = min(len(mine), len(other))
    wrong[:both] = mine[:both] != other[:both]
    return wrong


def _either(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    result = np.zeros(max(len(a), len(b)), bool)
    result[: len(a)] |= a
    result[: len(b)] |= b
    return result


def _difference(case: Case, seen: Transfers, port: str, index: int) -> dict[str, Any]:
    """Transfer ``index`` of a port on both sides; None where a side has no such transfer."""
    def at(transfers: Any, show: Any) -> Any:
        return show(transfers[index]) if transfers is not None and index < len(transfers) else None

    expected = case.value.get(port, case.stimulus.tokens.get(port))
    return {"index": index, "rtl_cycle": at(seen.cycle.get(port), int), "model_cycle": at(case.cycle.get(port), int),
            "rtl_value": at(seen.value.get(port), hex), "expected_value": at(expected, hex),
            "rtl_transfers": len(seen.cycle.get(port, ())), "model_transfers": len(case.cycle.get(port, ()))}
