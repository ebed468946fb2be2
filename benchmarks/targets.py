"""What the simulator is meant to reach, and whether these figures do."""

from __future__ import annotations

from typing import Any

from benchmarks.tables import case_name, joined, number, speedup

FASTER, AT_SIZE = 10_000, 1024
RESNET50_S = 1.0


def verdict(met: bool) -> str:
    """One word."""
    return "met" if met else "**missed**"


def targets(sections: dict[str, Any]) -> str:
    """A line for each target that there are figures for."""
    lines = []
    if {"gemm", "scalesim"} <= set(sections):
        for row in joined(sections):
            if row["case"]["m"] == AT_SIZE and row["scalesim"]["status"] == "measured":
                lines += [faster(row, name, words) for name, words in (("fixed", "one tiling"), ("search", "search"))]
    for row in sections.get("resnet50", {}).get("results", []):
        sample = row["seconds"]["check N:M of every layer and simulate"]
        lines.append(f"ResNet-50 {row['dataflow'].upper()} forward with its weights checked, below {RESNET50_S:g} s: "
                     f"median {number(sample['median_s'])} s, minimum {number(sample['min_s'])} s: "
                     f"{verdict(sample['median_s'] < RESNET50_S)}")
    return "## Targets\n\n" + ("\n".join(f"* {line}" for line in lines) or "No figures.")


def faster(row: dict[str, Any], name: str, words: str) -> str:
    """One case against the ratio that is wanted."""
    ratio = round(speedup(row["scalesim"], row["hwsim"][name]))
    return (f"{case_name(row['case'])}, {words}, {number(FASTER)} times faster than SCALE-Sim: {number(ratio)} times: "
            f"{verdict(ratio >= FASTER)}")
