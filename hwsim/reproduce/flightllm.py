"""FlightLLM (arXiv 2401.03868): rows beside the artifact's and the published figures, and where these do not agree."""

from __future__ import annotations

import math
from textwrap import fill
from typing import Any

from hwsim.gpu.board import GpuBoard
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import Opcode
from hwsim.llm.simulate import PS_PER_MS
from hwsim.llm_workload.generation import Ablation, Generation
from hwsim.llm_workload.table import ablation_text
from hwsim.reproduce.flightllm_outcome import FlightllmOutcome, artifact_generations, artifact_steps
from hwsim.reproduce.published import load_published
from hwsim.reproduce.rows import Row, rows_json, rows_table

WIDTH = 120
V100S_TOKENS_PER_S, V100S_WATTS = 45.0, 220.0
"""vLLM with INT8 (second)."""
README = "artifact, its README: Output Example"


def rows(outcome: FlightllmOutcome) -> list[Row]:
    """The artifact's steps and generations, then the headlines."""
    return [*_steps(outcome), *_generations(outcome), *_headlines(outcome)]


def _steps(outcome: FlightllmOutcome) -> list[Row]:
    found = []
    for step in artifact_steps():
        ours, place = outcome.steps[step.stage, step.length], f"VHK158, {step.stage} at {step.length}"
        found.append(Row(quantity=f"{place}: total, ms", published=step.total, ours=ours.total_ms, mark="artifact",
                         source=step.source))
        for queue, time in step.busy.to_mapping().items():
            found.append(Row(quantity=f"{place}: {queue} busy, ms", published=time,
                             ours=ours.busy[Opcode[queue]] / PS_PER_MS, mark="artifact", source=step.source))
        found.append(Row(quantity=f"{place}: instructions", published=step.instructions, ours=ours.instructions,
                         mark="artifact", source=step.source))
    return found


def _generations(outcome: FlightllmOutcome) -> list[Row]:
    found = []
    for case in artifact_generations():
        ours = outcome.generations.get((case.prompt, case.tokens))
        if ours is None:
            continue
        figures = {"prefill, ms": (case.prefill, ours.prefill.total_ms),
                   "decode, ms": (case.decode, ours.decode.total_ms),
                   "tokens/s of decode": (case.rate, ours.decode_tokens_per_s)}
        found += [Row(quantity=f"VHK158, [{case.prompt}, {case.tokens}]: {name}", published=published, ours=value,
                      mark="artifact", source=README) for name, (published, value) in figures.items()]
    return found


def _headlines(outcome: FlightllmOutcome) -> list[Row]:
    figures, found = load_published("flightllm"), []
    main = next(iter(outcome.ablations))
    for model, ablation in outcome.ablations.items():
        full = _full(ablation)
        ours = {f"v100s {model}": V100S_WATTS / (V100S_TOKENS_PER_S * full.joules_per_token)}
        if model == main:
            ours |= _of_main(outcome, ablation, full)
        found += [figures[key].row(value) for key, value in ours.items() if key in figures]
    return found


def _of_main(outcome: FlightllmOutcome, ablation: Ablation, full: Generation) -> dict[str, float]:
    """Our figures of the first model, by key."""
    dense, off, sizes = _case(ablation, "dense chain"), _case(ablation, "without always-on-chip"), outcome.sizes
    return {
        "u280 rate": full.decode_tokens_per_s, "u280 watts": full.watts, "u280 joule": 1 / full.joules_per_token,
        "cost": full.decode_tokens_per_s / V100S_TOKENS_PER_S * _price_ratio(),
        "chain gain": dense.prefill.busy[Opcode.MM] / full.prefill.busy[Opcode.MM],
        "bandwidth off": 100 * off.decode.hbm_utilization, "bandwidth on": 100 * full.decode.hbm_utilization,
        "bytes every": sizes.every_length / 1e9, "bytes adaptive": sizes.buckets / 1e9,
        "bytes gain": sizes.every_length / sizes.buckets,
    }


