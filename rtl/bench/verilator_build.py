"""Builds a cocotb simulator with Verilator: the traps of doing so are all in this file.

- Verilator's makefile in the Python package names the compiler of the machine that it was packed on, and lacks the flag
  that reads a precompiled header.
- Cocotb's own call makes every signal public, which slows a design down; here only the ports of the top module are.
- Verilator's runtime is compiled anew for every design, though it depends on none: its objects are kept.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cocotb_tools.config

from rtl.bench.cache import built, cache_root, key_of
from rtl.bench.cocotb_run import last_lines
from rtl.bench.toolchain import Verilator, find_verilator, program_version, require
from rtl.bench.transfers import Port

_GENERATE = ("-cc", "--exe", "--vpi", "--prefix", "Vtop", "-Mdir", ".", "-Wno-fatal", "-Wno-lint", "-Wno-style")
# Above -O2, Verilator's VPI source alone compiles for many minutes.
_OPTIMIZE = ("OPT_FAST=-O2", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
# Signals whose name begins with an underscore are those that synthesis named.
_TRACE = ("--trace-saif", "--trace-underscore", "--trace-max-width", "0", "--trace-max-array", "0")
# Most of the code then is the trace's, for a few thousand cycles: compiling it well takes longer than running it.
_QUICK = ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
_CELLS = "cells.v"
_MOST_JOBS = 4


@dataclass(frozen=True)
class Kit:
    """The programs of a build and the key of everything that they decide."""

    verilator: Verilator
    make: str
    compiler: str

    @property
    def key(self) -> str:
        """Changes with any version, flag or place that goes into a build."""
        versions = [self.verilator.version, program_version(self.compiler), importlib.metadata.version("cocotb")]
        return key_of([*versions, str(cocotb_tools.config.libs_dir), *_GENERATE, *_OPTIMIZE])

    @property
    def runtime(self) -> Path:
        """Where the objects of Verilator's runtime are kept."""
        return cache_root() / "verilator-runtime" / self.key


def find_kit(tool: str | None) -> Kit:
    """The programs, or `InputError` for the first that is missing."""
    verilator = find_verilator(tool)
    if verilator.root is None:
        require("perl", "a Verilator outside the Python package")
    return Kit(verilator, require("make", "engine verilator"), require("g++", "engine verilator"))


def build_verilated(text: str, name: str, ports: tuple[Port, ...], kit: Kit, cells: str | None = None) -> Path:
    """Folder with the compiled simulator of this Verilog, from the cache if it was built before.

    Args:
        text: of the Verilog.
        name: of its top module.
        ports: of it.
        kit: programs to build with.
        cells: Verilog of modules that the text uses and nobody needs to see into; with it, the simulator can write
            what all nets of the text do (SAIF).
    """
    control = control_file(name, ports) + (f'tracing_off -file "{_CELLS}"\n' if cells is not None else "")
    traced = (*_TRACE, *_QUICK) if cells is not None else ()
    runtime = kit.runtime.with_name(key_of([kit.key, *traced])) if traced else kit.runtime

    def build(folder: Path) -> None:
        (folder / "design.v").write_text(text)
        (folder / "ports.vlt").write_text(control)
        if cells is not None:
            (folder / _CELLS).write_text(cells)
        _generate(folder, name, kit, [*_TRACE, _CELLS] if traced else [])
        _take_runtime(runtime, folder)
        _make(folder, name, kit, bool(traced))
        _keep_runtime(runtime, folder)
        for made in folder.iterdir():
            if made.name not in (name, "design.v", _CELLS, "ports.vlt", "build.log"):
                made.unlink()

    return built("verilator", key_of([kit.key, name, text, control, *traced, cells or ""]), build)


def control_file(name: str, ports: tuple[Port, ...]) -> str:
    """Verilator control file that makes the ports, and nothing else, visible to cocotb."""
    pins = ["clk", "rst"]
    for port in ports:
        pins += [f"{port.name}__valid", f"{port.name}__ready"] + [f"{port.name}__payload"] * bool(port.width)
    lines = [f'public_flat_rw -module "{name}" -var "{pin}"' for pin in pins]
    return "\n".join(["`verilator_config", *lines, ""])


def _generate(folder: Path, name: str, kit: Kit, more: Sequence[str]) -> None:
    library = cocotb_tools.config.libs_dir
    linking = f"-Wl,-rpath,{library} -L{library} -lcocotbvpi_verilator"
    main = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    outputs = ["--top-module", name, "-o", name, "-LDFLAGS", linking]
    _call([*kit.verilator.command, *_GENERATE, *outputs, "ports.vlt", "design.v", *more, str(main)], folder, name, kit)


def _make(folder: Path, name: str, kit: Kit, traced: bool) -> None:
    settings = [*(_QUICK if traced else _OPTIMIZE), f"VM_TRACE={int(traced)}"]
    if kit.verilator.root:
        settings += [f"CXX={kit.compiler}", f"LINK={kit.compiler}", "AR=ar", f"PYTHON3={sys.executable}"]
        settings += ["CFG_CXXFLAGS_PCH_I=-include"]
    jobs = min(_MOST_JOBS, os.cpu_count() or 1)
    _call([kit.make, "-s", "-j", str(jobs), "-f", "Vtop.mk", *settings], folder, name, kit)


def _call(command: Sequence[str], folder: Path, name: str, kit: Kit) -> None:
    environment = kit.verilator.environment()
    for inherited in ("MAKEFLAGS", "MFLAGS", "CXXFLAGS", "CPPFLAGS", "CFLAGS", "LDFLAGS"):
        environment.pop(inherited, None)
    log = folder / "build.log"
    with log.open("a") as out:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        )
    if done.returncode:
        raise RuntimeError(f"{name}: {Path(command[0]).name} ended with {done.returncode}{last_lines(log)}")


def _take_runtime(runtime: Path, folder: Path) -> None:
    """Put the kept objects into a build, newer than its makefile so that make leaves them alone."""
    for kept in runtime.glob("*.o"):
        shutil.copyfile(kept, folder / kept.name)


def _keep_runtime(runtime: Path, folder: Path) -> None:
    """Keep the objects that this build had to make; each appears whole or not at all."""
    runtime.mkdir(parents=True, exist_ok=True)
    for made in folder.glob("verilated*.o"):
        if not (runtime / made.name).exists():
            with tempfile.NamedTemporaryFile(dir=runtime, prefix=".", delete=False) as part:
                part.write(made.read_bytes())
            os.replace(part.name, runtime / made.name)
