"""SAT, N:M sparse training (arXiv 2309.13015): rows beside the published figures, tables, and the gap explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hwsim.reproduce.published import Published, load_published
from hwsim.reproduce.rows import Row, aligned, rows_json, rows_table
from hwsim.sparsity.ratio import Ratio
from hwsim.training.bound import ideal_bound
from hwsim.training.outcome import TrainingOutcome, mean
from hwsim.training.result import StepResult
from hwsim.workload.zoo_training import NETWORKS

OURS = "not in the paper as far as known to us; our assumptions of machine, batch and data"
PARTS = ("FF", "BP", "WU", "SORE", "update")
LOSSES = ("array", "memory", "element-wise", "switch", "SORE", "update")
"""Of `StepResult.account`, in the order in which the explanation adds them."""


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
        found.append(_own(f"{NETWORKS[name].name}: bound of the speedup at {detail}, its own layers", bound))
    for name, step in outcome.sparse[detail].items():
        found += [_own(f"{step.network}: {part} at {detail}, share of the step", step.split[part] / step.cycles)
                  for part in PARTS]
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
             ("the networks' own layers", mean(outcome.bounds[ratio].values()))]
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
    machine = experiment.machine
    head = (f"SAT: a training step, dense -> N:M, batch {experiment.batch}. Machine (our assumption): "
            f"{machine.array.rows}x{machine.array.cols} PEs of {machine.array.multipliers} multipliers, "
            f"{machine.array.data_type}, {machine.clock_hz / 1e6:g} MHz, {machine.dram.channels} x {machine.dram.name}")
    shown = [row for row in rows(outcome) if row.mark != "unknown" or row.quantity.startswith("average speedup of")]
    return "\n".join([
        head, "", rows_table(shown), "",
        f"Speedup over dense; time, split, energy and limits at {detail}", *aligned(_network_lines(outcome)), "",
        f"Time at {detail} beside other schedules (scheduled = 1)", *aligned(_baseline_lines(outcome)), "",
        f"Average speedup at {detail} under other assumptions", *aligned(_sensitivity_lines(outcome)), "",
        f"Where the bound goes at {detail}: average speedup if only these cycles existed",
        *aligned([("", "speedup"), *((label, f"{value:.3f}") for label, value in waterfall(outcome, detail))]), "",
        explanation(outcome), ""])


def _network_lines(outcome: TrainingOutcome) -> list[tuple[str, ...]]:
    detail = outcome.experiment.detail
    lines = [("network", *map(str, outcome.sparse), "bound", "ms", *(f"{part}%" for part in PARTS), "J", "J dense",
              "GB", "elem%", "mem%")]
    for name, step in outcome.sparse[detail].items():
        speedups = [f"{outcome.speedups(ratio)[name]:.3f}" for ratio in outcome.sparse]
        share = [f"{100 * step.split[part] / step.cycles:.1f}" for part in PARTS]
        account = step.account
        lines.append((step.network, *speedups, f"{outcome.bounds[detail][name]:.3f}",
                      f"{1e3 * step.cycles / outcome.experiment.machine.clock_hz:.4g}", *share,
                      f"{step.energy.total:.3g}", f"{outcome.dense[name].energy.total:.3g}",
                      f"{step.dram_bytes / 1e9:.3g}", f"{100 * account['element-wise'] / step.cycles:.1f}",
                      f"{100 * step.memory_limited / step.cycles:.1f}"))
    averages = [f"{outcome.average(ratio):.3f}" for ratio in outcome.sparse]
    return [*lines, ("average", *averages, f"{mean(outcome.bounds[detail].values()):.3f}", *[""] * (len(PARTS) + 6))]


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
    if published is not None and published.value is not None:
        gap = 100 * (average / published.value - 1)
        lines.append(f"Published: {published.value:.2f}. Ours is {abs(gap):.1f} % {'above' if gap > 0 else 'below'}; "
                     "nothing is fitted. The tables above say what the average loses against its bound in the model, "
                     "and how far one changed assumption moves it.")
    return "\n".join(lines)


def to_dict(outcome: TrainingOutcome) -> dict[str, Any]:
    """Plain data of the whole outcome: rows, every step, baselines, sensitivities."""
    return {
        **rows_json(rows(outcome)),
        "dense": {name: step.to_dict() for name, step in outcome.dense.items()},
        "sparse": {str(ratio): {name: step.to_dict() for name, step in steps.items()}
                   for ratio, steps in outcome.sparse.items()},
        "bounds": {str(ratio): dict(bounds) for ratio, bounds in outcome.bounds.items()},
        "baselines": {label: {name: {"cycles": step.cycles, "split": dict(step.split),
                                     "energy_joules": float(step.energy.total)} for name, step in steps.items()}
                      for label, steps in outcome.baselines.items()},
        "sensitivity": {label: dict(speedups) for label, speedups in outcome.sensitivity.items()},
        "waterfall": [{"counted": label, "speedup": value} for label, value in
                      waterfall(outcome, outcome.experiment.detail)],
        "networks": {name: {"name": NETWORKS[name].name, "data": NETWORKS[name].data,
                            "assumed": NETWORKS[name].assumed} for name in outcome.experiment.networks},
    }
