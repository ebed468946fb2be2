"""Gates of a configuration: its Verilog mapped to a library's cells, and these under the bench that verifies RTL."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hwsim.config import Configuration
from rtl.bench.device import stream_ports
from rtl.bench.transfers import Port, Stimulus, Transfers
from rtl.bench.verilator_bench import run_verilated
from rtl.bench.verilator_build import build_verilated, find_kit
from rtl.power.activity import Activity, read_saif
from rtl.synth.liberty import Library, liberty_target
from rtl.synth.run import DESIGN, mapped
from rtl.synth.tool import find_yosys
from rtl.verify.registry import find_family

_GATES, _CELLS, _NETLIST = "gates.v", "cells.v", "netlist.json"


@dataclass(frozen=True, kw_only=True)
class Gates:
    """A mapped design: its ports, its Verilog, that of the cells, and the netlist as data, with the same names."""

    top: str
    ports: tuple[Port, ...]
    verilog: str
    cells: str
    netlist: dict[str, Any]


def map_gates(family: str, config: Configuration, libraries: Sequence[Library], tool: str | None = None) -> Gates:
    """Map a configuration to cells, hierarchy kept; kept by content.

    Raises:
        InputError: an unknown family, or no Yosys.
        RuntimeError: Yosys failed.
    """
    chosen = find_family(family)
    component = chosen.component(config)
    return map_verilog(chosen.verilog(component), family, stream_ports(component), libraries, tool)


def map_verilog(text: str, top: str, ports: tuple[Port, ...], libraries: Sequence[Library],
                tool: str | None = None) -> Gates:
    """Map Verilog whose top module has these ports; see `map_gates`."""
    yosys = find_yosys(tool)
    script = "\n".join([
        f"read_verilog {DESIGN}", *(line.format(top=top) for line in liberty_target(libraries).script),
        f"write_verilog -noattr {_GATES}", "design -reset", f"read_verilog {_GATES}", "proc", f"write_json {_NETLIST}",
        "design -reset", *(f"read_liberty -ignore_miss_func {library.file}" for library in libraries),
        f"write_verilog -noattr {_CELLS}"]) + "\n"

    folder = mapped("gates", yosys, text, script, libraries)
    return Gates(top=top, ports=ports, verilog=(folder / _GATES).read_text(), cells=(folder / _CELLS).read_text(),
                 netlist=json.loads((folder / _NETLIST).read_text()))


class GateBench:
    """The gates compiled by Verilator and driven by cocotb; a `rtl.bench.Bench`."""

    def __init__(self, gates: Gates):
        self.ports, self._top = gates.ports, gates.top
        self._folder = build_verilated(gates.verilog, gates.top, self.ports, find_kit(None), cells=gates.cells)

    def run(self, stimuli: Sequence[Stimulus]) -> list[Transfers]:
        """Run the cases one after the other, with a reset before each."""
        return run_verilated(self._folder, self._top, self.ports, stimuli)

    def activity(self, stimuli: Sequence[Stimulus]) -> Activity:
        """What each net does in the same cases, with nothing behind the last transfer of each."""
        with tempfile.TemporaryDirectory(prefix="hwsim-power-") as folder:
            saif = Path(folder, "activity.saif")
            run_verilated(self._folder, self._top, self.ports, [replace(each, tail=0) for each in stimuli], saif)
            return read_saif(saif, self._top)
