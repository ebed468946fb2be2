"""A run of a program as plain data and as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.llm.account import energy
from hwsim.llm.deadlock import ProgramDeadlock
from hwsim.llm.isa import Opcode
from hwsim.llm.simulate import PS_PER_MS, Run
from hwsim.report.columns import aligned


def run_data(run: Run) -> dict[str, Any]:
    """Plain data: times in ms, energy in J, bytes and MACs of all cores.

    ``queues`` holds for each queue how many instructions it ran and its busy, starved (by the queue whose token came
    last) and idle time; these add up to ``total_ms``. ``layer_ms`` adds up to it, too.
    """
    cores, moved = run.config.slrs, run.traffic
    return {
        "program": run.program.name,
        "total_ms": run.total_ms,
        "busy_ms": {queue.name: run.busy_ms[queue.name] for queue in Opcode if run.queues[queue].instructions},
        "instructions": len(run.program),
        "instruction_bytes": run.program.nbytes,
        "fetch_ms": run.fetch_ms,
        "tokens_left": run.tokens_left,
        "queues": {queue.name: {
            "instructions": times.instructions, "busy_ms": times.busy / PS_PER_MS,
            "starved_ms": {by.name: time / PS_PER_MS for by, time in times.starved.items()},
            "idle_ms": times.idle / PS_PER_MS} for queue, times in run.queues.items()},
        "layer_ms": run.layer_ms,
        "macs": {op.name: cores * count for op, count in run.macs.items()},
        "bytes": {"hbm_read": cores * moved.hbm_read, "hbm_written": cores * moved.hbm_written,
                  "ddr_read": cores * moved.ddr_read,
                  "ddr_instructions": cores * run.program.nbytes if run.config.memory.tables == "ddr" else 0},
        "hbm_utilization": run.hbm_utilization,
        "energy": energy(run).to_dict(),
    }


def deadlock_data(deadlock: ProgramDeadlock) -> dict[str, Any]:
    """Plain data of a program that stands still."""
    return {"program": deadlock.program, "deadlock": [
        {"instruction": wait.instruction, "text": wait.text, "queue": wait.queue.name, "waits_for": wait.on.name,
         "token": wait.token, "which_stands_at": wait.on_instruction} for wait in deadlock.waits]}


def run_text(run: Run) -> str:
    """What the terminal shows."""
    tree = energy(run)
    low, high = tree.bounds
    watts = tree.total / (run.total * 1e-12) if run.total else 0.0
    count, in_ddr = run.config.slrs, run.config.memory.tables == "ddr"
    cores = "" if run.config.slrs == 1 else f" on each of {run.config.slrs} cores"
    return "\n".join([
        f"{run.program.name}: {len(run.program)} instructions{cores}, {run.program.nbytes} bytes "
        f"(read once: {run.fetch_ms:.4g} ms)",
        f"DDR: {count * run.traffic.ddr_read:.6g} bytes of tables and "
        f"{count * run.program.nbytes if in_ddr else 0} of instructions",
        f"{run.total_ms:.6g} ms; HBM {run.hbm_utilization:.1%} of its peak; {tree.total:.4g} J "
        f"({low:.3g} to {high:.3g}), {watts:.3g} W",
        "", *aligned(_queue_lines(run)), "starved: free, but a token of that queue was still to come", "",
        *aligned(_layer_lines(run.layer_ms, run.total_ms)),
        *([f"{run.tokens_left} tokens were never taken"] if run.tokens_left else []), ""])


def _queue_lines(run: Run) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [
        ("queue", "instructions", "busy ms", "busy %", *(f"by {queue.name} %" for queue in Opcode), "idle %")]
    whole = max(run.total, 1)
    for queue, times in run.queues.items():
        starved = (f"{times.starved[by] / whole:.1%}" if by in times.starved else "-" for by in Opcode)
        lines.append((queue.name, str(times.instructions), f"{times.busy / PS_PER_MS:.6g}", f"{times.busy / whole:.1%}",
                      *starved, f"{times.idle / whole:.1%}"))
    return lines


def _layer_lines(layers: Mapping[str, float], total: float) -> list[tuple[str, ...]]:
    longest = sorted(layers.items(), key=lambda item: -item[1])
    return [("layer", "ms", "%"), *((name or "-", f"{time:.6g}", f"{time / total:.1%}" if total else "-")
                                    for name, time in longest)]
