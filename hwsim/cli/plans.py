"""What each run of an experiment does to the weights: pruned to N:M, pruned without structure, or as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.cli.sources import Source
from hwsim.errors import InputError
from hwsim.experiment import Experiment
from hwsim.sparsity.ratio import DENSE, Ratio


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """One run.

    Args:
        label: in tables and figures, e.g. ``"2:4"``, ``"as given"``, ``"25% unstructured"``.
        ratios: N:M by operator name.
        weights: by operator name, (groups, K, N); None for shapes.
        records: what was done to each layer, plain data.
    """

    label: str
    ratios: Mapping[str, Ratio]
    weights: dict[str, Any] | None
    records: tuple[dict[str, Any], ...]


def plans_of(source: Source, experiment: Experiment) -> list[Plan]:
    """One plan per ratio asked for; else one of the weights as they are.

    Raises:
        InputError: a pattern matches no layer, or a ratio that the array was not built for.
    """
    if experiment.pruning.asked or source.weights is None:
        return [_pruned(source, experiment, ratio) for ratio in experiment.pruning.runs]
    return [_as_they_are(source, experiment)]


def _pruned(source: Source, experiment: Experiment, ratio: Ratio) -> Plan:
    if experiment.pruning.unstructured is not None:
        raise InputError("pruning.unstructured", "a workload with weights", "shapes")
    ratios, notes = plan_ratios(source, experiment, ratio)
    weights, records = prune(source, ratios, notes)
    return Plan(label=str(ratio), ratios=ratios, weights=weights, records=records)


def _other_axis(w: npt.NDArray[Any], known: list[Ratio]) -> str:
    """A hint, where the zeros have structure along the output channels but not along the reduction."""
    from mappers.detect import sparsest

    found = sparsest(np.swapaxes(w, -1, -2), known)
    if found == DENSE:
        return ""
    return f"zeros obey {found} along N, not along K: is it the other way round (workload.layout)?"


def _as_they_are(source: Source, experiment: Experiment) -> Plan:
    """Each layer at the sparsest ratio that its zeros obey, after unstructured pruning where that is asked for."""
    from mappers.detect import ratios_of
    from mappers.prune import prune_unstructured

    density, label = experiment.pruning.unstructured, "as given"
    weights: dict[str, Any] = dict(source.weights or {})
    if density is not None:
        weights = {name: layer.weights for name, layer in prune_unstructured(weights, density).items()}
        label = f"{100 * density:g}% unstructured"
    known = [mode.ratio for mode in experiment.accelerator.config.modes]
    ratios = ratios_of(weights, known)
    records = tuple({"name": name, "ratio": str(ratio), "density": float(np.count_nonzero(w)) / w.size,
                     "note": _other_axis(w, known) if ratios[name] == DENSE else ""}
                    for (name, ratio), w in zip(ratios.items(), weights.values(), strict=True))  # fmt: skip
    return Plan(label=label, ratios=ratios, weights=weights, records=records)


def plan_ratios(source: Source, experiment: Experiment, default: Ratio) -> tuple[dict[str, Ratio], dict[str, str]]:
    """Ratio of every layer with weights, and why a layer is left dense.

    A topology file's own ratios count where the experiment asks for none.
    """
    from mappers.prune import LeaveDense

    pruning = experiment.pruning
    layers = [op for op in source.workload if op.has_weights]
    pruning.layers.refuse_unused(op.name for op in layers)
    own = source.ratios if pruning.ratio is None and not pruning.ratios else {}
    leave = LeaveDense(first=pruning.keep_first, last=pruning.keep_last, depthwise=pruning.keep_depthwise,
                       smallest_k=pruning.smallest_k)  # fmt: skip
    ratios, notes = {}, {}
    for position, op in enumerate(layers):
        notes[op.name] = leave.reason(position, len(layers), op.weight_shape)
        asked = pruning.layers.ratio_of(op.name, own.get(op.name, default))
        ratios[op.name] = DENSE if notes[op.name] else asked
        if asked not in [mode.ratio for mode in experiment.accelerator.config.modes]:
            raise InputError(f"ratio of {op.name}", "a ratio that the array is built for", str(asked))
    return ratios, notes


def prune(
    source: Source, ratios: Mapping[str, Ratio], notes: Mapping[str, str]
) -> tuple[dict[str, Any] | None, tuple[dict[str, Any], ...]]:
    """Pruned weights (None for shapes), and a record per layer; shapes need none, as N:M fixes the work."""
    if source.weights is None:
        records = [{"name": name, "ratio": str(ratio), "note": notes[name]} for name, ratio in ratios.items()]
        return None, tuple(records)
    from mappers.prune import LeaveDense, prune_nm

    known = {name: source.weights[name] for name in ratios if name in source.weights}
    asked = {name: ratios[name] for name in known}
    pruned = prune_nm(known, {_literal(name): ratio for name, ratio in asked.items()},
                      LeaveDense(depthwise=False, smallest_k=0))  # fmt: skip
    rows = [{**asdict(layer.record), "note": notes[name]} for name, layer in pruned.items()]
    plain = [{**row, "shape": list(row["shape"]), "ratio": str(asked[row["name"]])} for row in rows]
    return {name: layer.weights for name, layer in pruned.items()}, tuple(plain)


def _literal(name: str) -> str:
    """A pattern that matches this name alone."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
