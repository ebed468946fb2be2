"""Mustafar, a bitmap-compressed KV cache (arXiv 2505.22913): rows beside the published figures, and what they mean."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from hwsim.kv_workload.machine import ENGINES, Engine
from hwsim.kv_workload.patterns import DESCRIPTION
from hwsim.kv_workload.storage import expected_ratio
from hwsim.report.columns import aligned
from hwsim.reproduce.mustafar_gpu import RTX_6000_ADA, SHEET, attention_ratio, spmv_share, window_share
from hwsim.reproduce.mustafar_outcome import SHARED, MustafarOutcome, gain
from hwsim.reproduce.published import load_published
from hwsim.reproduce.rows import Row, rows_json, rows_table

OURS = "no published figure known to us; our machine, which is an assumption"
FORMAT = "E[pad8(nnz)]/64 + 6.25 % bitmap + 3.125 % offsets, masks that keep d - int(d s) of a token all alike"
ALONE = f"{SHEET}; nothing published to compare with"
WIDTH, TOKENS = 120, 2048
GAIN = "attention, dense /"
OTHERS: tuple[Engine, ...] = ("decoded", "skip")
NO_FIGURE = ("share prune", "share compress", "share sum", "share prune gqa", "share compress gqa", "batch dense")
"""Published figures that bytes, bandwidth and memory do not give: kernels decide, or a context not known to us."""


def rows(outcome: MustafarOutcome) -> list[Row]:
    """All rows: published figures first, then the format's arithmetic, then ours alone."""
    least = Row(quantity="least sparsity at which the format stores less than dense, %", published=None,
                ours=float(break_even(outcome)), mark="unknown", source=FORMAT)
    return [*_published(outcome), *_storage(outcome), least, *_sheet(outcome), *_machine(outcome)]


def _published(outcome: MustafarOutcome) -> list[Row]:
    figures, experiment = load_published("mustafar"), outcome.experiment
    synthetic = outcome.measured["synthetic"]
    ours: dict[str, float | None] = {f"storage {part:.0%}".rstrip("%"): synthetic[part].mean for part in SHARED}
    ours |= {f"share spmv {part:.0%}".rstrip("%"): spmv_share(TOKENS, experiment.window, synthetic[part].mean)
             for part in SHARED}
    ours["share window"] = window_share(TOKENS, experiment.window)
    ours |= dict.fromkeys(NO_FIGURE)
    single = experiment.cached("llama2-7b", 1, TOKENS, experiment.accelerator)
    ours["batch 1"] = attention_ratio(single, 0.5, synthetic[0.5].mean)
    ours |= {"batch bitmap": float(outcome.sequences[0.7]), "tokens": outcome.roofline[0.7]}
    return [figures[key].row(value) for key, value in ours.items()]


def _storage(outcome: MustafarOutcome) -> list[Row]:
    """Encoded caches beside the format's arithmetic."""
    return [Row(quantity=f"storage at {part:.0%}, {name} keys and values", published=outcome.expected[part],
                ours=measured.mean, mark="derived", source=FORMAT)
            for name, by_part in outcome.measured.items() for part, measured in by_part.items()]


def break_even(outcome: MustafarOutcome) -> int:
    """Least whole percent of sparsity at which the format's arithmetic is below dense."""
    return next(percent for percent in range(100)
                if expected_ratio(outcome.experiment.pruning().cache(percent / 100)) < 1)


def _sheet(outcome: MustafarOutcome) -> list[Row]:
    least, most = outcome.contexts
    values = {
        "Llama-3-8B: least context at which 6 dense sequences fit and 7 do not": float(least),
        "Llama-3-8B: longest context at which 6 dense sequences fit": float(most),
        **{f"Llama-3-8B: compressed sequences that fit there, {part:.0%}": float(count)
           for part, count in outcome.sequences.items()},
        **{f"Llama-3-8B there: tokens/s by bytes alone, batch 8 at {part:.0%} / batch 6 dense": value
           for part, value in outcome.roofline.items()},
        **{f"pairs of sequence and head for each multiprocessor, Llama-2-7B, batch {batch}":
           32 * batch / RTX_6000_ADA.multiprocessors for batch in (1, 8)}}
    return [Row(quantity=name, published=None, ours=value, mark="unknown", source=ALONE)
            for name, value in values.items()]


def _machine(outcome: MustafarOutcome) -> list[Row]:
    values: dict[str, float] = {}
    context, most = outcome.experiment.context, outcome.experiment.batches[-1]
    for part in SHARED:
        cases = {f"batch {batch}": steps for batch, steps in outcome.by_batch[part].items()}
        cases |= {f"batch {most}, {units} units": steps for units, steps in outcome.by_units[part].items()}
        for case, steps in cases.items():
            for engine in OTHERS:
                name = f"Llama-2-7B, T = {context}, {part:.0%}, {case}: {GAIN} {engine}"
                values[name] = gain(steps, engine)
        dense, skip = outcome.by_batch[part][most]["dense"], outcome.by_batch[part][most]["skip"]
        values[f"our machine, {part:.0%}, batch {most}: prune and compress, share of dense attention"] = (
            skip.compression_cycles / dense.attention_cycles)
        values[f"our machine, {part:.0%}, batch {most}: all of attention, share of dense attention"] = (
            skip.attention_cycles / dense.attention_cycles)
        values[f"Llama-3-8B on our machine, {outcome.contexts[1]} tokens: tokens/s, batch 8 at {part:.0%} / batch 6 "
               "dense"] = outcome.served[part]
    return [Row(quantity=name, published=None, ours=value, mark="unknown", source=OURS)
            for name, value in values.items()]


