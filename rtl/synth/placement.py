"""Place and route on an ECP5: the clock that a device reaches, and the path that sets it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hwsim.config import Configuration
from hwsim.errors import InputError
from rtl.bench.cache import built, key_of
from rtl.synth.harness import NAME, harness
from rtl.synth.run import script_of, source
from rtl.synth.targets import TARGETS
from rtl.synth.tool import find_nextpnr, find_yosys

DEVICE = "LFE5U-85F, speed grade 6"
AIM_MHZ = 200
"""Clock that nextpnr aims at: above what any of our devices reaches, so that it never rests."""
_OPTIONS = ("--85k", "--speed", "6", "--package", "CABGA756", "--lpf-allow-unconstrained", "--timing-allow-fail",
            "--seed", "1", "--freq", str(AIM_MHZ), "--json", "net.json", "--report", "report.json", "--quiet")
_USED = ("TRELLIS_COMB", "TRELLIS_FF", "TRELLIS_RAMW", "MULT18X18D", "DP16KD")


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What place and route found.

    Attributes:
        device: the FPGA.
        tool: the nextpnr that did it.
        frequency_mhz: highest clock, over all paths between registers.
        begins: register, memory or DSP slice at which the slowest path begins.
        ends: where it ends.
        logic_ns: delay in cells on that path, with clock-to-output and setup.
        routing_ns: delay in wires on it.
        levels: cells between its ends.
        used: by kind of site, how many the device takes with its harness, and how many the FPGA has.
        harness_ff: flip-flops of the harness among them.
    """

    device: str
    tool: str
    frequency_mhz: float
    begins: str
    ends: str
    logic_ns: float
    routing_ns: float
    levels: int
    used: Mapping[str, tuple[int, int]]
    harness_ff: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "used": {kind: {"used": used, "available": there}
                                         for kind, (used, there) in self.used.items()}}


def place(family: str, config: Configuration, *, flat: bool = False) -> Placement:
    """Place and route the device that a configuration describes; see `rtl.synth.harness` for its ports.

    Args:
        family: one of `rtl.verify.FAMILIES`.
        config: a configuration of that family.
        flat: dissolve the hierarchy before mapping, not only before placing.

    Raises:
        InputError: no Yosys, no nextpnr, or a device that the FPGA has no room for.
        RuntimeError: one of the tools failed.
    """
    target, yosys, nextpnr = TARGETS["ecp5"], find_yosys(), find_nextpnr()
    text = source(family, config, target)
    around, registers = harness(text, family)
    commands = [*script_of(target, NAME, flat), "flatten", "blackbox =A:whitebox", "write_json net.json"]
    script = "\n".join(commands) + "\n"

    def build(folder: Path) -> None:
        (folder / "design.v").write_text(text + around)
        (folder / "place.ys").write_text(script)
        yosys.run("place.ys", folder)
        try:
            nextpnr.call("nextpnr", _OPTIONS, folder)
        except RuntimeError as error:
            if "Unable to place cell" not in str(error):
                raise
            raise InputError("--place", f"a device that fits on an {DEVICE}", "a larger one") from None

    key = key_of([yosys.version, nextpnr.version, script, text, around, *_OPTIONS])
    folder = built("place", key, build)
    report, netlist = (json.loads((folder / name).read_text()) for name in ("report.json", "net.json"))
    return placement_of(report, netlist["modules"][NAME], nextpnr.version, registers)


def placement_of(report: Mapping[str, Any], module: Mapping[str, Any], tool: str, registers: int) -> Placement:
    """From nextpnr's report and the netlist that it was given."""
    [clock] = report["fmax"]
    [path] = [path["path"] for path in report["critical_paths"] if path["from"] == path["to"] == f"posedge {clock}"]
    delay = {kind: sum(step["delay"] for step in path if (step["type"] == "routing") == (kind == "routing"))
             for kind in ("logic", "routing")}
    names = _names(module)
    used = {kind: (sites["used"], sites["available"]) for kind, sites in report["utilization"].items()
            if kind in _USED and sites["used"]}
    return Placement(device=DEVICE, tool=tool, frequency_mhz=report["fmax"][clock]["achieved"],
                     begins=_end(path[0]["from"]["cell"], module, names),
                     ends=_end(path[-1]["to"]["cell"], module, names),
                     logic_ns=delay["logic"], routing_ns=delay["routing"],
                     levels=sum(step["type"] == "logic" for step in path), used=used, harness_ff=registers)


def _names(module: Mapping[str, Any]) -> dict[int, str]:
    """By number of a net's bit, the shortest name that it has in the Verilog."""
    found: dict[int, str] = {}
    for name, net in sorted(module["netnames"].items(), key=lambda item: (-item[1]["hide_name"], -len(item[0]))):
        for number, bit in enumerate(net["bits"]):
            if isinstance(bit, int):
                found[bit] = f"{name}[{number}]" if len(net["bits"]) > 1 else name
    return found


def _end(cell: str, module: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """A register by what it holds; what has no single output by the name of its cell."""
    pins = module["cells"].get(cell, {"connections": {}})["connections"]
    held = names[pins["Q"][0]] if "Q" in pins else cell.replace("$flatten\\", "").replace(".\\", ".").replace("\\", "")
    return held.removeprefix("device.")
