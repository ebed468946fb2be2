"""The points of a sweep file: every combination of axis values that the conditions and constraints leave."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hwsim import __version__
from hwsim.errors import InputError
from hwsim.provenance import file_digest
from hwsim.settings import merged
from hwsim.sweep.axes import Axis
from hwsim.sweep.expression import Expression, Lookup, missing
from hwsim.sweep.families import experiment_of, family_of, group_of, inputs_of
from hwsim.sweep.keys import Path as KeyPath
from hwsim.sweep.keys import dotted, found, placed
from hwsim.sweep.rows import Point, Row, compact
from hwsim.sweep.spec import Space, Sweep

MOST_POINTS = 200_000
_SAMPLE, _TELLING = 64, 16
"""Points of a space that are tried before a search; so many of them, within its limits, are enough to judge by."""
_FILES = ("onnx", "scalesim", "weights")
"""Workloads that are files: their content is part of a point's inputs."""
_LLM_FILES = ("model", "assignment")
"""The same of a language model, where no preset has the name."""

Choose = Callable[[Axis], Any]


def points_of(sweep: Sweep) -> list[Point]:
    """All points, each once, those that share work one after the other.

    Raises:
        InputError: too many points, none at all, a key that no experiment has, or all points of a space refused for
            one reason.
    """
    for space in sweep.spaces:
        size = size_of(space)
        if size > MOST_POINTS:
            raise InputError(f"space {space.name}", f"at most {MOST_POINTS:,} combinations (or --search)", f"{size:,}")
        refuse_unknown_keys(space)
    points: dict[str, Point] = {}
    for space in sweep.spaces:
        for mapping in combinations(space):
            point = point_of(space, mapping)
            points.setdefault(point.name, point)
    if not points:
        raise InputError(sweep.name, "constraints that leave a point", "none")
    for space in sweep.spaces:
        _refuse_common_mistake(space, [point for point in points.values() if point.space == space.name])
    groups: dict[str, list[Point]] = {}
    for point in points.values():
        groups.setdefault(point.group, []).append(point)
    return [point for group in groups.values() for point in group]


def size_of(space: Space) -> int:
    """Combinations of all values, whatever conditions and constraints say."""
    return math.prod(len(axis.values) for axis in space.axes)


def combinations(space: Space) -> Iterator[dict[str, Any]]:
    """Experiments as plain data; combinations that a condition makes equal come more than once."""
    for mapping in _varied(space.base, space.axes):
        if within(space, mapping):
            yield mapping


def _varied(base: Mapping[str, Any], axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    if not axes:
        yield dict(base)
        return
    axis, *others = axes
    if not applies(axis, base):
        yield from _varied(base, others)
        return
    for value in axis.values:
        yield from _varied(placed(base, axis.path, value), others)


def chosen(space: Space, choose: Choose) -> dict[str, Any]:
    """One experiment: ``choose`` gives the value of each axis that applies."""
    mapping = dict(space.base)
    for axis in space.axes:
        if applies(axis, mapping):
            mapping = placed(mapping, axis.path, choose(axis))
    return mapping


def applies(axis: Axis, mapping: Mapping[str, Any]) -> bool:
    """Whether the axis' condition holds; it sees the base and the axes before it."""
    return axis.when is None or _holds(axis.when, mapping)


def within(space: Space, mapping: Mapping[str, Any]) -> bool:
    """Whether the constraints on keys hold."""
    return all(_holds(rule, mapping) for rule in space.limits)


def feasible(space: Space, row: Row, mapping: Mapping[str, Any]) -> bool | None:
    """Whether the constraints on metrics hold in a row; None where the point failed or a metric is not known."""
    if row["status"] != "ok":
        return None

    def look(path: KeyPath) -> Any:
        return row[f"metric.{path[1]}"] if path[0] == "metric" else found(mapping, path)

    if any(path[0] == "metric" and look(path) is None for rule in space.goals for path in rule.names):
        return None
    return all(_looked_up(rule, look) for rule in space.goals)


def _holds(rule: Expression, mapping: Mapping[str, Any]) -> bool:
    """Keys that the mapping leaves out have their default values; where it is refused, its point will say so."""
    try:
        for path in rule.names:
            found(mapping, path)
        filled = mapping
    except KeyError:
        try:
            filled = inputs_of(mapping)
        except InputError:
            return True
        filled = merged(filled, mapping)
    return _looked_up(rule, lambda path: found(filled, path))


def _looked_up(rule: Expression, look: Lookup) -> bool:
    for path in rule.names:
        try:
            look(path)
        except KeyError:
            raise missing(rule, path) from None
    return rule.holds(look)


def point_of(space: Space, mapping: Mapping[str, Any]) -> Point:
    """The point of an experiment; where that is refused, a point that says why."""
    family, folder = family_of(mapping), str(space.folder)
    try:
        inputs, refused = inputs_of(mapping), ""
    except InputError as error:
        inputs, refused = dict(mapping), str(error)
    return Point(name=_digest(inputs, folder), space=space.name, family=family, inputs=inputs, folder=folder,
                 group=group_of(inputs), refused=refused)  # fmt: skip


def _digest(inputs: Mapping[str, Any], folder: str) -> str:
    """Content hash (20 hex digits): inputs, files that they name, version of the program."""
    workload = inputs.get("workload")
    named = workload if isinstance(workload, Mapping) else {}
    files = {name: _file_digest(str(Path(folder) / str(named[name]))) for name in _FILES if name in named}
    llm = inputs.get("llm")
    if isinstance(llm, Mapping):
        files |= {name: _file_digest(str(llm[name])) for name in _LLM_FILES if Path(str(llm.get(name))).is_file()}
    return hashlib.sha256(compact([__version__, inputs, files]).encode()).hexdigest()[:20]


@cache
def _file_digest(file: str) -> str:
    try:
        return file_digest(Path(file))
    except InputError:
        return ""  # the point's evaluation says what is wrong with the file


def refuse_unknown_keys(space: Space) -> None:
    """Refuse axes and bases with keys that no experiment has: such a sweep is a mistake, not a point that fails.

    A value of each axis, and all where they are tables, are tried with the first values of the others.
    """
    first = chosen(space, lambda axis: axis.values[0])
    trials = [(f"space {space.name}", first)]
    trials += [(f"space {space.name}: axes.{dotted(axis.path)}", placed(first, axis.path, value))
               for axis in space.axes if applies(axis, first)
               for number, value in enumerate(axis.values) if not number or isinstance(value, Mapping)]  # fmt: skip
    for place, mapping in trials:
        try:
            experiment_of(mapping)
        except InputError as error:
            if str(error.given).startswith("key "):
                raise InputError(f"{place}: {error.place}", error.wanted, error.given) from None


def refuse_common_mistakes(sweep: Sweep) -> None:
    """Refuse a space too large to list where some points, drawn at random, are all refused for one reason."""
    draw = Random(0)
    for space in sweep.spaces:
        mappings = [chosen(space, lambda axis: draw.choice(axis.values)) for _ in range(_SAMPLE)]
        points = [point_of(space, mapping) for mapping in mappings if within(space, mapping)]
        if len(points) >= _TELLING:
            _refuse_common_mistake(space, points)


def _refuse_common_mistake(space: Space, points: Sequence[Point]) -> None:
    """Refuse a space whose points all fail for one reason: the mistake is in what they share, not in a point."""
    if not points or not points[0].refused or any(point.refused != points[0].refused for point in points):
        return
    try:
        experiment_of(points[0].inputs)
    except InputError as error:
        raise InputError(f"space {space.name}: {error.place}", error.wanted, error.given) from None
