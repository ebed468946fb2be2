"""A whole workload on one accelerator: every operator scheduled, simulated and accounted for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy.typing as npt

from hwsim.energy import EnergyTree, duration, of_bytes
from hwsim.errors import InputError
from hwsim.memory import Dram
from hwsim.network import Network
from hwsim.nm_array.account import action_counts, dram_cost, standing
from hwsim.nm_array.config import NmArrayConfig
from hwsim.result import LayerResult, NetworkResult
from hwsim.roofline import Roofline, check_not_below
from hwsim.search import SearchLimits
from hwsim.sparsity.nm import check_nm
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload import Operator, Workload
from mappers.nm_array import DEFAULT_LIMITS, schedule

Progress = Callable[[int, int, str], None]


def simulate_network(workload: Workload, config: NmArrayConfig, *, ratios: Mapping[str, Ratio], dram: Dram,
                     clock_hz: float, weights: Mapping[str, npt.NDArray[Any]] | None = None,
                     name: str = "nm_array", limits: SearchLimits = DEFAULT_LIMITS,
                     progress: Progress | None = None,
                     known: dict[tuple[object, ...], LayerResult] | None = None) -> NetworkResult:
    """Schedule each operator with its best tiling and add up.

    Args:
        workload: the network.
        config: the array.
        ratios: N:M by operator name; operators that are not named stay dense.
        dram: memory channel.
        clock_hz: clock of the array, Hz.
        weights: by operator name, (groups, K, N); where given, they must obey the operator's ratio.
        name: of the accelerator, in the result.
        limits: size of the tiling search.
        progress: called with (done, operators, name) before each operator.
        known: layers that earlier calls found with equal config, dram, clock_hz and limits; this call adds its own.

    Raises:
        InputError: an unknown operator, a ratio that the array was not built for, or weights that break it.
    """
    names = {operator.name for operator in workload}
    for named in ratios:
        if named not in names:
            raise InputError("ratios", f"operators of {workload.name}", named)
    layers: list[LayerResult] = []
    found = {} if known is None else known
    for done, operator in enumerate(workload):
        if progress is not None:
            progress(done, len(workload), operator.name)
        ratio = ratios.get(operator.name, DENSE)
        if weights is not None and operator.name in weights:
            check_nm(weights[operator.name], ratio, 1, operator.name)
        key = (operator.kind, operator.m, operator.k, operator.n, operator.groups, operator.conv, ratio,
               operator.input_elements, operator.output_elements)
        if key not in found:
            found[key] = simulate_operator(operator, config, ratio, dram, clock_hz, limits)
        layers.append(_renamed(found[key], operator.name))
    return NetworkResult(workload=workload.name, accelerator=name, config=config, clock_hz=clock_hz, dram=dram,
                         layers=tuple(layers))


def _renamed(layer: LayerResult, name: str) -> LayerResult:
    """The same result for an operator of the same shape (N:M timing does not depend on which weights are kept)."""
    return layer if layer.name == name else replace(layer, name=name)


def simulate_operator(operator: Operator, config: NmArrayConfig, ratio: Ratio, dram: Dram, clock_hz: float,
                      limits: SearchLimits = DEFAULT_LIMITS) -> LayerResult:
    """Best schedule of one operator, with its energy."""
    if operator.kind == "traffic":
        return _traffic_only(operator, config, dram, clock_hz)
    found = schedule(config, operator, ratio, dram, clock_hz, limits)
    roofline = Roofline(macs_per_cycle=config.macs_per_cycle, bytes_per_cycle=dram.bytes_per_cycle(clock_hz))
    kept = operator.groups * operator.m * operator.n * ratio.groups(operator.k) * ratio.n
    check_not_below(found.cycles, roofline.bound(kept, sum(found.traffic.totals().values())), operator.name)
    program, tiling, mapped = found.program, found.program.tiling, found.mapped
    stalls = {process: asdict(found.timeline.stalls(process)) for process in ("dram", "load", "compute", "o")}
    return LayerResult(
        name=operator.name, kind=operator.kind, m=operator.m, k=operator.k, n=operator.n, groups=operator.groups,
        ratio=str(ratio), tiling={
            "dataflow": program.dataflow, "mode": str(mapped.ratio), "beats": tiling.beats, "order": tiling.order,
            "packed": mapped.packed, "window": mapped.window.width if mapped.window else 0, "exact": found.exact},
        cycles=found.cycles, array_cycles=int(found.timeline.start["o"][-1]) + 1, bound_cycles=found.bound,
        best_bound_cycles=found.best_bound, macs=operator.macs,
        useful_macs=kept, peak_macs=config.macs_per_cycle, stalls=stalls,
        dram_bytes=found.traffic.totals(), energy=EnergyTree.of([
            *action_counts(program, found.traffic, dram),
            *standing(config, dram, duration(found.cycles, clock_hz))]))


def _traffic_only(operator: Operator, config: NmArrayConfig, dram: Dram, clock_hz: float) -> LayerResult:
    """An operator without MACs: reads its inputs and writes its outputs, nothing else is modelled."""
    size = config.element_bits // 8
    moved = {"a": size * operator.input_elements, "w": 0, "q": 0, "o": size * operator.output_elements}
    net = Network(operator.name)
    service = dram.service_cycles([moved["a"], moved["o"]], clock_hz)
    net.process("dram", firings=2, interval=service, latency=service)
    net.depend("dram", on="dram", shift=1, delay=int(service[0]) + dram.latency_cycles(clock_hz),
               name="read, then write")
    timeline = net.solve()
    counts = [of_bytes("DRAM", name, moved[port], cost=dram_cost(dram))
              for name, port in (("read activations", "a"), ("write results", "o"))]
    counts += standing(config, dram, duration(timeline.cycles, clock_hz))
    return LayerResult(
        name=operator.name, kind=operator.kind, m=0, k=0, n=0, groups=operator.groups, ratio=str(DENSE), tiling={},
        cycles=timeline.cycles, array_cycles=0,
        bound_cycles=int(service.sum()), best_bound_cycles=int(service.sum()), macs=0,
        useful_macs=0, peak_macs=config.macs_per_cycle, stalls={"dram": asdict(timeline.stalls("dram"))},
        dram_bytes=moved, energy=EnergyTree.of(counts))
