"""The sweep's file (TOML): one base experiment or several, and the axes along which each is varied.

    name = "array size"
    objectives = { cycles = "min", energy_joules = "min" }
    max_failures = 20                    # percent of the points; more stop the sweep

    [[space]]                            # as many as wanted; points of all go into one dataset
    name = "array"
    base = "demo.toml"                   # an experiment's file, or a table [space.base]
    baselines = ["dense"]
    workloads = [{ zoo = "resnet50" }]   # tables [workload] of experiments; default: the base's own
    constraints = ["accelerator.rows * accelerator.cols <= 1024", "metric.dsp <= 6840"]

    [space.axes]
    "accelerator.rows" = [8, 16, 32]     # other forms: see `hwsim.sweep.axes`

With a single space its keys may stand at the top of the file. Constraints on keys alone keep a point from being made;
those with metrics mark it as not feasible: it stays in the dataset, and out of every front.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwsim.errors import InputError
from hwsim.fields import in_range, nearest, one_of
from hwsim.settings import load_toml, merged
from hwsim.sweep.axes import Axis
from hwsim.sweep.expression import Expression
from hwsim.sweep.metrics import METRICS

_SPACE = ("base", "axes", "constraints", "workloads", "baselines")
_TOP = ("name", "objectives", "max_failures", "space")
DEFAULT_OBJECTIVES = {"cycles": "min", "energy_joules": "min"}
MOST_FAILURES = 20.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """One base and its axes.

    Attributes:
        base: plain data of an experiment.
        folder: that its workload's paths start from.
        key_constraints, metric_constraints: expressions that have to hold.
    """

    name: str
    base: Mapping[str, Any]
    folder: str
    axes: tuple[Axis, ...]
    workloads: tuple[Mapping[str, Any], ...]
    key_constraints: tuple[Expression, ...]
    metric_constraints: tuple[Expression, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """A sweep's file.

    Attributes:
        objectives: metrics and ``"min"`` or ``"max"``.
        max_failures: percent of points.
        text: of the file.
    """

    name: str
    spaces: tuple[Space, ...]
    objectives: Mapping[str, str]
    max_failures: float
    text: str


def load_sweep(path: str | Path) -> Sweep:
    """The sweep of a file.

    Raises:
        InputError: the file or its base cannot be read, or a key or value is refused; the place names file and key.
    """
    file, place = Path(path), str(path)
    data = load_toml(file)
    _refuse(data, (*_TOP, *_SPACE), place)
    if "space" in data and set(data) & set(_SPACE):
        raise InputError(place, "[[space]], or the keys of one at the top", "both")
    given = data.get("space", [{key: data[key] for key in _SPACE if key in data}])
    if not isinstance(given, list) or not given or not all(isinstance(each, Mapping) for each in given):
        raise InputError(f"{place}: space", "tables [[space]]", given)
    spaces = tuple(_space(each, number, file) for number, each in enumerate(given))
    names = [space.name for space in spaces]
    if len(set(names)) != len(names):
        raise InputError(f"{place}: space", "each name once", ", ".join(names))
    failures = data.get("max_failures", MOST_FAILURES)
    if isinstance(failures, bool) or not isinstance(failures, (int, float)):
        raise InputError(f"{place}: max_failures", "a percentage", failures)
    return Sweep(name=str(data.get("name", file.stem)), spaces=spaces, text=file.read_text(encoding="utf-8-sig"),
                 objectives=_objectives(data.get("objectives", DEFAULT_OBJECTIVES), f"{place}: objectives"),
                 max_failures=float(in_range(f"{place}: max_failures", failures, 0, 100)))


def _refuse(data: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    known = list(known)
    for key in data:
        if key not in known:
            raise InputError(place, f"one of the keys {', '.join(known)}{nearest(key, known)}", f"key {key!r}")


def _objectives(given: Any, place: str) -> dict[str, str]:
    if not isinstance(given, Mapping) or not 1 <= len(given) <= 4:
        raise InputError(place, "a table of 1 to 4 metrics and \"min\" or \"max\"", given)
    for metric, direction in given.items():
        one_of(place, metric, METRICS)
        one_of(f"{place}.{metric}", direction, ("min", "max"))
    return dict(given)


def _space(given: Mapping[str, Any], number: int, file: Path) -> Space:
    place = f"{file}: space[{number}]"
    _refuse(given, ("name", *_SPACE), place)
    base, folder = _base(given.get("base", {}), file, f"{place}.base")
    if "baselines" in given:
        base = {**base, "baselines": given["baselines"]}
    axes = given.get("axes", {})
    if not isinstance(axes, Mapping) or not axes:
        raise InputError(f"{place}.axes", "a table of keys and their values", axes)
    constraints = [Expression(text, f"{place}.constraints") for text in _texts(given, "constraints", place)]
    for each in constraints:
        for name in each.names:
            if name.startswith("metric."):
                one_of(f"{place}.constraints", name.removeprefix("metric."), METRICS)
    with_metric = [any(name.startswith("metric.") for name in each.names) for each in constraints]
    return Space(
        name=str(given.get("name", f"space{number}")), base=base, folder=folder,
        axes=tuple(Axis.parse(key, value, f'{place}.axes."{key}"') for key, value in axes.items()),
        workloads=_workloads(given, base, place),
        key_constraints=tuple(each for each, late in zip(constraints, with_metric, strict=True) if not late),
        metric_constraints=tuple(each for each, late in zip(constraints, with_metric, strict=True) if late))


def _base(given: Any, file: Path, place: str) -> tuple[dict[str, Any], str]:
    if isinstance(given, str):
        path = file.parent / given
        return load_toml(path), str(path.parent)
    if not isinstance(given, Mapping):
        raise InputError(place, "the path of an experiment's file, or a table", given)
    return merged({}, given), str(file.parent)


def _texts(given: Mapping[str, Any], key: str, place: str) -> list[str]:
    found = given.get(key, [])
    if not isinstance(found, list):
        raise InputError(f"{place}.{key}", "a list of expressions", found)
    return found


def _workloads(given: Mapping[str, Any], base: dict[str, Any], place: str) -> tuple[Mapping[str, Any], ...]:
    """Tables ``[workload]``; they take the place of the base's, but for keys of a table without a source."""
    found = given.get("workloads", [base.pop("workload", {})])
    if not isinstance(found, list) or not found or not all(isinstance(each, Mapping) for each in found):
        raise InputError(f"{place}.workloads", "a list of tables", found)
    base.pop("workload", None)
    return tuple(found)
