"""The panels of the overview: each draws one aspect of an outcome into the axes that it is given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hwsim.energy import EnergyTree
from hwsim.report.outcome import Outcome, Run
from hwsim.result import LayerResult, NetworkResult
from hwsim.roofline import Roofline, intensity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STALLS = {"busy": "#0072b2", "starved": "#e69f00", "blocked": "#cc3311", "idle": "#bbbbbb"}
TRAFFIC = "#f0f0f0"
ENERGY = {"arithmetic": "#0072b2", "registers": "#56b4e9", "SRAM": "#009e73", "DRAM": "#e69f00", "static": "#cc79a7",
          "other": "#bbbbbb"}
BASELINES = ("#333333", "#999999", "#cccccc")
GPU = "#76b041"
NAMED_LAYERS = 32
"""Up to this many layers are named on the axis; more are numbered."""
NARROWEST = 6
"""Layers that the axis has room for at least."""


def energy_groups(tree: EnergyTree) -> dict[str, float]:
    """Joules by kind of cost, in the order of `ENERGY`."""
    groups = dict.fromkeys(ENERGY, 0.0)
    for leaf in tree.leaves:
        groups[_energy_group(leaf.cost.name)] += float(leaf.energy)
    return groups


def _energy_group(cost: str) -> str:
    kind = cost.partition(".")[0]
    known = {"sram": "SRAM", "dram": "DRAM", "register": "registers", "leakage": "static", "idle": "static"}
    if kind in known:
        return known[kind]
    return "arithmetic" if kind in ("mac", "multiply", "add", "mux2", "compare") else "other"


def draw_cycles(axes: Axes, outcome: Outcome, run: Run) -> None:
    """(a): a bar per layer, stacked by what the compute engine did; the dense baseline as an outline."""
    layers = run.result.layers
    scale, unit = _prefix(max(_all_cycles(outcome, run)))
    places = list(range(1, len(layers) + 1))
    bottom = [0.0] * len(layers)
    for kind, colour in STALLS.items():
        heights = [layer.stalls.get("compute", {}).get(kind, 0) / scale for layer in layers]
        axes.bar(places, heights, 0.78, bottom=bottom, color=colour, label=kind, linewidth=0)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    rest = [0 if "compute" in layer.stalls else layer.cycles / scale for layer in layers]
    if any(rest):
        axes.bar(places, rest, 0.78, color=TRAFFIC, edgecolor="#777777", linewidth=0.4, hatch="////",
                 label="memory only")  # fmt: skip
    dense = outcome.baselines.get("dense")
    if dense is not None:
        heights = [layer.cycles / scale for layer in dense.layers]
        axes.bar(places, heights, 0.92, fill=False, edgecolor="black", linewidth=0.6, label="dense baseline")
    spare = max(0.0, NARROWEST - len(layers)) / 2  # a single bar does not fill the page
    axes.set_xlim(0.4 - spare, len(layers) + 0.6 + spare)
    axes.set_ylabel(f"cycles ({unit})" if unit else "cycles")
    axes.set_title("(a) Cycles of each layer", loc="left")
    axes.legend(ncols=6, loc="lower right", bbox_to_anchor=(1, 1), handlelength=1.2, columnspacing=1.0,
                borderaxespad=0.3)  # fmt: skip
    _name_layers(axes, layers, places)


def _all_cycles(outcome: Outcome, run: Run) -> list[int]:
    dense = outcome.baselines.get("dense")
    return [layer.cycles for result in (run.result, dense) if result is not None for layer in result.layers] or [0]


def _name_layers(axes: Axes, layers: object, places: list[int]) -> None:
    names = [layer.name for layer in layers]  # type: ignore[attr-defined]
    if len(names) > NAMED_LAYERS:
        axes.set_xlabel("layer (number in the order of execution)")
        return
    slanted = len(names) > 6 or max(map(len, names)) > 12
    axes.set_xticks(places, [_short(name) for name in names], rotation=40 if slanted else 0,
                    ha="right" if slanted else "center", rotation_mode="anchor")  # fmt: skip


def _short(name: str, width: int = 18) -> str:
    return name if len(name) <= width else f"…{name[1 - width :]}"


def draw_speedup(axes: Axes, outcome: Outcome, chosen: Run) -> None:
    """(b): time of each baseline, and of the first GPU, over that of each run."""
    sets = {f"over {name}": [outcome.comparison(run)[name]["speedup"] or 0.0 for run in outcome.runs]
            for name in outcome.baselines}
    if chosen.gpus:
        sets[f"over {chosen.gpus[0].board.name}, model"] = [
            run.beside(run.gpus[0], None)["speedup"] or 0.0 for run in outcome.runs]
    axes.set_title("(b) Speedup", loc="left")
    if not sets:
        _empty(axes, "no baselines")
        return
    width = 0.8 / len(sets)
    for number, (label, values) in enumerate(sets.items()):
        places = [k + (number - (len(sets) - 1) / 2) * width for k in range(len(values))]
        colour = BASELINES[number % len(BASELINES)] if number < len(outcome.baselines) else GPU
        bars = axes.bar(places, values, 0.92 * width, color=colour, label=label)
        if len(values) * len(sets) <= 8:
            axes.bar_label(bars, fmt="%.2f", fontsize=6, padding=1)
    axes.axhline(1, color="black", linewidth=0.5, linestyle=(0, (4, 3)))
    axes.set_xticks(range(len(outcome.runs)), [run.ratio for run in outcome.runs])
    axes.set_xlim(-0.6, len(outcome.runs) - 0.4)
    for tick, run in zip(axes.get_xticklabels(), outcome.runs, strict=True):
        tick.set_fontweight("bold" if run is chosen and len(outcome.runs) > 1 else "normal")
    axes.set_xlabel("N:M of the weights")
    axes.set_ylabel("speedup (×)")
    axes.margins(y=0.1 + 0.12 * len(sets))  # room for the legend
    axes.legend(loc="upper left", handlelength=1.0, borderaxespad=0.1)


def draw_energy(axes: Axes, outcome: Outcome) -> None:
    """(c): energy of runs and baselines, stacked by kind."""
    bars: list[tuple[str, NetworkResult]] = [(run.ratio, run.result) for run in outcome.runs]
    bars += list(outcome.baselines.items())
    groups = [energy_groups(result.energy) for _, result in bars]
    scale, unit = _energy_prefix(max((sum(group.values()) for group in groups), default=0.0))
    bottom = [0.0] * len(bars)
    for kind, colour in ENERGY.items():
        heights = [group[kind] / scale for group in groups]
        if any(heights):
            axes.bar(range(len(bars)), heights, 0.68, bottom=bottom, color=colour, label=kind, linewidth=0)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    axes.set_xticks(range(len(bars)), [name for name, _ in bars], rotation=30 if len(bars) > 4 else 0)
    axes.set_xlim(-0.6, len(bars) - 0.4)
    axes.set_ylim(0, 1.5 * max(bottom, default=1.0) or 1.0)
    axes.set_ylabel(f"energy ({unit})")
    axes.set_title("(c) Energy", loc="left")
    axes.legend(loc="upper left", ncols=2, handlelength=1.0, columnspacing=0.8, borderaxespad=0.1)


def draw_roofline(axes: Axes, outcome: Outcome, run: Run) -> None:
    """(d): useful MACs per cycle over useful MACs per byte; area of a point = share of the run's cycles."""
    result = run.result
    roof = Roofline(macs_per_cycle=result.config.macs_per_cycle,
                    bytes_per_cycle=result.dram.bytes_per_cycle(result.clock_hz))  # fmt: skip
    axes.set_title("(d) Roofline", loc="left")
    dense = outcome.baselines.get("dense")
    shown = [(run.ratio, result, {"color": STALLS["busy"], "alpha": 0.75, "linewidth": 0, "zorder": 3})]
    if dense is not None:
        shown.insert(0, ("dense baseline", dense, {"facecolor": "none", "edgecolor": "black", "linewidth": 0.5}))
    everywhere, reached = [roof.ridge], [roof.macs_per_cycle / 25]
    for label, which, style in shown:
        points = [_point(layer, which) for layer in which.layers if layer.useful_macs and layer.cycles]
        if points:
            x, y, area = zip(*points, strict=True)
            axes.scatter(x, y, area, label=label, **style)  # type: ignore[arg-type]
            everywhere += x
            reached += y
    low, high = min(everywhere) / 3, max(everywhere) * 4
    ends = [low, roof.ridge, high]
    axes.plot(ends, roof.attainable(ends), color="black", linewidth=1.0, zorder=2)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(min(reached) / 2, roof.macs_per_cycle * 4)
    axes.text(high / 1.15, roof.macs_per_cycle * 1.6, f"{roof.macs_per_cycle:g} MAC/cycle", ha="right", fontsize=6)
    axes.set_xlabel("useful MAC per byte of DRAM")
    axes.set_ylabel("useful MAC/cycle")
    legend = axes.legend(loc="upper left", borderaxespad=0.1, handletextpad=0.2)
    for handle in legend.legend_handles:
        handle.set_sizes([14])  # type: ignore[union-attr]


def _point(layer: LayerResult, result: NetworkResult) -> tuple[float, float, float]:
    moved = sum(layer.dram_bytes.values())
    area = 6 + 160 * layer.cycles / max(result.cycles, 1)
    return intensity(layer.useful_macs, moved or 1), layer.useful_macs / layer.cycles, area


def _empty(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
    axes.set_xticks([])
    axes.set_yticks([])


def _prefix(largest: float) -> tuple[float, str]:
    for size, unit in ((1e9, "10⁹"), (1e6, "10⁶"), (1e3, "10³")):
        if largest >= size:
            return size, unit
    return 1.0, ""


def _energy_prefix(largest: float) -> tuple[float, str]:
    for size, unit in ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ")):
        if largest >= size:
            return size, unit
    return 1e-12, "pJ" if math.isfinite(largest) else ""
