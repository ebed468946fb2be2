"""One layer of an experiment on the RTL: its own operands, its own schedule, under the stalls of its own memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.cli.plans import plans_of
from hwsim.cli.sources import Source, read_source
from hwsim.errors import InputError
from hwsim.experiment import Experiment
from hwsim.fields import one_of
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload import Operator

if TYPE_CHECKING:
    from mappers.quantized import QuantizedLayer
    from rtl.verify import Report


@dataclass(frozen=True, kw_only=True, eq=False)
class Proof:
    """What a layer's run on the RTL showed.

    ``cycles``: of the array in the run with memory, up to the last result at its port (``array_cycles`` of the layer in
    ``hwsim run``); the RTL must take as many. ``in_memory``: up to the last byte in DRAM. Of ``all_passes`` the first
    ``passes`` were run; ``cycles`` are those of these passes.
    """

    layer: str
    ratio: str
    mode: str
    macs: int
    real_input: bool
    cycles: int
    in_memory: int
    passes: int
    all_passes: int
    report: Report

    @property
    def passed(self) -> bool:
        """Whether values and cycles agree, transfer by transfer and in all."""
        return self.report.passed and self.report.rtl_cycles == self.cycles

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What differs, with what repeats it."""
        return self.report.failures

    def to_dict(self) -> dict[str, Any]:
        """The report of `hwsim verify`, and what was proven."""
        return {**self.report.to_dict(), "layer": self.layer, "ratio": self.ratio, "mode": self.mode,
                "macs": self.macs, "real_input": self.real_input, "array_cycles": self.cycles,
                "cycles": self.in_memory, "passes": self.passes, "all_passes": self.all_passes,
                "passed": self.passed}  # fmt: skip

    def configuration_lines(self) -> list[str]:
        """The array."""
        return self.report.configuration_lines()

    def summary(self) -> str:
        """Two lines."""
        values = "real" if self.real_input else "drawn"
        part = "" if self.passes == self.all_passes else f", first {self.passes:,} of {self.all_passes:,} passes"
        return (f"{self.layer}{part}, {self.ratio} weights in mode {self.mode}, {self.macs:,} MACs, {values} input: "
                f"{self.cycles:,} cycles of the array in the run with memory, {self.report.rtl_cycles:,} on the RTL "
                f"({self.in_memory:,} until the last result is in DRAM)\n{self.report.summary()}")


def prove_layer(experiment: Experiment, folder: Path, layer: str, engine: str, seed: int,
                most_cycles: int | None = None) -> Proof:  # fmt: skip
    """Run one layer on the RTL and compare.

    Args:
        experiment: gives workload, pruning (its first run), array, memory and search.
        folder: that its relative paths start from.
        layer: name of an operator with MACs.
        engine: of `hwsim verify`.
        seed: of drawn values, where the workload has no real input.
        most_cycles: run only its first passes, those whose results are out after so many cycles (the first that give
            results, if there are none).

    Raises:
        InputError: no such layer, or what `hwsim run` refuses.
    """
    import numpy as np

    from hwsim.nm_array.replay import memory_stalls
    from mappers.nm_array import schedule
    from mappers.operands import operands
    from rtl.nm_array.family import verify_program

    if experiment.accelerator.config.floating:
        wanted = "int8: a layer's operands are quantised to it"
        raise InputError("accelerator: data_type", wanted, experiment.accelerator.config.data_type)
    source = read_source(experiment.workload, folder)
    names = [operator.name for operator in source.workload.gemms]
    one_of("--layer", layer, names)
    operator = source.workload[layer]
    plan = plans_of(source, experiment)[0]
    ratio, config = plan.ratios.get(layer, DENSE), experiment.accelerator.config
    values = _values(source, operator, plan.weights, ratio, seed)
    found = schedule(config, operator, ratio, experiment.memory, experiment.clock_hz, experiment.mapper)
    a, w, parameters = operands(found.mapped, values)
    offers, ready = memory_stalls(found.program, found.timeline)
    results = found.timeline.start["o"]
    tiles = len(results) if most_cycles is None else max(1, int(np.searchsorted(results, most_cycles)))
    passes = int(np.flatnonzero(found.program.last)[tiles - 1]) + 1
    part = found.program if tiles == len(results) else found.program.select(slice(0, passes))
    report = verify_program(part, a, w, parameters, offers, ready, engine)
    return Proof(layer=layer, ratio=str(ratio), mode=str(found.mapped.ratio), macs=operator.macs,
                 real_input=source.network is not None and operator.has_weights,
                 cycles=int(results[tiles - 1]) + 1, in_memory=found.cycles, passes=passes,
                 all_passes=found.program.passes, report=report)  # fmt: skip


def _values(
    source: Source, operator: Operator, weights: dict[str, Any] | None, ratio: Ratio, seed: int
) -> QuantizedLayer:
    """INT8 operands: of the real network on its sample input, or drawn."""
    from mappers.quantized import quantize_layer, random_layer

    if source.network is None or not operator.has_weights:
        known = weights.get(operator.name) if weights else None
        return random_layer(operator, known, ratio, seed)
    network = source.network.with_weights(weights or {})
    _, recording = network.run(network.sample_input())
    return quantize_layer(network, recording, operator.name)
