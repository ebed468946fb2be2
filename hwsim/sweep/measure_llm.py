"""Metrics and details of a point that is a language model's generation on a board of sparse DSP chains."""

from __future__ import annotations

from typing import Any

from hwsim.energy import EnergyTree
from hwsim.llm.isa import Opcode
from hwsim.llm_workload.experiment import LlmExperiment
from hwsim.llm_workload.generation import Generation
from hwsim.llm_workload.step_time import StepTime
from hwsim.sweep.measure import Metrics


def generation_metrics(experiment: LlmExperiment, found: Generation, dense: Generation) -> Metrics:
    """Of a prompt and the tokens behind it, beside the dense chain with as many DSPs.

    ``cycles`` is the time of prompt and tokens in cycles of the engine's clock. ``multipliers`` are DSP slices: one
    multiplies one weight with two activations. ``tokens_per_second`` is of decoding.
    """
    engine = experiment.engine
    parts = (found.prefill, found.decode)
    energy, other = (float(each.prefill.energy.total) + float(each.decode.energy.total) for each in (found, dense))
    macs = engine.slrs * engine.mm_macs
    return {
        "cycles": found.seconds * engine.clock_hz, "seconds": found.seconds, "energy_joules": energy,
        "edp_joule_seconds": energy * found.seconds, "multipliers": macs / 2,
        "dram_bytes": sum(part.cores * (part.hbm_bytes + part.ddr_bytes) for part in parts),
        "useful_macs": sum(part.cores * part.macs for part in parts),
        "speedup_dense": dense.seconds / found.seconds, "energy_gain_dense": other / energy,
        "peak_macs_per_second": macs * engine.clock_hz, "dram_bytes_per_second": engine.memory.bytes_per_s,
        "tokens_per_second": found.decode_tokens_per_s}  # fmt: skip


def generation_detail(experiment: LlmExperiment, found: Generation) -> dict[str, Any]:
    """Energy by component (J); cycles of the matrix engine by state (MM in the prompt, MV behind it) and by layer."""
    clock = experiment.engine.clock_hz
    merged = EnergyTree.merged((found.prefill.energy, found.decode.energy))
    states: dict[str, float] = {}
    layers: dict[str, float] = {}
    for part, queue in ((found.prefill, Opcode.MM), (found.decode, Opcode.MV)):
        for state, share in part.stalls(queue).items():
            states[state] = states.get(state, 0.0) + share * _cycles(part, clock)
        for kind, picoseconds in part.layer_ps.items():
            layers[kind] = layers.get(kind, 0.0) + picoseconds * 1e-12 * clock
    return {"energy": {name: float(energy) for name, energy in merged.components.items()},
            "stalls": {"compute": states}, "layers": {"name": list(layers), "cycles": list(layers.values())}}


def _cycles(part: StepTime, clock_hz: float) -> float:
    return part.total_ps * 1e-12 * clock_hz
