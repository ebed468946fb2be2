"""The FPGA families that can be synthesised for: how Yosys maps to them, and what their cells count as.

The scripts are those of Yosys' own ``synth_xilinx`` and ``synth_ecp5`` with hierarchy kept and without pads, but for
one step: look-up tables are mapped by ``abc``, because ``abc9``, their default, ends without a word on some of our
modules (YoWASP issue 29 has the same).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """An FPGA family, or a library of cells (`rtl.synth.liberty`).

    Attributes:
        name: as users type it.
        script: commands between reading and counting; ``{top}`` is the module.
        cells: by type, how many of which resources of `rtl.synth.resources.Resources` it is.
        units: by resource, what is counted.
        primitive: whether its DSP slice is a DSP48E2, which our Verilog can name.
    """

    name: str
    script: tuple[str, ...]
    cells: Mapping[str, Mapping[str, float]]
    units: Mapping[str, str]
    primitive: bool = False


def _xilinx(family: str) -> tuple[str, ...]:
    return (
        f"synth_xilinx -family {family} -top {{top}} -noiopad -noclkbuf -run :map_luts",
        "opt_expr -mux_undef -noclkinv", "abc -lut 6", "clean", "xilinx_srl -fixed -minlen 3",
        "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6", "xilinx_dffopt",
        "opt_lut_ins -tech xilinx", "clean")


def _counts(cells: Mapping[str, tuple[str, float]]) -> dict[str, dict[str, float]]:
    """Cells that are so many of one resource each."""
    return {kind: {resource: count} for kind, (resource, count) in cells.items()}


# LUTs of a slice that a memory of each kind takes: UG574 (UltraScale Architecture CLB), chapter Distributed RAM.
_XILINX_CELLS = _counts({
    **{f"LUT{inputs}": ("lut", 1) for inputs in range(1, 7)}, "INV": ("lut", 1),
    **{f"FD{kind}": ("ff", 1) for kind in ("RE", "SE", "CE", "PE")},
    **{kind: ("lutram", 1) for kind in ("SRL16E", "SRLC32E", "RAM32X1S", "RAM64X1S")},
    **{kind: ("lutram", 2) for kind in ("RAM32X1D", "RAM64X1D", "RAM128X1S")},
    **{kind: ("lutram", 4) for kind in ("RAM32M", "RAM64M", "RAM128X1D", "RAM256X1S")},
    **{kind: ("lutram", 8) for kind in ("RAM32M16", "RAM64M8", "RAM256X1D", "RAM512X1S")},
    **{f"RAMB18E{version}": ("bram", 0.5) for version in (1, 2)},
    **{f"RAMB36E{version}": ("bram", 1) for version in (1, 2)}, "URAM288": ("uram", 1), "URAM288_BASE": ("uram", 1),
    **{f"DSP48E{version}": ("dsp", 1) for version in (1, 2)}, "CARRY4": ("carry", 1), "CARRY8": ("carry", 2),
    **{f"MUXF{level}": ("mux", 1) for level in (7, 8, 9)}})
_XILINX_UNITS = {"lut": "LUT6 for logic, inverters among them", "lutram": "LUT6 as memory or shift register",
                 "ff": "flip-flops", "bram": "36 Kb block RAMs", "uram": "UltraRAMs",
                 "carry": "CARRY4, half a CARRY8", "mux": "MUXF7 to MUXF9"}

_ECP5_CELLS = _counts({
    "LUT4": ("lut", 1), "TRELLIS_FF": ("ff", 1), "TRELLIS_DPR16X4": ("lutram", 6), "DP16KD": ("bram", 1),
    "PDPW16KD": ("bram", 1), "MULT18X18D": ("dsp", 1), "CCU2C": ("carry", 1),
    "PFUMX": ("mux", 1), "L6MUX21": ("mux", 1)})
_ECP5_UNITS = {"lut": "LUT4 for logic", "lutram": "LUT4 as memory, 6 for 16 words of 4 bits with their write slice",
               "ff": "flip-flops", "bram": "18 Kb block RAMs", "dsp": "MULT18X18D", "carry": "CCU2C, two LUT4 each",
               "mux": "PFUMX and L6MUX21"}

TARGETS: Mapping[str, Target] = {target.name: target for target in (
    Target(name="ultrascale+", script=_xilinx("xcup"), cells=_XILINX_CELLS,
           units={**_XILINX_UNITS, "dsp": "DSP48E2"}, primitive=True),
    Target(name="xc7", script=_xilinx("xc7"), cells=_XILINX_CELLS, units={**_XILINX_UNITS, "dsp": "DSP48E1"}),
    Target(name="ecp5", cells=_ECP5_CELLS, units=_ECP5_UNITS, script=(
        "synth_ecp5 -noflatten -top {top} -run :map_luts", "techmap -map +/lattice/latches_map.v",
        "abc -lut 4:7", "clean", "synth_ecp5 -noflatten -top {top} -run map_cells:check")))}
"""By name."""
