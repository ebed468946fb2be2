"""Families that a sweep can span: which experiment a point is, in full, and what may be evaluated together.

A point's *inputs* are its whole experiment by dotted key, defaults included, so that equal experiments have equal
inputs however they were written. Of a key/value cache a point is one context, one sparsity and one engine: scalar keys
``workload.context``, ``pruning.sparsity`` and ``engine`` stand for the lists of its experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from hwsim.config import Configuration
from hwsim.errors import InputError
from hwsim.fields import one_of

Inputs = dict[str, Any]


class Family(Protocol):
    """How points of one kind are read."""

    name: str

    def inputs(self, mapping: Mapping[str, Any]) -> Inputs:
        """Full inputs by dotted key; `InputError` for a configuration that cannot be."""

    def experiment(self, inputs: Mapping[str, Any]) -> Configuration:
        """The experiment back."""

    def shared(self, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """Equal where points share most of their work."""


class NmArray:
    """``hwsim run`` on the N:M array: layers, tilings and baselines are shared by points that differ in pruning."""

    name = "nm_array"

    def inputs(self, mapping: Mapping[str, Any]) -> Inputs:
        """See `Family`; exactly one ratio a point."""
        from hwsim.experiment import Experiment

        experiment = Experiment.from_mapping(mapping)
        if experiment.pruning.ratios:
            raise InputError("pruning.ratios", "pruning.ratio: one a point, or an axis of it", "a list")
        return flattened({key: value for key, value in experiment.to_mapping().items() if key != "name"})

    def experiment(self, inputs: Mapping[str, Any]) -> Configuration:
        """See `Family`."""
        from hwsim.experiment import Experiment

        return Experiment.from_mapping(nested(inputs))

    def shared(self, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """See `Family`."""
        return tuple((key, repr(value)) for key, value in sorted(inputs.items()) if not key.startswith("pruning."))


class KvCache:
    """One token with a key/value cache: drawn blocks and their costs are shared by points of one machine."""

    name = "bitmap_decoder"

    def inputs(self, mapping: Mapping[str, Any]) -> Inputs:
        """See `Family`."""
        from hwsim.kv_workload.machine import ENGINES

        given = flattened(mapping)
        engine = one_of("engine", given.pop("engine", "skip"), ENGINES)
        for scalar, many in _SCALARS.items():
            if scalar in given and many in given:
                raise InputError(scalar, f"{scalar} alone: a point is one of {many}", "both")
            if scalar not in given and many not in given:
                raise InputError(scalar, "a value, or an axis of it", "nothing")
            if scalar in given:
                given[many] = [given.pop(scalar)]
        experiment = flattened({key: value for key, value in self.experiment(given).to_mapping().items()
                                if key != "name"})
        for scalar, many in _SCALARS.items():
            if len(experiment[many]) != 1:
                raise InputError(many, "one value a point, or an axis of its scalar key", experiment[many])
            experiment[scalar] = experiment.pop(many)[0]
        for key in ("workload.prompt", "workload.generate"):
            experiment.pop(key)  # of timelines, which a point has none of
        return {"engine": engine, **experiment}

    def experiment(self, inputs: Mapping[str, Any]) -> Configuration:
        """See `Family`."""
        from hwsim.kv_workload.experiment import KvExperiment

        given = {key: value for key, value in inputs.items() if key != "engine"}
        for scalar, many in _SCALARS.items():
            if scalar in given:
                given[many] = [given.pop(scalar)]
        return KvExperiment.from_mapping(nested(given))

    def shared(self, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
        """See `Family`."""
        return tuple((key, repr(value)) for key, value in sorted(inputs.items())
                     if key.startswith(("accelerator.", "pruning.", "workload.kv")))


_SCALARS = {"workload.context": "workload.contexts", "pruning.sparsity": "pruning.sparsities"}
FAMILIES: Mapping[str, Family] = {"nm_array": NmArray(), "bitmap_decoder": KvCache()}


def family_of(mapping: Mapping[str, Any]) -> Family:
    """Which family an experiment's plain data is of."""
    workload = mapping.get("workload")
    return FAMILIES["bitmap_decoder" if isinstance(workload, Mapping) and "kv" in workload else "nm_array"]


_TABLES = frozenset({"pruning.layers", "workload.dims"})
"""Tables whose keys are names of the user's, which may have dots in them: they stay whole."""


def flattened(mapping: Mapping[str, Any], above: str = "") -> Inputs:
    """Nested plain data by dotted key."""
    flat: Inputs = {}
    for key, value in mapping.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and value and name not in _TABLES:
            flat.update(flattened(value, f"{name}."))
        elif not isinstance(value, Mapping) or value:
            flat[name] = value
    return flat


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """`flattened` undone.

    Raises:
        InputError: a key is a value and a table at once.
    """
    result: dict[str, Any] = {}
    for name, value in flat.items():
        parts = name.split(".")
        table = result
        for part in parts[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise InputError(name, "each key once", f"{part!r} as a value and as a table")
        table[parts[-1]] = value
    return result
