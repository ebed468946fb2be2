"""From plain data to an experiment of the family that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.errors import InputError
from hwsim.experiment import Experiment
from hwsim.fields import joined, one_of
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.llm_workload.experiment import LlmExperiment
from hwsim.sweep.rows import compact

SHARED = ("workload", "accelerator", "memory", "clock_hz", "mapper")
"""Parts of an experiment that, where equal, let points share most of their work."""
GENERATIONS = ("model", "assignment", "prompt", "tokens")
"""The same of a language model's."""


def family_of(mapping: Mapping[str, Any]) -> str:
    """Name of the accelerator's family."""
    if "llm" in mapping:
        return "dsp_chain"
    workload = mapping.get("workload")
    return "bitmap_decoder" if isinstance(workload, Mapping) and "kv" in workload else "nm_array"


def experiment_of(mapping: Mapping[str, Any], place: str = "") -> Experiment | KvExperiment | LlmExperiment:
    """The experiment; one with a cache where the workload is one, one with a language model in the table ``llm``.

    Raises:
        InputError: it is refused, or stands for several runs.
    """
    if family_of(mapping) == "dsp_chain":
        if set(mapping) != {"llm"}:
            raise InputError(place, "the table llm alone", ", ".join(sorted(set(mapping) - {"llm"})))
        generation = LlmExperiment.from_mapping(mapping["llm"], joined(place, "llm"))
        _refuse_unknown_presets(generation, joined(place, "llm"))
        return generation
    if family_of(mapping) == "bitmap_decoder":
        cached = KvExperiment.from_mapping(mapping, place)
        if len(cached.pruning.sparsities) != 1 or len(cached.workload.contexts) != 1:
            wanted = "one sparsity and one context a point (contexts = [[1024], [4096]] as axis)"
            given = f"{len(cached.pruning.sparsities)} sparsities, {len(cached.workload.contexts)} contexts"
            raise InputError(place, wanted, given)
        return cached
    experiment = Experiment.from_mapping(mapping, place)
    if experiment.workload.zoo is not None:
        from hwsim.workload import zoo

        one_of(joined(place, "workload.zoo"), experiment.workload.zoo, zoo.names())
    if experiment.pruning.ratios:
        raise InputError(place, "pruning.ratio, one a point", "pruning.ratios")
    return experiment


def _refuse_unknown_presets(experiment: LlmExperiment, place: str) -> None:
    """Refuse names of models and assignments that there are not; files are read where points are evaluated."""
    from hwsim.workload.decoder.assignment import assignment_names
    from hwsim.workload.decoder.hugging_face import model_names

    if not experiment.model.endswith(".json"):
        one_of(joined(place, "model"), experiment.model, model_names())
    if not experiment.assignment.endswith((".json", ".toml")):
        one_of(joined(place, "assignment"), experiment.assignment, assignment_names())


def inputs_of(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The experiment as plain data, what the mapping leaves out filled in.

    Raises:
        InputError: as `experiment_of`.
    """
    experiment = experiment_of(mapping)
    return {"llm": experiment.to_mapping()} if isinstance(experiment, LlmExperiment) else experiment.to_mapping()


def workload_of(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of an experiment is the work and not the machine: points that differ in it are no rivals."""
    if family_of(inputs) == "dsp_chain":
        return {part: inputs["llm"][part] for part in ("model", "prompt", "tokens")}
    found: Mapping[str, Any] = inputs.get("workload") or {}
    return found


def group_of(inputs: Mapping[str, Any]) -> str:
    """Equal for points that share most of their work."""
    if family_of(inputs) == "dsp_chain":
        llm = inputs["llm"]
        return compact({part: llm.get(part) for part in GENERATIONS} if isinstance(llm, Mapping) else llm)
    return compact({part: inputs.get(part) for part in SHARED})
