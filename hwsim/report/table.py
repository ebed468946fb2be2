"""The text table of an outcome: a line per layer, totals and baselines below; at most 120 columns."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.report.columns import clipped, scaled, times
from hwsim.report.energy_range import range_lines
from hwsim.report.gpu_table import gpu_text
from hwsim.report.outcome import Outcome, Run, ratio_of
from hwsim.result import LayerResult, NetworkResult

WIDTH = 120
HEAD_LAYERS, TAIL_LAYERS = 12, 8
"""Layers shown of a long network: the first and the last."""
STALLS = ("busy", "starved", "blocked", "idle")
_NAME = 22


def outcome_table(outcome: Outcome, *, all_layers: bool = False) -> str:
    """Every run, one after the other, and a comparison of them when there are several."""
    parts = [run_table(outcome, run, all_layers=all_layers) for run in outcome.runs]
    if len(outcome.runs) > 1:
        parts.append("\n".join(_all_runs(outcome)))
    return "\n\n".join(parts) + "\n"


def run_table(outcome: Outcome, run: Run, *, all_layers: bool = False) -> str:
    """One run: what it is, its layers, its total and its baselines."""
    result = run.result
    dense = outcome.baselines.get("dense")
    header = (
        "layer", "MxKxN", "ratio", "cycles", "share%", "util%", "busy%", "starv%", "block%", "idle%", "DRAM MB", "uJ",
        "speedup",
    )  # fmt: skip
    rows = [header, *(_layer_row(index, result, _twin(dense, index)) for index in range(len(result.layers)))]
    rows = _abbreviated(rows, all_layers)
    rows.append(_total_row(result, dense))
    lines = _aligned(rows)
    rule = "-" * len(lines[0])
    title = f"{result.workload} on {result.accelerator}, weights {run.ratio}, {result.clock_hz / 1e6:g} MHz"
    note = "busy, starved, blocked, idle: of the compute engine; speedup: over the dense baseline"
    if run.similarity is not None:
        note += (f"\noutput on a real input, against the unpruned network: cosine {run.similarity:.3f} "
                 "(one-shot pruning, no fine-tuning)")
    hints = [f"{record['name']}: {record['note']}" for record in run.pruning if "the other way" in record["note"]]
    note = "\n".join([note, *hints[:3]])
    shown = [title, note, "", lines[0], rule, *lines[1:-1], rule, lines[-1], "", *_summary(outcome, run),
             *range_lines(outcome, run)]
    if run.gpus:
        shown += ["", gpu_text(run, outcome.dollars, all_layers=all_layers)]
    return "\n".join(shown)


def _twin(result: NetworkResult | None, index: int) -> LayerResult | None:
    """The same layer of a baseline."""
    return result.layers[index] if result is not None and index < len(result.layers) else None


def _layer_row(index: int, result: NetworkResult, twin: LayerResult | None) -> tuple[str, ...]:
    """One layer; its number is that of the figure."""
    layer = result.layers[index]
    number = f"{index + 1:>{len(str(len(result.layers)))}} "
    split = layer.stalls.get("compute")
    parts = [_percent(split[kind], layer.cycles) if split else "-" for kind in STALLS]
    speedup = ratio_of(twin.cycles, layer.cycles) if twin else None
    return (
        number + clipped(layer.name, _NAME - len(number)),
        _shape(layer),
        layer.ratio if layer.macs else "-",
        f"{layer.cycles:,}",
        _percent(layer.cycles, result.cycles),
        f"{100 * layer.utilization:.1f}" if layer.macs else "-",
        *parts,
        f"{sum(layer.dram_bytes.values()) / 1e6:.3f}",
        f"{layer.energy.total * 1e6:.1f}",
        "-" if speedup is None else f"{speedup:.2f}",
    )


def _total_row(result: NetworkResult, dense: NetworkResult | None) -> tuple[str, ...]:
    """Sums over the layers; the split counts the layers that use the compute engine."""
    useful = sum(layer.useful_macs for layer in result.layers)
    computing = [layer for layer in result.layers if "compute" in layer.stalls]
    cycles = sum(layer.cycles for layer in computing)
    parts = [_percent(sum(layer.stalls["compute"][kind] for layer in computing), cycles) for kind in STALLS]
    speedup = ratio_of(dense.cycles, result.cycles) if dense else None
    peak = result.config.macs_per_cycle * result.cycles
    return (
        "total", _count(len(result.layers), "layer"), "", f"{result.cycles:,}", "100.0", _percent(useful, peak), *parts,
        f"{sum(sum(layer.dram_bytes.values()) for layer in result.layers) / 1e6:.3f}",
        f"{result.energy.total * 1e6:.1f}", "-" if speedup is None else f"{speedup:.2f}",
    )  # fmt: skip


def _abbreviated(rows: list[tuple[str, ...]], all_layers: bool) -> list[tuple[str, ...]]:
    """Header, first and last layers, with a line that says how many are left out."""
    hidden = len(rows) - 1 - HEAD_LAYERS - TAIL_LAYERS
    if all_layers or hidden < 2:
        return rows
    blank = ("",) * (len(rows[0]) - 1)
    return [*rows[: 1 + HEAD_LAYERS], (f".. {hidden} more layers", *blank), *rows[-TAIL_LAYERS:]]


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns of equal width, all lines of one length: the first two columns to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    gaps = len(widths) - 1
    gap = "  " if sum(widths) + 2 * gaps <= WIDTH else " "

    def line(row: tuple[str, ...]) -> str:
        cells = enumerate(zip(row, widths, strict=True))
        return gap.join(cell.rjust(width) if column > 1 else cell.ljust(width) for column, (cell, width) in cells)

    return [line(row) for row in rows]


def _summary(outcome: Outcome, run: Run) -> list[str]:
    """The run beside its baselines."""
    result = run.result
    rows = [("", "cycles", "time", "energy", "speedup", "energy gain")]
    rows.append((run.ratio, f"{result.cycles:,}", _time(result.seconds), _energy(result.energy.total), "", ""))
    for name, other in outcome.baselines.items():
        against = outcome.comparison(run)[name]
        rows.append((name, f"{other.cycles:,}", _time(other.seconds), _energy(other.energy.total),
                     times(against["speedup"]), times(against["energy_ratio"])))  # fmt: skip
    return _right_aligned(rows)


def _all_runs(outcome: Outcome) -> list[str]:
    """The runs beside each other."""
    names = list(outcome.baselines)
    header = ("ratio", "cycles", "time", "energy", *(f"speedup, {name}" for name in names),
              *(f"energy gain, {name}" for name in names))  # fmt: skip
    rows = [header]
    for run in outcome.runs:
        against = outcome.comparison(run)
        rows.append((run.ratio, f"{run.result.cycles:,}", _time(run.result.seconds), _energy(run.result.energy.total),
                     *(times(against[name]["speedup"]) for name in names),
                     *(times(against[name]["energy_ratio"]) for name in names)))  # fmt: skip
    return _right_aligned(rows)


def _right_aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.rjust(width) if column else cell.ljust(width)
                  for column, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip


def _shape(layer: LayerResult) -> str:
    if not layer.macs:
        return layer.kind
    ranks = f"{layer.m}x{layer.k}x{layer.n}"
    return ranks if layer.groups == 1 else f"{ranks}(x{layer.groups})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def _time(seconds: float) -> str:
    return scaled(seconds, (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)))


def _energy(joules: float) -> str:
    return scaled(joules, (("J", 1.0), ("mJ", 1e-3), ("uJ", 1e-6), ("nJ", 1e-9)))
