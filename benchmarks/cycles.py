"""Why the cycles of SCALE-Sim and of hwsim differ, with the numbers of a case."""

from __future__ import annotations

from typing import Any

from benchmarks.scalesim import Case, folds, kept_k
from benchmarks.tables import case_name, number

INTRODUCTION = """### Why the cycles differ

SCALE-Sim cuts the GEMM into *folds*, each of which fills the array once (R rows, C columns), and adds up the folds \
one after the other. Its totals are closed forms, equal to every measurement above:

    weight-stationary   folds · (2R + C + T − 2) − 1     T = M, folds = ⌈K′/R⌉ · ⌈N/C⌉
    output-stationary   folds · (T + R + C − 2) − 1      T = K′, folds = ⌈M/R⌉ · ⌈N/C⌉

K′ is K dense, and K · N/M for N:M: its sparse mode is a dense run with a shorter reduction, with one mask for all \
columns. Each fold loads R rows of weights (WS), streams T beats, and waits R + C − 2 cycles until the skew of the \
array has drained, before the next may begin.

Our array overlaps the folds: the next fold's operands enter while the last of the one before are still on their way \
(no drain between folds), and, with a second set of weights in the PEs, its weights load behind the computing. \
Filling and draining is paid once. `systolic-32x32` has no second set and is nearest to SCALE-Sim's array: it pays \
R cycles for the weights and 2 for the handover of each fold, and still no drain. The same tiles as SCALE-Sim's, \
no DRAM:"""
NOTE = """At 2:4 weight-stationary, a PE of ours holds both kept weights of a group and takes two cycles for a beat: \
half the folds, each twice as long. *Once*: the first tile's way into its buffer, the first weights, the last \
results' way out. *Waiting*: all passes together beyond the usual distance, for operands or a buffer. The columns \
with DRAM add its latency and its channel (the others assume, as SCALE-Sim does here, that memory never stalls the \
array). Where a column with DRAM is below the array alone, its tiles are smaller, so that the first is there earlier."""


def split(row: dict[str, Any], name: str) -> str:
    """``folds · period + waits + once`` of one of our variants."""
    made = row["hwsim"][name]
    passes, period, waits = (made["tiling"][key] for key in ("passes", "period", "waits"))
    once, total = made["cycles"] - passes * period - waits, made["cycles"]
    waiting = f" + {number(waits)} waiting" if waits else ""
    return f"{number(passes)} · {number(period)}{waiting} + {number(once)} once = {number(total)}"


def line(row: dict[str, Any]) -> str:
    """One case: SCALE-Sim's sum and ours."""
    case = Case(**row["case"])
    beats = case.m if case.dataflow == "ws" else kept_k(case.k, case.ratio)
    period = beats + case.cols - 2 + case.rows * (2 if case.dataflow == "ws" else 1)
    text = (f"* **{case_name(row['case'])}**, T = {number(beats)}: SCALE-Sim "
            f"{number(folds(case))} · {number(period)} − 1 = {number(row['scalesim']['closed_form_cycles'])}")
    if "systolic" in row["hwsim"] and case.dataflow == "ws":
        text += f"; `systolic-32x32` {split(row, 'systolic')}"
    return text + f"; `sparse-32x32` {split(row, 'array')}"


def explanation(rows: list[dict[str, Any]]) -> str:
    """The text, with the cases of 1024 (or of the largest size)."""
    sizes = {row["case"]["m"] for row in rows}
    size = 1024 if 1024 in sizes else max(sizes, default=0)
    lines = [line(row) for row in rows if row["case"]["m"] == size]
    return "\n\n".join([INTRODUCTION, "\n".join(lines), NOTE])