def text(outcome: MustafarOutcome) -> str:
    """Everything that the terminal shows."""
    experiment = outcome.experiment
    machine, memory = experiment.accelerator, experiment.memory
    head = [
        "Mustafar: a KV cache pruned token by token, in bitmap form",
        f"Machine (our assumption): {machine.units} units x {machine.macs} MACs ({experiment.gqa_accelerator.units} "
        f"units for Llama-3-8B), {experiment.clock_hz / 1e6:g} MHz, {memory.name} x {memory.channels} channels",
        *(f"Patterns: {DESCRIPTION[name]}" for name in outcome.measured), ""]
    shown = [row for row in rows(outcome) if GAIN not in row.quantity]
    return "\n".join([*head, rows_table(shown), "", "Attention, dense / engine", *aligned(_gains(outcome)), "",
                      explanation(outcome), ""])


def _gains(outcome: MustafarOutcome) -> list[tuple[str, ...]]:
    batches, units = outcome.by_batch[SHARED[0]], outcome.by_units[SHARED[0]]
    lines: list[tuple[str, ...]] = [("engine", *(f"batch {batch}" for batch in batches),
                                     *(f"{count} units" for count in units))]
    for part in SHARED:
        for engine in ENGINES:
            if engine != "dense":
                found = [*outcome.by_batch[part].values(), *outcome.by_units[part].values()]
                lines.append((f"{ENGINES[engine]}, {part:.0%}", *(f"{gain(steps, engine):.2f}" for steps in found)))
    return lines


def explanation(outcome: MustafarOutcome) -> str:
    """What agrees, what does not, and why, in words."""
    synthetic, least, most = outcome.measured["synthetic"], *outcome.contexts
    first, last = outcome.experiment.batches[0], outcome.experiment.batches[-1]
    small, large = (gain(outcome.by_batch[0.5][batch], "skip") for batch in (first, last))
    lines = [
        f"Storage: {synthetic[0.5].mean:.1%} at 50 % and {synthetic[0.7].mean:.1%} at 70 %; published 65 % and 45 %. "
        "The arithmetic takes all masks as alike. Key channels that are large in all tokens make some key tiles full "
        "and others nearly empty, and a nearly empty tile still stores 8 values: at 90 % that costs up to a point.",
        "Latency shares: where both run at full bandwidth, the SpMV takes its share of the bytes. The published kernel "
        "takes more, so it does not run at the bandwidth of the dense one. The window takes less than its bytes: it is "
        "partly served on the chip, or the dense kernel is not at full bandwidth either. Pruning and compression move "
        "next to no bytes (one token of 2048): kernels and launches decide, which no data sheet tells; no figure.",
        f"Batch 1 on the GPU: Llama-2-7B has 32 pairs of sequence and head for {RTX_6000_ADA.multiprocessors} "
        "multiprocessors, so with a thread block for each most of the GPU idles and fewer bytes cannot help, while "
        "pruning and compression are paid. How the kernels split a head is not known to us; with that one block the "
        "model of hwsim gpu gives the factor above, at 50 %. "
        f"A machine that splits a head over its units gains at batch {first} too: {small:.2f}x at 50 %, against "
        f"{large:.2f}x at batch {last}.",
        f"Bytes or MACs, 70 %, batch {last}: a cache decoded to dense gains {_both(outcome, 'decoded')}; skipping "
        f"zeros gains {_both(outcome, 'skip')}. Decoding saves bytes alone: no gain where MACs bind.",
        f"Capacity: with weights and caches alone, six dense sequences are the most from {least} to {most} tokens "
        f"each; at {most} tokens {outcome.sequences[0.5]} fit at 50 % and {outcome.sequences[0.7]} at 70 %. "
        "The published 8 is what was run, not the most that fits; its context is not known to us.",
        f"Tokens/s: by bytes alone batch 8 at 70 % over batch 6 dense gives {outcome.roofline[0.7]:.2f}x at that "
        f"context and {outcome.roofline[0.5]:.2f}x at 50 %, our machine {outcome.served[0.7]:.2f}x and "
        f"{outcome.served[0.5]:.2f}x. The published 2.23x is more than bytes of weights and caches give here: the "
        "dense baseline there is below its bandwidth, or memory and context differ from what is counted here."]
    return "\n".join(fill(line, WIDTH, break_on_hyphens=False) for line in lines)


def _both(outcome: MustafarOutcome, engine: Engine) -> str:
    """Gains with the fewest and with the most units."""
    found = outcome.by_units[0.7]
    return " and ".join(f"{gain(found[units], engine):.2f}x with {units} units" for units in (min(found), max(found)))


def to_dict(outcome: MustafarOutcome) -> dict[str, Any]:
    """Plain data of the whole outcome."""
    return {
        **rows_json(rows(outcome)), "patterns": {name: DESCRIPTION[name] for name in outcome.measured},
        "storage": {name: {str(part): {"keys": found.keys, "values": found.values, "mean": found.mean,
                                       "expected": outcome.expected[part]} for part, found in by_part.items()}
                    for name, by_part in outcome.measured.items()},
        **{key: {str(part): {str(number): {engine: step.to_dict() for engine, step in steps.items()}
                             for number, steps in listed.items()} for part, listed in found.items()}
           for key, found in (("by_batch", outcome.by_batch), ("by_units", outcome.by_units))}}
