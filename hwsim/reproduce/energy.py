"""``hwsim reproduce energy``: published energies, power and areas beside what our cost table gives; nothing fitted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any

from hwsim.config import Configuration, load_toml
from hwsim.energy import ActionCount, EnergyChoice, EnergyTree, load_costs
from hwsim.llm_workload.experiment import LlmExperiment
from hwsim.llm_workload.generation import Generation
from hwsim.report.columns import aligned
from hwsim.reproduce.published import load_published
from hwsim.reproduce.rows import Row, rows_json, rows_table

WIDTH = 120
PARTS = ("mac", "reg", "psum", "weight", "iact")
"""Of the Eyeriss v2 PE, by key of their row."""
WORD = 16
"""Bits of an Eyeriss word."""
V2_SUM, V2_OPERAND = 20, 8 + 4
"""Bits of an Eyeriss v2 sum, and of a value with its position; see ``energy.toml``."""


@dataclass(frozen=True, kw_only=True)
class EnergyExperiment(Configuration):
    """What is priced: the FlightLLM design as derived for a U280, and published counts in a technology."""

    card: LlmExperiment = LlmExperiment.preset("u280")
    energy: EnergyChoice = EnergyChoice()


@dataclass(frozen=True, kw_only=True)
class EnergyOutcome:
    """The generation that was run on the card."""

    experiment: EnergyExperiment
    generation: Generation


@cache
def pe_tree(technology: str) -> EnergyTree:
    """Sparseloop's counts of the Eyeriss v2 PE at our costs."""
    counts = [ActionCount.from_mapping({"component": entry.pop("key"), **entry}, f"energy.toml: count[{number}]")
              for number, entry in enumerate(load_toml(Path(__file__).with_name("energy.toml"))["count"])]
    return EnergyTree.of(counts, load_costs(technology=technology))


def rows(outcome: EnergyOutcome) -> list[Row]:
    """Every published figure with ours."""
    ours = {**_pe(outcome.experiment.energy.technology), **_ratios(outcome.experiment.energy.technology),
            "watts": float(outcome.generation.watts), "tokens": 1 / outcome.generation.joules_per_token,
            "dsps": outcome.experiment.card.engine.slrs * outcome.experiment.card.engine.mm_macs / 2}
    return [figure.row(ours[key]) for key, figure in load_published("energy").items()]


def _pe(technology: str) -> dict[str, float]:
    tree, area = pe_tree(technology), load_costs().area
    parts = {name: 1e9 * tree.components[name] for name in PARTS}
    weight = {leaf.action: leaf.energy for leaf in tree.leaves if leaf.component == "weight"}
    return {**parts, "total": 1e9 * tree.total, "mac share": 100 * tree.components["mac"] / tree.total,
            "metadata share": 100 * weight["metadata"] / (weight["metadata"] + weight["data"]),
            "area mac": area("multiply.int8") + V2_SUM / 32 * area("add.int32"),
            "area reg": V2_OPERAND * area("register")}


def _ratios(technology: str) -> dict[str, float]:
    """Words of 16 bits over a MAC of 16 bits: four INT8 multiplications and an addition of 32 bits."""
    table = load_costs(technology=technology)
    mac = 4 * table.cost("multiply.int8").energy + table.cost("add.int32").energy
    moved = {"rf": table.sram(512).energy, "hop": table.cost("hop").energy, "buffer": table.sram(100 << 10).energy,
             "dram": table.cost("dram.generic").energy}
    return {key: WORD * energy / mac for key, energy in moved.items()}


def text(outcome: EnergyOutcome) -> str:
    """Everything that the terminal shows."""
    return "\n".join(["Published energies, power and areas beside ours; nothing is fitted", "",
                      rows_table(rows(outcome)), "", *ranges(outcome), "", explanation(outcome), ""])


def ranges(outcome: EnergyOutcome) -> list[str]:
    """Whether the published energies lie in our ranges."""
    tree, published = pe_tree(outcome.experiment.energy.technology), load_published("energy")
    bounds = {key: [1e9 * sum(leaf.bounds[side] for leaf in tree.leaves if leaf.component == key) for side in (0, 1)]
              for key in PARTS}
    seconds = outcome.generation.decode.total_ms / 1e3
    bounds["watts"] = [joules / seconds for joules in outcome.generation.decode.energy.bounds]
    lines: list[tuple[str, ...]] = [("range of ours", "low", "high", "published", "inside")]
    for key, (low, high) in bounds.items():
        figure = published[key]
        told = figure.value or 0.0
        inside = "yes" if low <= told <= high else "no"
        lines.append((figure.quantity, f"{low:.4g}", f"{high:.4g}", f"{told:.4g}", inside))
    return aligned(lines)


def explanation(outcome: EnergyOutcome) -> str:
    """Why figures differ."""
    static = sum(leaf.energy for leaf in outcome.generation.decode.energy.leaves if leaf.component == "board")
    share = static / outcome.generation.decode.energy.total
    told = load_published("flightllm")["u280 rate"].value or 0.0
    notes = [
        "Eyeriss v2 PE: the counts are Sparseloop's, the prices ours, so a row tests a price alone. The operand "
        "register and its area have one source on both sides (Aladdin) and must agree. Their MAC is Aladdin's "
        "32-bit multiplier scaled to 8 bits, ours Horowitz's INT8 one; a skipped cycle costs 0.018 pJ there.",
        "Weights: they price 128 bytes of metadata as Aladdin registers behind a decoder, 0.884 pJ for 8 bits, and the "
        "data by CACTI at its smallest memory. Our curve is extrapolated from 8 KiB down and gives a third or less: "
        "small scratchpads, and the metadata in them, may cost more than ours says. Its range below 8 KiB reaches up "
        "to the cost at 8 KiB for that reason.",
        "Eyeriss's normalised costs are of 65 nm and of one library. Our MAC of 16 bits is arithmetic on INT8; our "
        "DRAM is Horowitz's, 1.3 to 2.6 nJ for 64 bits; our hop is 1 mm of wire, longer than a PE.",
        f"FlightLLM: {100 * share:.0f} % of our watts is the board at rest, an assumption of 30 W (20 to 41 W); the "
        "rest is counted actions. It says little about the design that the sum comes near.",
        f"FlightLLM, tokens/J: ours decodes at {outcome.generation.decode_tokens_per_s:.0f} tokens/s beside {told:g} "
        "published, at nearly the same watts: the row tests the rate, not the costs. The published rate and the "
        "published use of the DRAM bandwidth stand on different bases, so no model meets both: see the notes of "
        "hwsim reproduce flightllm.",
        "Not reproduced: area of whole accelerators (hwsim synth counts cells and FPGA resources), Eyeriss's own "
        "278 mW (65 nm; its dataflow is not modelled).",
    ]
    return "\n".join(fill(note, WIDTH) for note in notes)


def to_dict(outcome: EnergyOutcome) -> dict[str, Any]:
    """Plain data for ``result.json``."""
    return {**rows_json(rows(outcome)), "explanation": explanation(outcome),
            "eyeriss_v2_pe": {"energy": pe_tree(outcome.experiment.energy.technology).to_dict()},
            "generation": outcome.generation.to_dict()}