def _price_ratio() -> float:
    """Price of the V100S over that of the U280."""
    return (GpuBoard.preset("v100s-32g").dollars or 0.0) / (EngineConfig.preset("u280").dollars or math.inf)


def _full(ablation: Ablation) -> Generation:
    return next(iter(ablation.cases.values()))


def _case(ablation: Ablation, begin: str) -> Generation:
    return next(case for name, case in ablation.cases.items() if name.startswith(begin))


def text(outcome: FlightllmOutcome) -> str:
    """Everything that the terminal shows."""
    parts = ["FlightLLM: the artifact's configuration (VHK158) and our derivation of the U280; nothing is fitted", "",
             rows_table(rows(outcome)), ""]
    for model, ablation in outcome.ablations.items():
        card = outcome.experiment.card
        parts += [f"U280, {model}, prompt of {card.prompt} and {card.tokens} tokens: one idea less each",
                  ablation_text(ablation), ""]
    return "\n".join([*parts, explanation(outcome), ""])


def explanation(outcome: FlightllmOutcome) -> str:
    """Where the sources do not agree with each other, and what of ours differs by construction."""
    ours = {row.quantity: row for row in rows(outcome)}
    worst = max((abs(row.error_percent or 0.0), quantity) for quantity, row in ours.items() if row.mark == "artifact")
    full = _full(next(iter(outcome.ablations.values())))
    memory = outcome.experiment.card.engine.memory
    stored = full.decode.cores * full.decode.hbm_bytes / full.tokens
    rate, off, on = (load_published("flightllm")[key].value or 0.0 for key in ("u280 rate", "bandwidth off",
                                                                               "bandwidth on"))
    used = 100 * rate * stored / memory.bytes_per_s
    ceiling = 100 * memory.efficiency_same * memory.a_channels * outcome.experiment.card.engine.slrs / memory.channels
    notes = [
        f"Artifact: largest error {worst[0]:.2g} % ({worst[1]}). Each of its choices that we would make otherwise is a "
        "named option of the compiler (preset artifact), the divisor 3.2 of all its times a named parameter of the "
        "engine. Its attention masks come as the number of blocks that each head keeps; which blocks is drawn, so "
        "prompts longer than the smallest budget differ a little.",
        f"U280: a token moves {stored / 1e9:.3g} GB, so {rate:g} tokens/s use {used:.3g} % of "
        f"{memory.bytes_per_s / 1e9:.4g} GB/s; published are {off:g} % without always-on-chip decode and {on:g} % with "
        f"it. So {rate:g} tokens/s and {on:g} % stand on different bases, and no model meets both. Ours is limited "
        f"by HBM: {ceiling:.3g} % of the peak at most, which is what its channels of weights give at the artifact's "
        "efficiency.",
        "Compute efficiency: of the weights only query and key projections are sparse in the artifact (density 0.7); "
        "1.6x needs a mean density of 0.62 over all of them. In decode the sparse chain brings nothing here, because "
        "HBM limits it and at 4 bits a position costs as much as a value: an 8:16 block is as long as a dense one.",
        "Watts: 30 W of ours are the board at rest (assumption); the rest is counted actions.",
        "Instruction bytes: published counts are not explained; ours count every length to 2,048 on every core, then "
        "one program for each bucket of 128 (prefill) and 16 (decode). Sharing equal layers and cores as well leaves "
        f"{outcome.sizes.adaptive / 1e6:.3g} MB.",
    ]
    return "\n".join(fill(note, WIDTH) for note in notes)


def to_dict(outcome: FlightllmOutcome) -> dict[str, Any]:
    """Plain data for ``result.json``."""
    return {**rows_json(rows(outcome)), "explanation": explanation(outcome),
            "steps": {f"{stage} {length}": step.to_dict() for (stage, length), step in outcome.steps.items()},
            "ablation": {model: ablation.to_dict() for model, ablation in outcome.ablations.items()},
            "instruction_bytes": outcome.sizes.to_dict()}
