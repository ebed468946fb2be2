"""Points: whole experiments with a name that depends on nothing but their inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from hwsim.errors import InputError
from hwsim.settings import merged
from hwsim.sweep.axes import combinations
from hwsim.sweep.families import FAMILIES, family_of, flattened, nested
from hwsim.sweep.spec import Space

_DIGITS = 16
"""Hexadecimal digits of a point's name: among a billion points two are equal with a chance of 3 %."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One experiment.

    Attributes:
        name: content hash of family, inputs and the files that the workload is read from.
        space: of the sweep's file.
        inputs: by dotted key, defaults included.
        folder: that the workload's paths start from.
        error: why it cannot be evaluated; empty where it can.
    """

    name: str
    space: str
    family: str
    inputs: Mapping[str, Any] = field(hash=False)
    folder: str
    error: str = ""

    @property
    def workload(self) -> str:
        """What the workload is called in tables."""
        given = self.inputs
        for key in ("zoo", "network", "kv.name", "gemm", "onnx", "scalesim", "weights"):
            if given.get(f"workload.{key}") is not None:
                return str(given[f"workload.{key}"])
        return "?"

    @property
    def seed(self) -> int:
        """Of what is drawn at random."""
        seed = self.inputs.get("pruning.seed", 0)
        return seed if isinstance(seed, int) else 0

    @property
    def shared(self) -> tuple[Any, ...]:
        """Equal where points share most of their work."""
        return (self.family, self.folder, *FAMILIES[self.family].shared(self.inputs))


def points_of(space: Space) -> Iterator[Point]:
    """Every point of a space, in the order of its axes; those that the constraints on keys refuse are left out.

    A configuration that cannot be is a point with an error; equal experiments come once.
    """
    seen: set[str] = set()
    for workload in space.workloads:
        for chosen in combinations(space.axes, known_values(space, workload)):
            point = make_point(space, workload, chosen)
            if point is not None and point.name not in seen:
                seen.add(point.name)
                yield point


def known_values(space: Space, workload: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions see before any axis is chosen: the base in full where it is one, else as it is written."""
    mapping = merged(space.base, {"workload": workload})
    raw = flattened(mapping)
    axes = {axis.key for axis in space.axes}
    try:
        first = {axis.key: axis.values[0] for axis in space.axes if axis.when is None}
        full = family_of(mapping).inputs(merged(mapping, nested(first)))
    except InputError:
        full = {}
    return {key: value for key, value in {**full, **raw}.items() if key not in axes or key in raw}


def make_point(space: Space, workload: Mapping[str, Any], chosen: Mapping[str, Any]) -> Point | None:
    """The point of one choice; None where a constraint on keys refuses it."""
    mapping = merged(merged(space.base, {"workload": workload}), nested(chosen))
    family = family_of(mapping)
    error = ""
    try:
        inputs = family.inputs(mapping)
    except InputError as refused:
        inputs, error = flattened(mapping), str(refused)
    if not error and not all(each(inputs) for each in space.key_constraints):
        return None
    name = _name(family.name, inputs, space.folder)
    return Point(name=name, space=space.name, family=family.name, inputs=inputs, folder=space.folder, error=error)


def _name(family: str, inputs: Mapping[str, Any], folder: str) -> str:
    files = {}
    for key in ("workload.onnx", "workload.scalesim", "workload.weights"):
        if isinstance(inputs.get(key), str):
            files[key] = _digest(str(Path(folder) / inputs[key]))
    text = json.dumps([family, inputs, files], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


@lru_cache(maxsize=256)
def _digest(path: str) -> str:
    from hwsim.provenance import file_digest

    return file_digest(Path(path))


def chunks_of(points: Sequence[Point], most: int = 16) -> list[list[Point]]:
    """Points in lists of at most ``most`` that share their work; lists keep the order in which points came."""
    groups: dict[tuple[Any, ...], list[Point]] = {}
    for point in points:
        groups.setdefault(point.shared, []).append(point)
    return [group[first:first + most] for group in groups.values() for first in range(0, len(group), most)]
