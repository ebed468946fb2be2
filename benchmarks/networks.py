"""ResNet-50 forward on the N:M array with actual 2:4 weights: all layers, tiling search included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.gemm import CLOCK_HZ, DRAM, SEED
from benchmarks.timing import measure, once
from hwsim.memory import Dram
from hwsim.nm_array.config import NmArrayConfig
from hwsim.result import NetworkResult
from hwsim.sparsity.nm import encode_nm
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload import Workload, zoo
from mappers.network import simulate_network
from mappers.prune import PrunedLayer, prune_nm

Weights = dict[str, npt.NDArray[np.int8]]


def random_weights(workload: Workload, seed: int) -> Weights:
    """INT8 weights of every operator that has them, (groups, K, N), normally distributed."""
    rng = np.random.default_rng(seed)
    return {op.name: np.clip(np.rint(rng.standard_normal(op.weight_shape, np.float32) * 32), -127, 127).astype(np.int8)
            for op in workload if op.has_weights}


def resnet50(dataflow: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Prune, encode and simulate; each step timed alone, and the simulation with and without reading the weights."""
    workload, ratio = zoo.build("resnet50"), Ratio(2, 4)
    config, dram = NmArrayConfig(dataflow=dataflow), Dram.preset(DRAM)
    say(f"ResNet-50 {dataflow}: pruning")
    dense = random_weights(workload, SEED)
    pruned: dict[str, PrunedLayer] = {}
    prune_s = once(lambda: pruned.update(prune_nm(dense, ratio)))
    ratios = {name: layer.record.ratio or DENSE for name, layer in pruned.items()}
    weights = {name: layer.weights for name, layer in pruned.items()}

    def simulate(read: bool) -> NetworkResult:
        return simulate_network(workload, config, ratios=ratios, dram=dram, clock_hz=CLOCK_HZ,
                                weights=weights if read else None)

    def encode() -> None:
        for name, array in weights.items():
            encode_nm(array, ratios[name], 1)

    say(f"ResNet-50 {dataflow}: simulating")
    timed = {"simulate": measure(lambda: simulate(False), budget_s=6.0).to_dict(),
             "check N:M of every layer and simulate": measure(lambda: simulate(True), budget_s=6.0).to_dict(),
             "encode every layer": measure(encode, warm_up=1, least=3, budget_s=3.0).to_dict()}
    result = simulate(True)
    return {"dataflow": dataflow, "ratio": str(ratio), "seed": SEED, "batch": 1, "layers": len(result.layers),
            "pruned_layers": sum(r == ratio for r in ratios.values()), "macs": workload.macs,
            "weights": int(sum(array.size for array in weights.values())), "cycles": result.cycles,
            "dense_cycles": simulate_network(workload, config, ratios={}, dram=dram, clock_hz=CLOCK_HZ).cycles,
            "clock_hz": CLOCK_HZ, "memory": DRAM, "config": config.to_mapping(), "seconds": timed,
            "prune_by_magnitude_s": prune_s}
