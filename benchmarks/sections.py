"""The measurements by name, and one JSON file that holds the latest of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import circumstances

FILE = "benchmarks.json"
UNITS = {
    "*_s": "seconds, wall clock",
    "cpu_median_s": "CPU seconds of the measuring process, without its children",
    "cpu_s": "CPU seconds of a child process",
    "cycles": "cycles of the simulated accelerator's clock",
    "peak_bytes": "bytes, largest resident set",
    "*_ns_per_firing": "nanoseconds",
    "clock_hz": "Hz",
    "load_1min": "processes that want a core, mean of one minute",
    "macs": "dense multiply-accumulates",
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for: sizes of the GEMMs, most seconds for one SCALE-Sim case, where results go."""

    folder: Path
    sizes: list[int]
    scalesim_limit_s: float
    say: Callable[[str], None]


def _gemm(request: Request) -> Any:
    from benchmarks.gemm import hwsim_rows

    return hwsim_rows(request.sizes, request.say)


def _scalesim(request: Request) -> Any:
    from benchmarks.scalesim_store import table

    return table(request.folder, request.sizes, request.scalesim_limit_s, say=request.say)


def _pattern(request: Request) -> Any:
    from benchmarks.gemm import pattern_rows

    return pattern_rows(request.sizes, request.say)


def _rtl(request: Request) -> Any:
    from benchmarks.rtl_speed import rtl_rows

    return rtl_rows(request.say)


def _resnet50(request: Request) -> Any:
    from benchmarks.networks import resnet50

    return [resnet50(dataflow, request.say) for dataflow in ("ws", "os")]


def _import(request: Request) -> Any:
    from benchmarks.kernel import import_rows

    return import_rows(request.say)


def _solver(request: Request) -> Any:
    from benchmarks.kernel import solver_rows

    return solver_rows(request.say)


def _sweep(request: Request) -> Any:
    from benchmarks.sweep import sweep_rows

    return sweep_rows(request.say)


def _search(request: Request) -> Any:
    from benchmarks.sweep import search_rows

    return search_rows(request.say)


SECTIONS: dict[str, Callable[[Request], Any]] = {
    "import": _import, "solver": _solver, "gemm": _gemm, "pattern": _pattern, "resnet50": _resnet50, "rtl": _rtl,
    "sweep": _sweep, "search": _search, "scalesim": _scalesim,
}
"""By name, in the order in which they run: what takes longest last."""


def load(folder: Path) -> dict[str, Any]:
    """Sections of the file, marked as stored; none when there is no file."""
    file = folder / FILE
    kept = json.loads(file.read_text())["sections"] if file.exists() else {}
    return {name: {**section, "origin": "stored"} for name, section in kept.items() if name in SECTIONS}


def save(folder: Path, sections: dict[str, Any]) -> None:
    """Write the file, sections in their order; it appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = {name: sections[name] for name in SECTIONS if name in sections}
    part = folder / f".{FILE}.part"
    document = {"command": "python -m benchmarks", "units": UNITS, "sections": ordered}
    part.write_text(json.dumps(document, indent=1) + "\n")
    part.replace(folder / FILE)


def run(names: list[str], request: Request) -> dict[str, Any]:
    """Measure the named sections, saving after each; the others are taken from the file, whoever wrote them."""
    done: dict[str, Any] = {}
    for name in SECTIONS:
        if name in names:
            before = circumstances()
            inputs = {"sizes": request.sizes, "scalesim_limit_s": request.scalesim_limit_s}
            done[name] = {"origin": "measured in this run", "circumstances": before, "inputs": inputs,
                          "results": SECTIONS[name](request)}
            save(request.folder, {**load(request.folder), **done})
    found = {**load(request.folder), **done}
    return {name: found[name] for name in SECTIONS if name in found}
