"""How many runs a head's blocks are cut into: more fill the clusters, each costs its results."""

from __future__ import annotations

from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.layer import LayerTime, Parts, blocks_of, layer_time

MOST = 64


def best_layer(experiment: KvExperiment, parts: Parts) -> LayerTime:
    """Attention of one layer with the power of two of runs, up to 64, that takes the fewest cycles (least runs)."""
    workload, machine = experiment.workload, experiment.accelerator
    heads, clusters = workload.batch * workload.kv.shape.kv_heads, machine.clusters(workload.kv.queries)
    count, splits = sum(number for _, number in parts), 1
    found: list[LayerTime] = []
    while splits <= min(count, MOST) and (not found or heads * splits <= 32 * clusters):
        blocks = blocks_of(parts, heads, clusters, splits)
        found.append(layer_time(machine, experiment.memory, experiment.clock_hz, blocks, splits))
        splits *= 2
    return min(found, key=lambda time: time.cycles)
