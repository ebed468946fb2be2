"""The weight update of a layer and the generation of its sparse weights: bytes, and cycles of the engines.

Mixed precision (FP16 weights and gradients, FP32 master weights and momentum): the update reads gradient, master
weight and momentum, and writes master weight and momentum. What FF and BP read next is written too: the FP16 weight of
a dense layer; of a sparse one its two N:M forms, when they are *pre-generated* with the update, else the FP16 weight,
from which SORE makes one form *on line* before FF, and the other before BP.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.sore import timing as sore
from hwsim.sore.config import SoreConfig
from hwsim.sparsity.ratio import Ratio
from hwsim.training.machine import TrainingMachine
from hwsim.training.stages import ELEMENT_BYTES, Stage
from hwsim.wuve import timing as wuve
from hwsim.wuve.config import WuveConfig

MASTER_BYTES = 4
"""Of a master weight, and of its momentum."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A run of WUVE or SORE over a layer's weights: bytes read and written in DRAM, cycles of channel and of engine."""

    layer: str
    weights: int
    read: int
    written: int
    dram: int
    engine: int

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
    return wuve.DESCRIPTOR_QUEUE + wuve.HANDOVER + beats + wuve.latency(config)


def sore_cycles(config: SoreConfig, k: int, n: int, ratio: Ratio) -> int:
    """Cycles from the first descriptor to the last result of W [k, n] in both directions when no port stalls."""
    rows = -(-n // config.lanes) * ratio.groups(k) * ratio.m
    return sore.DESCRIPTOR_QUEUE + sore.HANDOVER + rows + sore.backward(ratio.m) + ratio.n - 1


def update(machine: TrainingMachine, stage: Stage, *, pregenerate: bool) -> Work:
    """WUVE over the layer of a WU stage, with SORE behind it where the layer is sparse and pre-generated."""
    weights, ratio = stage.weights, stage.ratio
    both = pregenerate and not ratio.dense
    forms = 2 * form_bytes(weights, ratio) if both else ELEMENT_BYTES * weights
    engine = wuve_cycles(machine.wuve, weights)
    if both:  # SORE takes WUVE's results as they come; the slower one sets the pace
        engine = max(engine, sore_cycles(machine.sore, *_matrix(stage), ratio)) + wuve.latency(machine.wuve)
    return _work(machine, stage, engine, read=(ELEMENT_BYTES + 2 * MASTER_BYTES) * weights,
                 written=2 * MASTER_BYTES * weights + forms)


def generate(machine: TrainingMachine, stage: Stage) -> Work:
    """SORE over the layer of a WU stage on line: the FP16 weights in, the form that the next pass reads out."""
    return _work(machine, stage, sore_cycles(machine.sore, *_matrix(stage), stage.ratio),
                 read=ELEMENT_BYTES * stage.weights, written=form_bytes(stage.weights, stage.ratio))


def _matrix(stage: Stage) -> tuple[int, int]:
    """K and N of the weights: the result of WU."""
    return stage.gemms[0].m, stage.gemms[0].n


def _work(machine: TrainingMachine, stage: Stage, engine: int, *, read: int, written: int) -> Work:
    dram = int(machine.dram.service_cycles(read + written, machine.clock_hz))
    return Work(layer=stage.layer, weights=stage.weights, read=read, written=written, engine=engine,
                dram=dram + machine.dram.latency_cycles(machine.clock_hz))
