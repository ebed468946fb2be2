"""The bench on cocotb and Icarus Verilog, where that is installed: builds at once, runs slowly."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from amaranth.lib import wiring
from cocotb_tools import runner as cocotb_runner

from rtl.bench.cache import built, key_of
from rtl.bench.cocotb_run import import_path, last_lines, run_cocotb
from rtl.bench.device import stream_ports
from rtl.bench.toolchain import program_version, require
from rtl.bench.transfers import Stimulus, Transfers
from rtl.verilog import emit


class IcarusBench:
    """A device compiled by Icarus Verilog and driven by cocotb."""

    def __init__(
        self,
        component_factory: Callable[[], wiring.Component],
        name: str,
        tool: str | None,
        verilog: Callable[[Any], str] | None = None,
    ):
        self._folder = Path(require(tool or "iverilog", "engine icarus")).parent
        component = component_factory()
        self.ports, self._name = stream_ports(component), name
        text = verilog(component) if verilog else emit(component, name)
        versions = [program_version(str(self._folder / "iverilog")), importlib.metadata.version("cocotb")]
        self.build_dir = built("icarus", key_of([name, text, *versions]), lambda folder: self._build(folder, text))

    def _build(self, folder: Path, text: str) -> None:
        (folder / "design.v").write_text(text)
        log = folder / "build.log"
        try:
            _Runner(self._folder).build(
                sources=[folder / "design.v"], hdl_toplevel=self._name, build_dir=folder, log_file=log
            )
        except (RuntimeError, SystemExit) as error:
            raise RuntimeError(f"{self._name}: iverilog failed ({error}){last_lines(log)}") from error

    def run(self, stimuli: Sequence[Stimulus]) -> list[Transfers]:
        """Run the cases one after the other, with a reset before each."""
        return run_cocotb(_Runner(self._folder), self.build_dir, self._name, self.ports, stimuli)


class _Runner(cocotb_runner.Icarus):
    """Cocotb's runner with the programs of one folder."""

    def __init__(self, folder: Path):
        self._folder = folder
        super().__init__()
        self.log.disabled = True

    def _simulator_in_path(self) -> None:
        """Nothing to look for: the folder was found before."""

    def _set_env_common(self) -> None:
        super()._set_env_common()
        self.env["PATH"] = str(self._folder) + os.pathsep + self.env["PATH"]
        self.env["PYTHONPATH"] = import_path() + os.pathsep + self.env["PYTHONPATH"]
