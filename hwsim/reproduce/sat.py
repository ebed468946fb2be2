"""SAT, N:M sparse training (arXiv 2309.13015): rows beside the published figures, tables, and the gap explained."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from hwsim.energy.compare import Comparison, range_text
from hwsim.report.columns import aligned
from hwsim.reproduce.published import Published, load_published
from hwsim.reproduce.rows import Row, rows_json, rows_table
from hwsim.reproduce.sat_gpu import gpu_dict, gpu_lines
from hwsim.sparsity.ratio import Ratio
from hwsim.training.bound import ideal_bound
from hwsim.training.outcome import TrainingOutcome, mean
from hwsim.training.result import StepResult
from hwsim.workload.zoo_training import NETWORKS

OURS = "not in the paper as far as known to us; our assumptions of machine, batch and data"
WIDTH = 120
PARTS = ("FF", "BP", "WU", "SORE", "update")
LOSSES = ("array", "memory", "element-wise", "switch", "SORE", "update")
"""Of `StepResult.account`, in the order in which the explanation adds them."""

TRAFFIC = {"activations": ("activations",), "gradients": ("gradients",), "weights": ("weights",),
           "update": ("weight gradients", "master weights", "momentum"), "element-wise": ("element-wise",)}
"""Columns of the table of traffic: kinds of `StepResult.traffic`."""


def rows(outcome: TrainingOutcome) -> list[Row]:
    """All rows: published figures first, then ours without a published one."""
    figures, detail = load_published("sat"), outcome.experiment.detail
    found = [*_averages(figures, outcome)]
    if Ratio(2, 8) in outcome.sparse:
        found.append(figures["share of bound"].row(outcome.average(Ratio(2, 8)) / ideal_bound(Ratio(2, 8))))
    for ratio in outcome.sparse:
        found += [_own(f"{NETWORKS[name].name}: speedup at {ratio}", speedup)
                  for name, speedup in outcome.speedups(ratio).items()]
    for name, bound in outcome.bounds[detail].items():
        found.append(_own(f"{NETWORKS[name].name}: speedup at {detail} that its MACs alone allow", bound))
    for name, step in outcome.sparse[detail].items():
        found += [_own(f"{step.network}: {part} at {detail}, share of the step", step.split[part] / step.cycles)
                  for part in PARTS]
        found += [_own(f"{step.network}: {engine} busy at {detail}, share of the step", cycles / step.cycles)
                  for engine, cycles in step.engines.items()]
        found.append(_own(f"{step.network}: energy of a step at {detail}, J", float(step.energy.total)))
        found.append(_own(f"{step.network}: energy of a dense step, J", float(outcome.dense[name].energy.total)))
    found += [_own(f"average time at {detail}, {label} / scheduled", mean(_slowdowns(outcome, label).values()))
              for label in outcome.baselines]
    found += [_own(f"average speedup at {detail}, {label}", mean(speedups.values()))
              for label, speedups in outcome.sensitivity.items()]
    return found


def _averages(figures: dict[str, Published], outcome: TrainingOutcome) -> list[Row]:
    found = []
    for ratio in outcome.sparse:
        ours = {f"average {ratio}": outcome.average(ratio), f"bound {ratio}": ideal_bound(ratio)}
        found += [figures[key].row(value) for key, value in ours.items() if key in figures]
    return sorted(found, key=lambda row: (row.mark != "paper", row.quantity))


def _own(quantity: str, ours: float) -> Row:
    return Row(quantity=quantity, published=None, ours=ours, mark="unknown", source=OURS)


def _slowdowns(outcome: TrainingOutcome, label: str) -> dict[str, float]:
    scheduled = outcome.sparse[outcome.experiment.detail]
    return {name: step.cycles / scheduled[name].cycles for name, step in outcome.baselines[label].items()}


def waterfall(outcome: TrainingOutcome, ratio: Ratio) -> list[tuple[str, float]]:
    """What each kind of cycles costs: average speedup if only the kinds so far existed; the last is the result."""
    steps = [("all layers sparse, FF = BP = WU", ideal_bound(ratio)),
             ("own layers (first and last dense, no BP of the first, attention)", mean(outcome.bounds[ratio].values()))]
    counted = ["ideal"]
    for loss in LOSSES:
        counted.append(loss)
        steps.append((f"with {loss}", mean(
            _cycles(outcome.dense[name], counted) / _cycles(step, counted)
            for name, step in outcome.sparse[ratio].items())))
    return steps


def _cycles(step: StepResult, parts: Sequence[str]) -> int:
    return sum(step.account[part] for part in parts)


def text(outcome: TrainingOutcome) -> str:
    """Everything that the terminal shows."""
    experiment, detail = outcome.experiment, outcome.experiment.detail
    machine, array = experiment.machine, experiment.machine.array
    head = (f"SAT: a training step, dense -> N:M, batch {experiment.batch}\n"
            f"Machine (our assumption): {array.rows}x{array.cols} PEs of {array.multipliers} multipliers, "
            f"{array.data_type}, {machine.clock_hz / 1e6:g} MHz, {machine.dram.channels} x {machine.dram.name}")
    shown = [row for row in rows(outcome) if row.mark != "unknown" or row.quantity.startswith("average speedup of")]
    return "\n".join([
        head, "", rows_table(shown), "",
        f"Speedup over dense; what MACs alone allow, time and split at {detail} (SORE, update: where the array waits)",
        *aligned(_network_lines(outcome)), "",
        f"Energy and DRAM traffic of a step, traffic at {detail} by kind", *aligned(_energy_lines(outcome)), "",
        *range_text(_gains(outcome)), "",
        f"A step at {detail} beside GPUs", *gpu_lines(outcome), "",
        f"Time at {detail} beside other schedules (scheduled = 1)", *aligned(_baseline_lines(outcome)), "",
        f"Average speedup at {detail} under other assumptions", *aligned(_sensitivity_lines(outcome)), "",
        f"Where the bound goes at {detail}: average speedup if only these cycles existed",
        *aligned([("", "speedup"), *((label, f"{value:.3f}") for label, value in waterfall(outcome, detail))]), "",
        explanation(outcome), ""])


def _network_lines(outcome: TrainingOutcome) -> list[tuple[str, ...]]:
    detail, clock = outcome.experiment.detail, outcome.experiment.machine.clock_hz
    lines = [("network", *map(str, outcome.sparse), "MACs", "ms", "images/s", *(f"{part}%" for part in PARTS),
              "WUVE busy%", "SORE busy%", "elem%", "mem%")]
    for name, step in outcome.sparse[detail].items():
        shares = [step.split[part] for part in PARTS]
        shares += [step.engines["WUVE"], step.engines["SORE"], step.account["element-wise"], step.memory_limited]
        lines.append((
            step.network, *(f"{outcome.speedups(ratio)[name]:.3f}" for ratio in outcome.sparse),
            f"{outcome.bounds[detail][name]:.3f}", f"{1e3 * step.cycles / clock:.4g}",
            f"{step.batch * clock / step.cycles:.4g}", *(f"{100 * share / step.cycles:.1f}" for share in shares)))
    averages = [f"{outcome.average(ratio):.3f}" for ratio in outcome.sparse]
    blank = [""] * (len(lines[0]) - len(averages) - 2)
    return [*lines, ("average", *averages, f"{mean(outcome.bounds[detail].values()):.3f}", *blank)]


def _gains(outcome: TrainingOutcome) -> dict[str, Comparison]:
    """Energy of a dense step over a sparse one, over the range of the costs."""
    found = {f"dense, {step.network}": Comparison.of(step.energy.leaves, outcome.dense[name].energy.leaves)
             for name, step in outcome.sparse[outcome.experiment.detail].items()}
    return {label: each for label, each in found.items() if each is not None}


def _energy_lines(outcome: TrainingOutcome) -> list[tuple[str, ...]]:
    detail = outcome.experiment.detail
    lines = [("network", "J dense", f"J {detail}", "dense/sparse", "GB dense", f"GB {detail}",
              *(f"{kind}%" for kind in TRAFFIC))]
    for name, step in outcome.sparse[detail].items():
        dense = outcome.dense[name]
        lines.append((step.network, f"{dense.energy.total:.3g}", f"{step.energy.total:.3g}",
                      f"{dense.energy.total / step.energy.total:.2f}", f"{dense.dram_bytes / 1e9:.3g}",
                      f"{step.dram_bytes / 1e9:.3g}",
                      *(f"{100 * sum(step.traffic[part] for part in parts) / step.dram_bytes:.1f}"
                        for parts in TRAFFIC.values())))
    return lines


def _baseline_lines(outcome: TrainingOutcome) -> list[tuple[str, ...]]:
    names = [NETWORKS[name].name for name in outcome.experiment.networks]
    lines = [("schedule", *names, "average")]
    for label in outcome.baselines:
        slower = list(_slowdowns(outcome, label).values())
        lines.append((label, *(f"{value:.3f}" for value in slower), f"{mean(slower):.3f}"))
    return lines


def _sensitivity_lines(outcome: TrainingOutcome) -> list[tuple[str, ...]]:
    names, detail = outcome.experiment.networks, outcome.experiment.detail
    lines = [("change", *(NETWORKS[name].name for name in names), "average")]
    for label, speedups in {"none": outcome.speedups(detail), **outcome.sensitivity}.items():
        listed = list(speedups.values())
        lines.append((label, *(f"{value:.3f}" for value in listed), f"{mean(listed):.3f}"))
    return lines


def explanation(outcome: TrainingOutcome) -> str:
    """The average at the detail's ratio against the published one, in words, from the model's own account."""
    detail = outcome.experiment.detail
    average, speedups = outcome.average(detail), outcome.speedups(detail)
    published = load_published("sat").get(f"average {detail}")
    low, high = (pick(speedups, key=lambda name: speedups[name]) for pick in (min, max))
    lines = [f"Average at {detail}: {average:.3f}, from {speedups[low]:.3f} ({NETWORKS[low].name}) to "
             f"{speedups[high]:.3f} ({NETWORKS[high].name}); all-sparse bound {ideal_bound(detail):.3f}."]
    if published is None or published.value is None:
        return lines[0]
    gap = 100 * (average / published.value - 1)
    side = "above" if gap > 0 else "below"
    lines.append(f"Published: {published.value:.2f}. Ours is {abs(gap):.1f} % {side}; nothing is fitted.")
    steps = waterfall(outcome, detail)
    lost = [(f"{label.removeprefix('with ')} {value - before:+.3f}")
            for (_, before), (label, value) in zip(steps, steps[1:], strict=False) if abs(value - before) >= 0.0005]
    lines.append(f"From the bound of {steps[0][1]:.3f}: {', '.join(lost)}.")
    averages = {label: mean(speedups.values()) for label, speedups in outcome.sensitivity.items()}
    crossing = [f"{label} {value:.3f}" for label, value in sorted(averages.items(), key=lambda each: each[1])
                if (value - published.value) * (average - published.value) < 0]
    if crossing:
        lines.append(f"One assumption changed puts the average on the other side of it: {', '.join(crossing)}.")
    return "\n".join(fill(line, WIDTH, break_on_hyphens=False) for line in lines)


def to_dict(outcome: TrainingOutcome) -> dict[str, Any]:
    """Plain data of the whole outcome: rows, every step, baselines, sensitivities."""
    return {
        **rows_json(rows(outcome)),
        "dense": {name: step.to_dict(stages=False) for name, step in outcome.dense.items()},
        "sparse": {str(ratio): {name: step.to_dict(stages=ratio == outcome.experiment.detail)
                                for name, step in steps.items()}
                   for ratio, steps in outcome.sparse.items()},
        "bounds": {str(ratio): dict(bounds) for ratio, bounds in outcome.bounds.items()},
        "gpus": gpu_dict(outcome),
        "baselines": {label: {name: {"cycles": step.cycles, "split": dict(step.split),
                                     "energy_joules": float(step.energy.total)} for name, step in steps.items()}
                      for label, steps in outcome.baselines.items()},
        "sensitivity": {label: dict(speedups) for label, speedups in outcome.sensitivity.items()},
        "waterfall": [{"counted": label, "speedup": value} for label, value in
                      waterfall(outcome, outcome.experiment.detail)],
        "networks": {name: {"name": NETWORKS[name].name, "data": NETWORKS[name].data,
                            "assumed": NETWORKS[name].assumed} for name in outcome.experiment.networks},
    }
