"""From plain data to an experiment of the family that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.errors import InputError
from hwsim.experiment import Experiment
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.sweep.rows import compact

SHARED = ("workload", "accelerator", "memory", "clock_hz", "mapper")
"""Parts of an experiment that, where equal, let points share most of their work."""


def family_of(mapping: Mapping[str, Any]) -> str:
    """Name of the accelerator's family."""
    workload = mapping.get("workload")
    return "bitmap_decoder" if isinstance(workload, Mapping) and "kv" in workload else "nm_array"


def experiment_of(mapping: Mapping[str, Any], place: str = "") -> Experiment | KvExperiment:
    """The experiment; one with a cache where the workload is one.

    Raises:
        InputError: it is refused, or stands for several runs.
    """
    if family_of(mapping) == "bitmap_decoder":
        cached = KvExperiment.from_mapping(mapping, place)
        if len(cached.pruning.sparsities) != 1 or len(cached.workload.contexts) != 1:
            wanted = "one sparsity and one context a point (contexts = [[1024], [4096]] as axis)"
            given = f"{len(cached.pruning.sparsities)} sparsities, {len(cached.workload.contexts)} contexts"
            raise InputError(place, wanted, given)
        return cached
    experiment = Experiment.from_mapping(mapping, place)
    if experiment.pruning.ratios:
        raise InputError(place, "pruning.ratio, one a point", "pruning.ratios")
    return experiment


def group_of(inputs: Mapping[str, Any]) -> str:
    """Equal for points that share most of their work."""
    return compact({part: inputs.get(part) for part in SHARED})
