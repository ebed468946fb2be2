"""What the report shows of a sweep's dataset, as plain data: columns, fronts, details by point.

The data are compact, as they go into the page: a text column is its levels and a number for each point, what is equal
in all points stands once, arrays by layer are base64 of little-endian float32.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.errors import InputError
from hwsim.report.html.labels import baselines_of, label_of
from hwsim.report.html.proofs import proofs_of
from hwsim.sweep.families import workload_of
from hwsim.sweep.fronts import fronts_of
from hwsim.sweep.keys import dotted, flattened

if TYPE_CHECKING:
    import pyarrow as pa

LAYER_ARRAYS = ("cycles", "energy_joules", "utilization", "dram_bytes", "useful_macs")
"""Arrays by layer: cycles, J, 0 … 1, bytes, multiplications with kept weights."""
COLOURS = 8
MEMORY_ONLY = "memory only"

Columns = dict[str, list[Any]]


def report_data(folder: str | Path) -> dict[str, Any]:
    """Everything that the page shows of a sweep's folder.

    Raises:
        InputError: no sweep, a broken part, or no point that was evaluated.
    """
    try:
        from hwsim.sweep.proofs import with_proofs
        from hwsim.sweep.store import read_description, read_table
    except ImportError:
        raise InputError("report", "the package pyarrow (pip install 'hwsim[sweep]')", "none") from None
    table = with_proofs(read_table(folder), folder)
    about = read_description(folder)
    columns: Columns = table.to_pydict()
    for name in ("point", "status", "inputs", "detail"):
        if name not in columns:
            raise InputError(str(folder), f"a dataset of 'hwsim sweep' with the column {name}", "none")
    good = [row for row, status in enumerate(columns["status"]) if status == "ok"]
    if not good:
        errors = [error for error in columns.get("error", []) if error]
        raise InputError(str(folder), "at least one point without error", errors[0] if errors else "none")
    return assembled(about, columns, good, _units(table))


def assembled(about: Mapping[str, Any], columns: Columns, good: Sequence[int],
              units: Mapping[str, str]) -> dict[str, Any]:
    """The page's data from a dataset's columns; ``good`` are the rows without error."""
    kept = {name: [values[row] for row in good] for name, values in columns.items()}
    inputs = [json.loads(text or "{}") for text in kept["inputs"]]
    details = [json.loads(text or "{}") for text in kept["detail"]]
    count = len(good)
    baselines = baselines_of(inputs)
    groups, names = _workloads(inputs, kept.get("workload", [None] * count))
    objectives = [dict(each) for each in about.get("objectives", [])]
    feasible = [value is not False for value in kept.get("feasible", [True] * count)]
    metrics = {name.removeprefix("metric."): [_number(value) for value in values]
               for name, values in kept.items() if name.startswith("metric.")}
    well = set(good)
    failed = [{"point": columns["point"][row], "error": str(columns["error"][row] or "") if "error" in columns else ""}
              for row in range(len(columns["point"])) if row not in well]
    shown = _inputs(inputs)
    return {
        "name": str(about.get("name") or "sweep"), "count": count, "objectives": objectives,
        "axes": _axes(about, shown["inputs"]),
        "failed": {"count": len(failed), "first": failed[:20]},
        "points": kept["point"], "groups": {"levels": names, "codes": groups},
        "front": fronts_of(metrics, objectives, groups, feasible), "feasible": feasible,
        "proofs": proofs_of({name: values for name, values in kept.items() if name.startswith("proof.")}
                            or {"proof.status": [None] * count}),
        "baselines": baselines,
        "metrics": [{"key": name, "label": label_of(name, baselines), "unit": units.get(name, ""), "values": values}
                    for name, values in metrics.items() if any(value is not None for value in values)],
        **shown, **_details(details, metrics.get("cycles", [None] * count)),
        "provenance": {"sweep": str(about.get("file", "")), "provenance": about.get("provenance", {}),
                       "revisions": sorted({str(value) for value in kept.get("revision", [])}),
                       "versions": sorted({str(value) for value in kept.get("versions", [])})}}


def _axes(about: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys of the sweep's axes among the inputs that differ; an axis of presets is the name that each preset has.

    The axis of whole workloads is none of them: a workload is chosen apart from the axes.
    """
    varied = [str(each["key"]) for each in inputs if isinstance(each["codes"], list)]
    found: dict[str, None] = {}
    for axis in (axis for axes in _table(about, "axes").values() for axis in axes):
        key = str(axis.get("key", ""))
        table = key.removesuffix("preset").rstrip(".")
        below = [each for each in varied if each.startswith(f"{table}.")] if key != table or key not in varied else []
        below = [] if key == "workload" else below
        named = [each for each in below if each.endswith(".name")] or below
        found.update(dict.fromkeys([key] if key in varied else named[:1]))
    return list(found)


def _units(table: pa.Table) -> dict[str, str]:
    found = {}
    for field in table.schema:
        unit = (field.metadata or {}).get(b"unit")
        if unit is not None:
            found[field.name.removeprefix("metric.")] = unit.decode("utf-8", "replace")
    return found


