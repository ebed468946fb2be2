"""The bench on cocotb and Verilator: the judge that users see. Built once per Verilog text, then kept."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cocotb_tools.config
from amaranth.lib import wiring
from cocotb_tools import runner as cocotb_runner

from rtl.bench.cache import built, cache_root, key_of
from rtl.bench.cocotb_run import import_path, last_lines, run_cocotb
from rtl.bench.device import stream_ports
from rtl.bench.toolchain import Verilator, find_verilator, program_version, require
from rtl.bench.transfers import Port, Stimulus, Transfers
from rtl.verilog import emit

# Above -O2, Verilator's VPI source alone compiles for many minutes.
_OPTIMIZE = ("OPT_FAST=-O2", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
_FLAGS = ("-cc", "--exe", "--vpi", "--prefix", "Vtop", "--x-initial", "0", "-Wno-fatal", "-Wno-lint", "-Wno-style")


class VerilatorBench:
    """A device compiled by Verilator and driven by cocotb."""

    def __init__(self, component_factory: Callable[[], wiring.Component], name: str, tool: str | None):
        component = component_factory()
        self.ports, self._name = stream_ports(component), name
        text = emit(component, name)
        self.build_dir = build_verilated(text, name, self.ports, tool)

    def run(self, stimuli: Sequence[Stimulus]) -> list[Transfers]:
        """Run the cases one after the other, with a reset before each."""
        return run_cocotb(_Runner(), self.build_dir, self._name, self.ports, stimuli)


class _Runner(cocotb_runner.Verilator):  # type: ignore[misc]
    """Cocotb's runner without its call for public signals everywhere, which slows every design down."""

    def _set_env_common(self) -> None:
        super()._set_env_common()
        self.env["PYTHONPATH"] = import_path() + os.pathsep + self.env["PYTHONPATH"]


def build_verilated(text: str, name: str, ports: tuple[Port, ...], tool: str | None) -> Path:
    """Folder with the compiled simulator of this Verilog, from the cache if it was built before."""
    verilator = find_verilator(tool)
    make, compiler = require("make", "engine verilator"), require("g++", "engine verilator")
    control = _control(name, ports)
    kit = key_of(
        [
            verilator.version,
            program_version(compiler),
            importlib.metadata.version("cocotb"),
            str(cocotb_tools.config.libs_dir),
            *_FLAGS,
            *_OPTIMIZE,
        ]
    )
    runtime = cache_root() / "verilator-runtime" / kit

    def build(folder: Path) -> None:
        (folder / "design.v").write_text(text)
        (folder / "ports.vlt").write_text(control)
        _compile(folder, name, verilator, make, compiler, runtime)

    return built("verilator", key_of([kit, name, text, control]), build)


def _control(name: str, ports: tuple[Port, ...]) -> str:
    """Verilator control file that makes the ports, and nothing else, visible to cocotb."""
    pins = ["clk", "rst"]
    for port in ports:
        pins += [f"{port.name}__valid", f"{port.name}__ready"] + [f"{port.name}__payload"] * bool(port.width)
    lines = [f'public_flat_rw -module "{name}" -var "{pin}"' for pin in pins]
    return "\n".join(["`verilator_config", *lines, ""])


def _compile(folder: Path, name: str, verilator: Verilator, make: str, compiler: str, runtime: Path) -> None:
    from subprocess import STDOUT, run

    library = cocotb_tools.config.libs_dir
    main = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    linking = f"-Wl,-rpath,{library} -L{library} -lcocotbvpi_verilator"
    generate = [*verilator.command, *_FLAGS, "-Mdir", ".", "--top-module", name, "-o", name, "-LDFLAGS", linking]
    generate += ["ports.vlt", "design.v", str(main)]
    settings = [*_OPTIMIZE]
    if verilator.root:
        # The makefile of the package holds the paths of the machine that it was built on, and lacks a flag.
        import sys

        settings += [f"CXX={compiler}", f"LINK={compiler}", "AR=ar", f"PYTHON3={sys.executable}"]
        settings += ["CFG_CXXFLAGS_PCH_I=-include"]
    jobs = min(4, os.cpu_count() or 1)
    build = [make, "-s", "-j", str(jobs), "-f", "Vtop.mk", "VM_TRACE=0", *settings]
    environment = {key: value for key, value in verilator.environment().items() if key not in ("MAKEFLAGS", "CXXFLAGS")}
    log = folder / "build.log"
    for command in (generate, build):
        if command is build:
            _take_runtime(runtime, folder)
        with log.open("a") as out:
            done = run(command, cwd=folder, env=environment, stdout=out, stderr=STDOUT, check=False)
        if done.returncode:
            raise RuntimeError(f"{name}: {Path(command[0]).name} ended with {done.returncode}{last_lines(log)}")
    _keep_runtime(runtime, folder)
    for leftover in folder.iterdir():
        if leftover.name not in (name, "design.v", "ports.vlt", "build.log"):
            leftover.unlink()


def _take_runtime(runtime: Path, folder: Path) -> None:
    """Put Verilator's own objects into a build, newer than its makefile so that make leaves them alone."""
    for kept in runtime.glob("*.o"):
        shutil.copyfile(kept, folder / kept.name)


def _keep_runtime(runtime: Path, folder: Path) -> None:
    """Keep Verilator's own objects of this build for the next design; they do not depend on the design."""
    runtime.mkdir(parents=True, exist_ok=True)
    for made in folder.glob("verilated*.o"):
        if not (runtime / made.name).exists():
            with tempfile.NamedTemporaryFile(dir=runtime, prefix=".", delete=False) as part:
                part.write(made.read_bytes())
            os.replace(part.name, runtime / made.name)
