"""The bench on cocotb and Verilator: the judge that users see. Built once per Verilog text, then kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from amaranth.lib import wiring
from cocotb_tools import runner as cocotb_runner

from rtl.bench.cocotb_run import import_path, run_cocotb
from rtl.bench.device import stream_ports
from rtl.bench.transfers import Port, Stimulus, Transfers
from rtl.bench.verilator_build import build_verilated, find_kit
from rtl.verilog import emit


class VerilatorBench:
    """A device compiled by Verilator and driven by cocotb."""

    def __init__(
        self,
        component_factory: Callable[[], wiring.Component],
        name: str,
        tool: str | None,
        verilog: Callable[[Any], str] | None = None,
    ):
        kit = find_kit(tool)
        component = component_factory()
        self.ports, self._name = stream_ports(component), name
        text = verilog(component) if verilog else emit(component, name)
        self.build_dir = build_verilated(text, name, self.ports, kit)

    def run(self, stimuli: Sequence[Stimulus]) -> list[Transfers]:
        """Run the cases one after the other, with a reset before each."""
        return run_verilated(self.build_dir, self._name, self.ports, stimuli)


def run_verilated(build_dir: Path, top: str, ports: tuple[Port, ...], stimuli: Sequence[Stimulus],
                  activity: Path | None = None) -> list[Transfers]:
    """Run the cases on what `build_verilated` built; with its cells, what each net did goes to a file (SAIF)."""
    return run_cocotb(_Runner(), build_dir, top, ports, stimuli, activity)


class _Runner(cocotb_runner.Verilator):
    """Cocotb's runner for a simulator that was built elsewhere."""

    def _set_env_common(self) -> None:
        super()._set_env_common()
        self.env["PYTHONPATH"] = import_path() + os.pathsep + self.env["PYTHONPATH"]
