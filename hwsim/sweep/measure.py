"""Metrics and details of a point from the results of its family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hwsim.energy import EnergyTree
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.step import Step
from hwsim.nm_array.account import buffer_banks
from hwsim.nm_array.config import NmArrayConfig
from hwsim.result import NetworkResult

Metrics = dict[str, float | None]


def network_metrics(result: NetworkResult, baselines: Mapping[str, NetworkResult]) -> Metrics:
    """Of a network on an N:M array, and beside each baseline."""
    config, energy = result.config, float(result.energy.total)
    useful = sum(layer.useful_macs for layer in result.layers)
    found: Metrics = {
        "cycles": result.cycles, "seconds": result.seconds, "energy_joules": energy,
        "edp_joule_seconds": energy * result.seconds, "multipliers": config.macs_per_cycle,
        "utilization": useful / (config.macs_per_cycle * result.cycles), "dram_bytes": result.dram_bytes,
        "macs": sum(layer.macs for layer in result.layers), "useful_macs": useful,
        "peak_macs_per_second": config.macs_per_cycle * result.clock_hz,
        "dram_bytes_per_second": result.dram.bytes_per_cycle(result.clock_hz) * result.clock_hz}
    if isinstance(config, NmArrayConfig):
        found["sram_bytes"] = sum(banks * nbytes for banks, nbytes in buffer_banks(config).values())
    for name, other in baselines.items():
        found[f"speedup_{name}"] = other.cycles / result.cycles
        found[f"energy_gain_{name}"] = float(other.energy.total) / energy
    return found


def gpu_metrics(found: Metrics, gpus: Iterable[tuple[float, float]]) -> Metrics:
    """The metrics of a point with those beside a GPU.

    Args:
        found: with ``seconds`` and ``energy_joules``.
        gpus: seconds and joules of the same work on a GPU, in each way that its memory has room for; the fastest
            counts. Without any the metrics stay as they are.
    """
    seconds, joules = found["seconds"], found["energy_joules"]
    best = min(gpus, default=None)
    if best is None or not seconds or not joules:
        return found
    return {**found, "speedup_gpu": best[0] / seconds, "energy_gain_gpu": best[1] / joules}


def network_detail(result: NetworkResult) -> dict[str, Any]:
    """Energy by component (J); of each process its cycles by kind; columns of the layers."""
    stalls: dict[str, dict[str, int]] = {}
    for layer in result.layers:
        for process, split in layer.stalls.items():
            sums = stalls.setdefault(process, dict.fromkeys(split, 0))
            for kind, cycles in split.items():
                sums[kind] += cycles
    layers = result.layers
    return {"energy": _by_component(result.energy), "stalls": stalls, "layers": {
        "name": [layer.name for layer in layers], "cycles": [layer.cycles for layer in layers],
        "energy_joules": [float(layer.energy.total) for layer in layers],
        "utilization": [round(layer.utilization, 6) for layer in layers],
        "dram_bytes": [sum(layer.dram_bytes.values()) for layer in layers],
        "useful_macs": [layer.useful_macs for layer in layers],
        "ratio": [layer.ratio for layer in layers]}}


def step_metrics(experiment: KvExperiment, step: Step, dense: Step) -> Metrics:
    """Of one token of every sequence with a bitmap cache whose zeros are skipped, beside the dense engine.

    Multipliers are those of all units and of the matrix engine. Buffers beside the block buffers have no size in the
    model, so there is no ``sram_bytes``.
    """
    machine, clock = experiment.accelerator, experiment.clock_hz
    energy, other = (float(each.attention_energy.total) + float(each.weight_energy.total) for each in (step, dense))
    multipliers = machine.multipliers + machine.weight_macs
    return {
        "cycles": step.cycles, "seconds": step.cycles / clock, "energy_joules": energy,
        "edp_joule_seconds": energy * step.cycles / clock, "multipliers": multipliers,
        "dram_bytes": sum(leaf.count for tree in (step.attention_energy, step.weight_energy)
                          for leaf in tree.leaves if leaf.component == "DRAM" and leaf.cost.per == "bit") / 8,
        "speedup_dense": dense.cycles / step.cycles, "energy_gain_dense": other / energy,
        "peak_macs_per_second": multipliers * clock,
        "dram_bytes_per_second": experiment.memory.bytes_per_cycle(clock) * clock,
        "tokens_per_second": step.tokens_per_s}  # fmt: skip


def step_detail(step: Step) -> dict[str, Any]:
    """Energy by component (J); attention of all layers, and the products with weights, as two parts."""
    trees = (step.attention_energy, step.weight_energy)
    return {"energy": _by_component(EnergyTree.merged(trees)), "stalls": {}, "layers": {
        "name": ["attention", "weights"], "cycles": [step.attention_cycles, step.weight_cycles],
        "energy_joules": [float(tree.total) for tree in trees]}}


def _by_component(tree: EnergyTree) -> dict[str, float]:
    return {name: float(energy) for name, energy in tree.components.items()}
