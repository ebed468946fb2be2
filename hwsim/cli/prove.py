"""Points of a sweep proven: the RTL of a point's hardware against model and reference, and the row once more."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hwsim.config import Configuration
from hwsim.errors import InputError
from hwsim.experiment import Experiment
from hwsim.llm_workload.experiment import LlmExperiment
from hwsim.provenance import revision, versions
from hwsim.sweep.families import experiment_of, family_of
from hwsim.sweep.proofs import Proof, sources
from hwsim.sweep.rows import Point, Row, good_row

LAYER_CYCLES = 20_000
"""Cycles of a layer's part on the RTL, about."""
_TOLERANCE = 1e-12
"""Of a metric evaluated again: sums of floats on another machine."""

Progress = Callable[[int, int, str], None]


@dataclass(kw_only=True)
class _Sum:
    """What the runs of one point found together."""

    parts: list[dict[str, Any]] = field(default_factory=list)
    failure: str = ""

    def add(self, name: str, what: str, found: Mapping[str, Any]) -> None:
        """Count a run's report; ``found`` is its ``to_dict``."""
        kept = ("family", "cases", "transfers", "value_mismatches", "cycle_mismatches", "protocol_violations",
                "unfinished", "rtl_cycles", "model_cycles", "verified", "passed")  # fmt: skip
        self.parts.append({"name": name, "what": what, **{key: found[key] for key in kept}})
        if not found["passed"] and not self.failure:
            first = json.dumps(found["failures"][:1], sort_keys=True, default=str)
            self.failure = f"{name}: {first if found['failures'] else 'other cycles than the simulator said'}"

    def of(self, *keys: str) -> int:
        """Sum of these counts over all parts."""
        return sum(int(part[key]) for part in self.parts for key in keys)


def hardware(experiment: Any) -> list[tuple[str, str, Configuration, dict[str, Any]]]:
    """What of a point has RTL: name, family, configuration, and what is fixed of the cases of each run."""
    if isinstance(experiment, Experiment):
        return [("array", "nm_array", experiment.accelerator.config, {})]
    machine, channels = experiment.accelerator, experiment.workload.kv.shape.channels
    unit, (sparsity,) = machine.attention(channels), experiment.pruning.sparsities
    return [("attention unit", "bitmap_decoder", unit, {}),
            (f"attention unit at sparsity {sparsity:g}", "bitmap_decoder", unit, {"density": 1 - sparsity}),
            ("pruner of values", "bitmap_decoder", machine.pruner(channels, "values"), {}),
            ("pruner of keys", "bitmap_decoder", machine.pruner(channels, "keys"), {})]  # fmt: skip


@cache
def _verified(family: str, config: Configuration, fixed: str, seed: int, cases: int, engine: str) -> dict[str, Any]:
    """Report of random cases on exactly that hardware; once, where several points have the same."""
    from rtl.verify import verify

    settings = {**config.to_mapping(), **json.loads(fixed)}
    report = verify(family, settings, seed=seed, cases=cases, engine=engine)
    if report.verified != [config.to_mapping()]:
        raise RuntimeError(f"wanted the RTL of {config}, got that of {report.verified}")
    return report.to_dict()


def provable(row: Row, largest: int) -> Any:
    """The experiment of a row.

    Raises:
        InputError: the point failed, no RTL is of its keys, or its array is too large to be built in reasonable time.
    """
    if row["status"] != "ok":
        raise InputError(f"point {row['point']}", "a point that was evaluated", row["error"] or row["status"])
    experiment = experiment_of(json.loads(row["inputs"]))
    if isinstance(experiment, LlmExperiment):
        raise InputError(f"point {row['point']}", "a point whose keys decide an RTL (hwsim verify dsp_chain proves the "
                         "components by their own keys)", "an engine that is priced by its counts")  # fmt: skip
    if isinstance(experiment, Experiment):
        config = experiment.accelerator.config
        if config.macs_per_cycle > largest:
            wanted = (f"an array of at most {largest:,} multipliers (larger ones take long to build; --largest "
                      f"{config.macs_per_cycle} tries, a constraint in the sweep bounds them)")  # fmt: skip
            given = f"{config.rows} x {config.cols} x {config.multipliers} = {config.macs_per_cycle:,}"
            raise InputError(f"point {row['point']}", wanted, given)
    return experiment


