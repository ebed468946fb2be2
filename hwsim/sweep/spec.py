"""The sweep file: what is varied, what is left out, what is looked for.

    name = "arrays"
    max_failures = 0.25              # part of the points that may fail before the sweep stops
    metrics = ["cycles"]             # columns of the printed table; the store holds all

    [objectives]                     # what the printed front, the search and the report compare
    seconds = "min"
    energy_joules = "min"

    [[space]]                        # one or more; a file of one space may leave this line out
    name = "nm"
    base = "demo.toml"               # experiment file, or a table [space.base]
    baselines = ["dense"]            # may be left out: as the base has it
    workloads = [{ zoo = "resnet50" }, { gemm = "512x512x512" }]  # may be left out: an axis of whole sections
    constraints = ["accelerator.rows * accelerator.cols <= 4096", "metric.seconds < 0.1"]

    [space.axes]                     # see `hwsim.sweep.axes`
    accelerator.rows = [16, 32, 64]

Constraints on keys alone leave points out; those on metrics mark rows as not feasible. Unknown keys are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hwsim.errors import InputError
from hwsim.fields import convert, in_range, nearest, one_of
from hwsim.settings import load_toml
from hwsim.sweep.axes import Axis, parse_axes
from hwsim.sweep.expression import Expression
from hwsim.sweep.rows import METRICS

Direction = Literal["min", "max"]
_TOP = ("name", "max_failures", "metrics", "objectives", "space")
_SPACE = ("name", "base", "baselines", "workloads", "constraints", "axes")
_OBJECTIVES: Mapping[str, Direction] = {"seconds": "min", "energy_joules": "min"}
_SHOWN = ("cycles", "energy_joules", "edp_joule_seconds", "speedup_dense", "multipliers")


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """Points that come from one base by its axes.

    Args:
        name: in the rows.
        folder: that relative paths of the base start from.
        base: experiment as plain data.
        axes: in the order of the file; the first changes slowest.
        limits: constraints on keys alone.
        goals: constraints that name a metric.
    """

    name: str
    folder: Path
    base: Mapping[str, Any]
    axes: tuple[Axis, ...]
    limits: tuple[Expression, ...]
    goals: tuple[Expression, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """A sweep file as it was read; ``text`` is the file itself."""

    name: str
    text: str
    max_failures: float
    metrics: tuple[str, ...]
    objectives: Mapping[str, Direction]
    spaces: tuple[Space, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``sweep.json``."""
        return {"name": self.name, "file": self.text,
                "objectives": [{"name": name, "direction": way} for name, way in self.objectives.items()],
                "metrics": list(self.metrics),
                "folders": {space.name: str(space.folder.resolve()) for space in self.spaces},
                "axes": {space.name: [axis.to_dict() for axis in space.axes] for space in self.spaces},
                "constraints": {space.name: [rule.text for rule in (*space.limits, *space.goals)]
                                for space in self.spaces}}  # fmt: skip


def load_sweep(file: str | Path) -> Sweep:
    """Read and check a sweep file.

    Raises:
        InputError: the file or a base cannot be read, or a key or value is refused.
    """
    path = Path(file)
    mapping, place = load_toml(path), str(path)
    _refuse_unknown(mapping, _TOP if "space" in mapping else (*_TOP[:-1], *_SPACE[1:], "space"), place)
    spaces = _spaces(mapping, path)
    metrics = convert(tuple[str, ...], mapping.get("metrics", _SHOWN), f"{place}: metrics")
    for name in metrics:
        one_of(f"{place}: metrics", name, METRICS)
    failures = convert(float, mapping.get("max_failures", 0.25), f"{place}: max_failures")
    return Sweep(name=convert(str, mapping.get("name", path.stem), f"{place}: name"), text=path.read_text("utf-8-sig"),
                 max_failures=in_range(f"{place}: max_failures", failures, 0.0, 1.0), metrics=metrics,
                 objectives=_objectives(mapping.get("objectives", _OBJECTIVES), f"{place}: objectives"),
                 spaces=spaces)  # fmt: skip


def _spaces(mapping: Mapping[str, Any], path: Path) -> tuple[Space, ...]:
    if "space" not in mapping:
        own = {key: value for key, value in mapping.items() if key in _SPACE}
        return (_space({**own, "name": mapping.get("name", path.stem)}, path, str(path)),)
    tables = mapping["space"]
    if not isinstance(tables, list) or not tables:
        raise InputError(f"{path}: space", "tables headed [[space]]", tables)
    spaces = tuple(_space(table, path, f"{path}: space[{number}]", f"space-{number + 1}")
                   for number, table in enumerate(tables))  # fmt: skip
    names = [space.name for space in spaces]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: space", "each name once", ", ".join(names))
    return spaces


def _space(table: Any, path: Path, place: str, name: str = "") -> Space:
    if not isinstance(table, Mapping):
        raise InputError(place, "a table", table)
    _refuse_unknown(table, _SPACE, place)
    dot = ": " if place == str(path) else "."
    base, folder = _base(table.get("base", {}), path.parent, f"{place}{dot}base")
    if "baselines" in table:
        base = {**base, "baselines": table["baselines"]}
    axes = parse_axes(table["axes"], f"{place}{dot}axes") if "axes" in table else ()
    if "workloads" in table:
        (workloads,) = parse_axes({"workload": {"values": table["workloads"]}}, f"{place}{dot}workloads")
        axes = (workloads, *axes)
    if not axes:
        raise InputError(place, "axes or workloads", f"only {', '.join(table)}")
    rules = convert(tuple[str, ...], table.get("constraints", ()), f"{place}{dot}constraints")
    parsed = [Expression.parse(rule, f"{place}{dot}constraints[{number}]") for number, rule in enumerate(rules)]
    for rule in parsed:
        _check_metrics(rule)
    goals = tuple(rule for rule in parsed if any(path[0] == "metric" for path in rule.names))
    limits = tuple(rule for rule in parsed if rule not in goals)
    return Space(name=convert(str, table.get("name", name), f"{place}{dot}name"), folder=folder, base=base, axes=axes,
                 limits=limits, goals=goals)  # fmt: skip


def _base(base: Any, folder: Path, place: str) -> tuple[Mapping[str, Any], Path]:
    """Plain data of the base and the folder that its paths start from."""
    if isinstance(base, str):
        file = folder / base
        return load_toml(file), file.parent
    if isinstance(base, Mapping):
        return base, folder
    raise InputError(place, "an experiment's file or table", base)


def _check_metrics(rule: Expression) -> None:
    for path in rule.names:
        if path[0] == "metric":
            one_of(f"{rule.place}: metric", ".".join(path[1:]), METRICS)


def _objectives(table: Any, place: str) -> dict[str, Direction]:
    if not isinstance(table, Mapping) or not table:
        raise InputError(place, 'a table such as { seconds = "min" }', table)
    for name, way in table.items():
        one_of(place, name, METRICS)
        one_of(f"{place}.{name}", way, ("min", "max"))
    return dict(table)


def _refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    for key in table:
        if key not in known:
            raise InputError(place, f"one of the keys {', '.join(known)}{nearest(key, known)}", f"key {key!r}")

