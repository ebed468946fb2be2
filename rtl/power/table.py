"""The power of a device as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from rtl.power.account import Beside
from rtl.power.costs import Measured
from rtl.power.estimate import Spent
from rtl.power.groups import REST
from rtl.power.run import Power


def tables(found: Power, clock: float) -> str:
    """Energies by component in a mean cycle, powers at a clock (Hz), and the account beside the gates."""
    total, per_cycle = found.found.total, 1e12 / found.cycles
    rows = [["component", "cells", "clock", "internal", "switching", "pJ a cycle", "leakage uW"]]
    rows += [_row(name, spent, per_cycle) for name, spent in found.found.components.items()]
    dynamic, leakage = found.power(clock)
    wires = "its wire load" if found.cells.wires else "no wires (it has no wire load)"
    notes = [f"{found.report.rtl_cycles:,} cycles of work and {found.resets} of reset",
             f"slews of clock and inputs {1e12 * found.slew:g} ps; {wires}",
             f"at {clock / 1e6:g} MHz: {1e3 * dynamic:.3g} mW dynamic and {1e3 * leakage:.3g} mW leakage",
             "a net is in the row of the component that drives it; one of a port or a memory, in those that read it",
             f"not in it: {found.memory_bits:,} bits of memory with registers of their ports, glitches, clock buffers"]
    if not found.beside:
        notes.append("no account beside it: --nm is missing, or the family counts no actions of single cases")
    if found.found.overloaded:
        notes.append(f"{found.found.overloaded:,} nets have more load than their driver may: buffers are missing")
    shown = _table([*rows, _row("total", total, per_cycle)], closing=True)
    on = f"on {found.cells.name}, {found.cells.voltage:g} V"
    return "\n".join([found.report.summary(), "", on, "", *shown, "", *notes,
                      *(_account(found.beside) if found.beside else [])])


def cost_table(found: Sequence[Measured]) -> str:
    """Entries of the cost table on gates, for people."""
    rows = [["pJ of an operation or a bit", "cells", "gates", "at table's supply", "table", "its range", "ratio"]]
    for each in found:
        nominal, low, high = (1e12 * value for value in each.table)
        name = each.cost + (f", one bit of {each.bits}" if each.bits > 1 else "")
        rows.append([name, f"{each.cells:,}", f"{1e12 * each.energy:.4f}", f"{1e12 * each.brought:.4f}",
                     f"{nominal:.4f}", f"{low:.4f} to {high:.4f}" + ("" if each.inside else " !"),
                     f"{each.brought / each.table[0]:.2f}"])
    return "\n".join([*_table(rows), "", "random operands in every cycle, all results as the reference has them; "
                      "!: outside of the table's range", "registers with their clock; without glitches"])


def _row(name: str, spent: Spent, scale: float) -> list[str]:
    parts = (spent.clock, spent.internal, spent.switching + spent.inputs, spent.dynamic)
    return [name, f"{spent.cells:,}", *(f"{scale * part:.3f}" for part in parts), f"{1e6 * spent.leakage:.2f}"]


def _account(groups: Sequence[Beside]) -> list[str]:
    """What the cost table says of the same cases, over the whole run."""
    rows = [["pJ of the run", "clock pins", "the rest", "account", "its range", "all / account", "rest / account"]]
    for each in groups:
        nominal, low, high = (1e12 * value for value in each.account)
        known = nominal > 0 and each.group != REST
        spent = each.clock + each.moved, each.moved
        ratios = [f"{energy / each.account[0]:.2f}" if known else "" for energy in spent]
        rows.append([each.group, f"{1e12 * each.clock:,.0f}", f"{1e12 * each.moved:,.0f}", f"{nominal:,.0f}",
                     f"{low:,.0f} to {high:,.0f}", *ratios])
    return ["", "the model's account of the same cases, its costs brought to this node and supply, without SRAM:", "",
            *_table(rows)]


def _table(rows: Sequence[Sequence[str]], closing: bool = False) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]
    rule = "-" * len(lines[0])
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]] if closing else [lines[0], rule, *lines[1:]]
