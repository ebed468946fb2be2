"""The weight update of a layer and the generation of its sparse weights: bytes, and cycles of the engines.

Mixed precision (FP16 weights and gradients, FP32 master weights and momentum): the update reads gradient, master
weight and momentum, and writes master weight and momentum. What FF and BP read next is written too: the FP16 weight of
a dense layer; of a sparse one its two N:M forms, when they are *pre-generated* with the update, else the FP16 weight,
from which SORE makes one form *on line* before FF, and the other before BP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.sore import timing as sore_timing
from hwsim.sore.config import SoreConfig
from hwsim.sparsity.ratio import Ratio
from hwsim.training.machine import TrainingMachine
from hwsim.training.stages import ELEMENT_BYTES, Stage
from hwsim.wuve import timing as wuve_timing
from hwsim.wuve.config import WuveConfig

MASTER_BYTES = 4
"""Of a master weight, and of its momentum."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A run of WUVE or SORE over a layer's weights: bytes in DRAM by what they are, cycles.

    ``dram``: of the channel. ``engine``: of the engine, or of both where SORE runs behind WUVE. ``sore``: of SORE.
    """

    layer: str
    weights: int
    moved: Mapping[str, int]
    dram: int
    engine: int
    sore: int = 0

    @property
    def cycles(self) -> int:
        """Cycles of the run alone: channel and engine stream together."""
        return max(self.dram, self.engine)


def form_bytes(weights: int, ratio: Ratio) -> int:
    """Bytes of the N:M form of so many weights along one of the two directions: kept values and their positions."""
    kept = ratio.groups(weights) * ratio.n
    return -(-kept * (8 * ELEMENT_BYTES + ratio.index_bits) // 8)


def wuve_cycles(config: WuveConfig, weights: int) -> int:
    """Cycles from the first token to the last result when no port stalls."""
    beats = -(-weights // config.lanes)
    return wuve_timing.DESCRIPTOR_QUEUE + wuve_timing.HANDOVER + beats + wuve_timing.latency(config)


def sore_cycles(config: SoreConfig, k: int, n: int, ratio: Ratio) -> int:
    """Cycles from the first descriptor to the last result of W [k, n] in both directions when no port stalls."""
    rows = -(-n // config.lanes) * ratio.groups(k) * ratio.m
    return sore_timing.DESCRIPTOR_QUEUE + sore_timing.HANDOVER + rows + sore_timing.backward(ratio.m) + ratio.n - 1


def update(machine: TrainingMachine, stage: Stage, *, pregenerate: bool) -> Work:
    """WUVE over the layer of a WU stage, with SORE behind it where the layer is sparse and pre-generated."""
    weights, ratio = stage.weights, stage.ratio
    both = pregenerate and not ratio.dense
    moved = {"weight gradients": ELEMENT_BYTES * weights, "master weights": 2 * MASTER_BYTES * weights,
             "momentum": 2 * MASTER_BYTES * weights,
             "weights": 2 * form_bytes(weights, ratio) if both else ELEMENT_BYTES * weights}
    engine, sorted_in = wuve_cycles(machine.wuve, weights), 0
    if both:  # SORE takes WUVE's results as they come; the slower one sets the pace
        sorted_in = sore_cycles(machine.sore, *_matrix(stage), ratio)
        engine = max(engine, sorted_in) + wuve_timing.latency(machine.wuve)
    return _work(machine, stage, moved, engine, sorted_in)


def generate(machine: TrainingMachine, stage: Stage) -> Work:
    """SORE over the layer of a WU stage on line: the FP16 weights in, the form that the next pass reads out."""
    cycles = sore_cycles(machine.sore, *_matrix(stage), stage.ratio)
    moved = {"weights": ELEMENT_BYTES * stage.weights + form_bytes(stage.weights, stage.ratio)}
    return _work(machine, stage, moved, cycles, cycles)


def _matrix(stage: Stage) -> tuple[int, int]:
    """K and N of the weights: the result of WU."""
    return stage.gemms[0].m, stage.gemms[0].n


def _work(machine: TrainingMachine, stage: Stage, moved: dict[str, int], engine: int, sore: int) -> Work:
    dram = int(machine.dram.service_cycles(sum(moved.values()), machine.clock_hz))
    return Work(layer=stage.layer, weights=stage.weights, moved=moved, engine=engine, sore=sore,
                dram=dram + machine.dram.latency_cycles(machine.clock_hz))