def _number(value: Any) -> float | None:
    """Finite numbers; what JSON cannot say is no value."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _workloads(inputs: Sequence[Mapping[str, Any]], names: Sequence[Any]) -> tuple[list[int], list[str]]:
    """Number of each point's workload, and the workloads' labels. Points with other workloads are no rivals.

    A label is the name and those parameters in which workloads of the sweep differ.
    """
    keys = [tuple((dotted(path), json.dumps(value)) for path, value in flattened(workload_of(each)))
            for each in inputs]
    order = list(dict.fromkeys(zip(names, keys, strict=True)))
    numbers = {each: number for number, each in enumerate(order)}
    levels: dict[str, set[str]] = {}
    for _, parameters in order:
        for key, value in parameters:
            levels.setdefault(key, set()).add(value)
    labels = []
    for name, parameters in order:
        own = [f"{key} {value.strip('[]')}" for key, value in parameters
               if len(levels[key]) > 1 and not isinstance(json.loads(value), str)]
        labels.append(", ".join([str(name or "workload"), *own]))
    return [numbers[each] for each in zip(names, keys, strict=True)], labels


def _table(mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = mapping.get(key)
    return found if isinstance(found, Mapping) else {}


def _inputs(inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Inputs by key: the table and the key as TOML writes them, their values as TOML, a number for each point.

    Keys that a point lacks have the number -1.
    """
    flat = [{path: toml_value(value) for path, value in flattened(each) if value is not None} for each in inputs]
    paths = sorted({path for each in flat for path in each}, key=lambda path: (path[:-1], path[-1]))
    found = []
    for path in paths:
        levels = _sorted({each[path] for each in flat if path in each})
        numbers = {text: number for number, text in enumerate(levels)}
        codes = [numbers[each[path]] if path in each else -1 for each in flat]
        found.append({"key": dotted(path), "table": dotted(path[:-1]), "name": dotted(path[-1:]), "levels": levels,
                      "codes": codes[0] if len(set(codes)) == 1 else codes})
    return {"inputs": found}


def _sorted(texts: set[str]) -> list[str]:
    """Numbers by size, then the rest by text."""
    def order(text: str) -> tuple[int, float, str]:
        try:
            return 0, float(text), text
        except ValueError:
            return 1, 0.0, text

    return sorted(texts, key=order)


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float):
        return "nan" if value != value else repr(value) if math.isfinite(value) else f"{'-' if value < 0 else ''}inf"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        parts = (f"{dotted((str(key),))} = {toml_value(each)}" for key, each in value.items() if each is not None)
        return f"{{ {', '.join(parts)} }}"
    if isinstance(value, Sequence):
        return f"[{', '.join(toml_value(each) for each in value)}]"
    raise TypeError(f"wanted a value that TOML knows, got {type(value).__name__}")


def _details(details: Sequence[Mapping[str, Any]], cycles: Sequence[float | None]) -> dict[str, Any]:
    """Energy and stalls by part, a column each; arrays by layer, of all points one after the other."""
    layers = [_table(each, "layers") for each in details]
    names = [tuple(map(str, each.get("name", ()))) for each in layers]
    numbers = {own: number for number, own in enumerate(dict.fromkeys(names))}
    arrays = {}
    for key in LAYER_ARRAYS:
        pieces = [np.asarray([_number(value) or 0.0 for value in _padded(each, key)], "<f4") for each in layers]
        arrays[key] = base64.b64encode(np.concatenate(pieces).tobytes()).decode()
    return {"energy": _largest(_parts([_table(each, "energy") for each in details])),
            "stalls": _parts([_states(each, own) for each, own in zip(details, cycles, strict=True)]),
            "layers": {"sets": [list(own) for own in numbers], "codes": [numbers[own] for own in names],
                       "arrays": arrays}}


def _padded(layers: Mapping[str, Any], key: str) -> list[Any]:
    """Values of a layer array; zeros where a family has none."""
    count = len(layers.get("name", ()))
    values = list(layers.get(key, ()))[:count]
    return values + [0.0] * (count - len(values))


def _states(detail: Mapping[str, Any], cycles: float | None) -> dict[str, float]:
    """Cycles of the compute engine by state, and those that layers without it take; of a family without, by layer."""
    states = {name: _number(value) or 0.0 for name, value in _table(_table(detail, "stalls"), "compute").items()}
    layers = _table(detail, "layers")
    if not states and len(layers.get("name", ())) < COLOURS:
        return {str(name): _number(value) or 0.0
                for name, value in zip(layers.get("name", ()), _padded(layers, "cycles"), strict=True)}
    if states and cycles:
        states[MEMORY_ONLY] = max(0.0, cycles - sum(states.values()))
    return states


def _parts(tables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Columns of the parts that some point has, zeros where others have none."""
    names = dict.fromkeys(name for table in tables for name in table)
    columns = {name: [_number(table.get(name)) or 0.0 for table in tables] for name in names}
    return [{"key": name, "values": values} for name, values in columns.items() if any(values)]


def _largest(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many columns as there are colours, largest mean share first; the others are one column."""
    if not columns:
        return []
    values = np.array([each["values"] for each in columns])
    share = (values / np.maximum(values.sum(axis=0), 1e-300)).mean(axis=1)
    order = [int(place) for place in np.argsort(-share, kind="stable")]
    found = [columns[place] for place in order[:COLOURS - 1]]
    rest = values[order[COLOURS - 1:]].sum(axis=0)
    return [*found, {"key": "other", "values": rest.tolist()}] if rest.any() else found