def prove(row: Row, folder: str, *, seed: int, cases: int, engine: str, progress: Progress) -> Proof:
    """Prove one point: its hardware under random programs, parts of its own layers, and its row evaluated again.

    Args:
        row: of the sweep's table, one that is `provable`.
        folder: that the paths of the experiment start from.
        seed: of cases and stalls.
        cases: random ones of each part of the hardware.
        engine: of `hwsim verify`.
        progress: told (done, all, words).

    Raises:
        InputError: a missing tool, or a file of the workload that is not there.
    """
    from hwsim.cli.layer import prove_layer

    experiment: Any = experiment_of(json.loads(row["inputs"]))
    found = _Sum()
    parts, layers = hardware(experiment), _layers(row, experiment)
    total = len(parts) + len(layers) + 1
    progress(0, total, f"{row['point']}: evaluate the row again")
    outdated = _row_again(row, folder)
    if outdated:
        return _record(row, found, seed, engine, "outdated", outdated)
    for name, family, config, fixed in parts:
        progress(len(found.parts) + 1, total, f"{row['point']}: {name}")
        found.add(name, f"{cases} random cases", _verified(family, config, json.dumps(fixed), seed, cases, engine))
    for layer in layers:
        progress(len(found.parts) + 1, total, f"{row['point']}: layer {layer}")
        proof = prove_layer(experiment, Path(folder), layer, engine, seed, most_cycles=LAYER_CYCLES)
        found.add(f"layer {layer}", f"{proof.passes:,} of {proof.all_passes:,} passes at {proof.mode}",
                  proof.to_dict())  # fmt: skip
    return _record(row, found, seed, engine, "disproven" if found.failure else "proven", found.failure)


def _layers(row: Row, experiment: Any) -> list[str]:
    """Of each N:M ratio of the point the layer that takes most cycles; none where no layer has INT8 operands."""
    if not isinstance(experiment, Experiment) or experiment.accelerator.config.floating:
        return []
    layers = json.loads(row["detail"])["layers"]
    longest: dict[str, tuple[int, str]] = {}
    for name, cycles, macs, ratio in zip(layers["name"], layers["cycles"], layers["useful_macs"], layers["ratio"],
                                         strict=True):  # fmt: skip
        if macs:
            longest[ratio] = max(longest.get(ratio, (0, "")), (cycles, name))
    return [name for _, name in longest.values()]


def _row_again(row: Row, folder: str) -> str:
    """What the program of now gives otherwise than the row; empty if nothing."""
    from hwsim.cli.evaluate import evaluate

    inputs = json.loads(row["inputs"])
    point = Point(name=row["point"], space=row["space"], family=family_of(inputs), inputs=inputs, folder=folder)
    again = good_row(point, evaluate(point), 0.0)
    for column, now in again.items():
        before = row.get(column) if column.startswith("metric.") else None
        if before is not None and not math.isclose(before, now or 0.0, rel_tol=_TOLERANCE):
            return f"{column.removeprefix('metric.')} is {before:.9g} in the row, {now} by this program"
    return ""


def _record(row: Row, found: _Sum, seed: int, engine: str, status: str, failure: str) -> Proof:
    return {"point": row["point"], "status": status, "failure": failure or None, "transfers": found.of("transfers"),
            "mismatches": found.of("value_mismatches", "cycle_mismatches"), "cycles": found.of("rtl_cycles"),
            "cases": found.of("cases"), "seed": seed, "engine": engine, "revision": revision(),
            "row_revision": row["revision"], "versions": versions(), "sources": sources(),
            "parts": found.parts}  # fmt: skip


def pick(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The rows of points by name, or by the beginning of one.

    Raises:
        InputError: no such point, or several.
    """
    chosen: dict[str, Row] = {}
    for name in names:
        fitting = [row for row in rows if name and row["point"].startswith(name)]
        if len(fitting) != 1:
            given = f"{name}, which {len(fitting):,} begin with" if fitting else f"{name}, which none begins with"
            raise InputError("--point", f"one of the {len(rows):,} points (hwsim query DIR 'SELECT point …')", given)
        chosen[fitting[0]["point"]] = fitting[0]
    return list(chosen.values())
