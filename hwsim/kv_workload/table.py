"""Text of an outcome with caches."""

from __future__ import annotations

import textwrap

from hwsim.energy.compare import Comparison, range_text
from hwsim.gpu.calibration import held_out_text
from hwsim.kv_workload.gpu import GPU_PATHS
from hwsim.kv_workload.machine import ENGINES
from hwsim.kv_workload.outcome import NOT_MODELLED, KvOutcome, KvRun
from hwsim.kv_workload.patterns import DESCRIPTION
from hwsim.report.columns import aligned


def outcome_text(outcome: KvOutcome) -> str:
    """Everything that the terminal shows."""
    experiment = outcome.experiment
    workload, machine = experiment.workload, experiment.accelerator
    memory, clock = experiment.memory, experiment.clock_hz
    sustained = memory.bytes_per_cycle(clock) * clock
    head = [
        f"{workload.kv.name}, batch {workload.batch}: decoding with a dense and with a bitmap-compressed KV cache",
        f"Machine: {machine.multipliers} multipliers in {machine.units} units, {clock / 1e6:g} MHz, "
        f"{memory.name} x {memory.channels} channels ({sustained / 1e9:.0f} GB/s sustained), "
        f"{experiment.capacity_bytes / 1e9:g} GB",
        f"Patterns: {DESCRIPTION[experiment.pruning.patterns]}",
        f"Weights {workload.kv.weight_bytes / 1e9:.2f} GB; dense caches weigh as much as the weights read for a token "
        f"at {outcome.weights_equal_cache:.0f} tokens"]
    return "\n".join([*head, *(line for run in outcome.runs for line in _run_lines(outcome, run)),
                      *textwrap.wrap("Not modelled: " + "; ".join(NOT_MODELLED) + ".", 120), ""])


def _run_lines(outcome: KvOutcome, run: KvRun) -> list[str]:
    workload = outcome.experiment.workload
    return ["", f"Sparsity {run.sparsity:.0%}: compressed tokens take {run.ratio.mean:.1%} of their dense bytes "
            f"(arithmetic: {run.expected:.1%})",
            *aligned(_token_lines(run)), "* does not fit in the DRAM", "", *range_text(_gains(run)), "",
            *aligned(_attention_lines(run)), "DRAM: share of the time in which it is busy", "",
            f"{outcome.experiment.gpu.name}, by the model of hwsim gpu",
            *aligned(_gpu_lines(run)), held_out_text(),
            "speed: bitmap over dense (every token is pruned and packed, whether its cache saves yet or not); ours: "
            "skip over the better of the two",
            "J/tok: the board's power; that of the engines above counted actions, leakage and idle DRAM",
            "",
            f"A prompt of {workload.prompt} tokens, then {workload.generate} more",
            *aligned(_time_lines(run)), "", *_crossings(run), ""]


def _token_lines(run: KvRun) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [("whole token", "GB dense", "GB bitmap", *_heads(run), "skip/dense")]
    for row in zip(*run.steps.values(), strict=True):
        dense, skip = row[0], row[-1]
        lines.append((
            str(dense.context), *(f"{step.cache_bytes / 1e9:.3g}{'' if step.fits else '*'}" for step in (dense, skip)),
            *(f"{step.tokens_per_s:.4g}" for step in row), *(f"{step.joules_per_token:.3g}" for step in row),
            f"{skip.tokens_per_s / dense.tokens_per_s:.2f}x"))
    return lines


def _gains(run: KvRun) -> dict[str, Comparison]:
    """Energy of a whole token at the longest context, beside the dense engine, over the range of the costs."""
    dense = run.steps["dense"][-1]
    found = {f"dense, by {name}, at {dense.context}": Comparison.of(steps[-1].energy.leaves, dense.energy.leaves)
             for name, steps in run.steps.items() if name != "dense"}
    return {name: each for name, each in found.items() if each is not None}


def _attention_lines(run: KvRun) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [("attention alone", "DRAM dense", "DRAM skip", *_heads(run), "skip/dense")]
    for row in zip(*run.steps.values(), strict=True):
        dense, skip = row[0], row[-1]
        lines.append((
            str(dense.context), *(f"{step.layer.dram_busy / step.layer.cycles:.0%}" for step in (dense, skip)),
            *(f"{step.attention_tokens_per_s:.4g}" for step in row),
            *(f"{step.attention_joules_per_token:.3g}" for step in row),
            f"{skip.attention_tokens_per_s / dense.attention_tokens_per_s:.2f}x"))
    return lines


def _gpu_lines(run: KvRun) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [("GPU, whole token", *(f"{unit} {name}" for unit in ("tok/s", "J/tok")
                                                           for name in ("dense", "bitmap")),
                                     "attention: speed", "speed", "ours: speed")]
    for dense, bitmap, skip in zip(*run.gpu.values(), run.steps["skip"], strict=True):
        best = max(dense.tokens_per_s, bitmap.tokens_per_s)
        lines.append((
            str(dense.context), *(f"{step.tokens_per_s:.4g}{'' if step.fits else '*'}" for step in (dense, bitmap)),
            *(f"{step.joules_per_token:.3g}" for step in (dense, bitmap)),
            f"{bitmap.attention_tokens_per_s / dense.attention_tokens_per_s:.2f}x",
            f"{bitmap.tokens_per_s / dense.tokens_per_s:.2f}x", f"{skip.tokens_per_s / best:.2f}x"))
    return lines


def _heads(run: KvRun) -> list[str]:
    return [f"{unit} {name}" for unit in ("tok/s", "J/tok") for name in run.steps]


def _time_lines(run: KvRun) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [("engine", "prefill s", "compress s", "decode s", "total s", "paid back after")]
    for engine, timeline in run.timelines.items():
        paid = "" if engine == "dense" else _or_never(run.paid_back[engine], "{:.3g} tokens")
        parts = (timeline.prefill, timeline.compress, timeline.decode, timeline.total)
        lines.append((ENGINES[engine], *(f"{value:.4g}" for value in parts), paid))
    return lines


def _crossings(run: KvRun) -> list[str]:
    found = []
    for engine in run.faster:
        faster, cheaper = (_or_never(part[engine], "from {} tokens on") for part in (run.faster, run.cheaper))
        found.append(f"{ENGINES[engine]}: faster than dense {faster}, less energy {cheaper}")
    faster, cheaper = (_or_never(place, "from {} tokens on") for place in (run.gpu_faster, run.gpu_cheaper))
    found.append(f"{GPU_PATHS['gpu bitmap']}: faster than dense there {faster}, less energy {cheaper}")
    return [*found, "Longest context that fits: " + ", ".join(f"{name} {tokens}" for name, tokens in
                                                              run.longest.items())]


def _or_never(value: float | None, form: str) -> str:
    return "never" if value is None else form.format(value)
