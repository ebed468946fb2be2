"""The resources of a synthesis as a table for people."""

from __future__ import annotations

from rtl.synth.placement import Placement
from rtl.synth.resources import Resources
from rtl.synth.run import Synthesis

COLUMNS = {"lut": "LUT", "lutram": "LUTRAM", "ff": "FF", "dsp": "DSP", "bram": "BRAM", "uram": "URAM",
           "carry": "CARRY", "mux": "MUX", "cells": "cells", "area": "area", "memory_bits": "memory bits"}


def table(found: Synthesis) -> str:
    """A line for each component, of one instance and without the components in it, and the total of the device.

    Columns of which the device takes nothing are left out.
    """
    used = [name for name in COLUMNS if getattr(found.total, name)]
    rows = [["component", "instances", *(COLUMNS[name] for name in used)]]
    for part in found.components:
        rows.append([part.module, str(part.instances), *_cells(part.own, used)])
    rows.append(["total", "", *_cells(found.total, used)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]
    rule = "-" * len(lines[0])
    units = "; ".join(f"{COLUMNS[name]}: {found.target.units[name]}" for name in used)
    kind = "flat" if found.flat else "each component once; a line is one instance without those in it"
    return "\n".join([f"{found.family} on {found.target.name}, {kind} (Yosys {found.tool})", "", lines[0], rule,
                      *lines[1:-1], rule, lines[-1], "", units])


def placement_lines(placed: Placement) -> list[str]:
    """What place and route found, for people."""
    used = ", ".join(f"{kind} {used:,} of {there:,}" for kind, (used, there) in placed.used.items())
    return ["", f"placed on {placed.device} (nextpnr {placed.tool}): {placed.frequency_mhz:.1f} MHz",
            f"  slowest path: from {placed.begins} to {placed.ends}",
            f"  {placed.logic_ns:.2f} ns in {placed.levels} cells, {placed.routing_ns:.2f} ns in wires",
            f"  takes {used}; {placed.harness_ff:,} flip-flops of these are the harness around its ports"]


def _cells(resources: Resources, used: list[str]) -> list[str]:
    return [f"{round(value, 3):,}" for value in resources.to_dict(used).values()]
