"""A training step of a network on a GPU: dense FP16 with FP32 sums and FP32 master weights.

FF, BP and WU of every operator are kernels as in `hwsim.gpu.network`: convolutions as implicit GEMMs, whose maps are
read once; the parts that a strided convolution's BP is cut into are one kernel. Element-wise work is fused. The update
of all weights is one kernel: gradient, master weights and momentum read, the last two and the FP16 weights written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hwsim.gpu.board import GpuBoard
from hwsim.gpu.constants import GpuConstants, default_constants
from hwsim.gpu.model import predict
from hwsim.gpu.shape import GemmShape
from hwsim.sparsity.ratio import DENSE
from hwsim.training.stages import Stage, training_stages
from hwsim.workload import Operator
from hwsim.workload.zoo_training import TrainingNetwork

UPDATE_BYTES = 2 + 4 + 4 + 4 + 4 + 2
"""For each weight: FP16 gradient, FP32 master weight and momentum in, both out, FP16 weight out."""

_Time = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class GpuTrainingStep:
    """One training step on one board.

    Attributes:
        board: with its price.
        batch: images.
        seconds: of the step.
        joules: (low, nominal, high) of the board.
    """

    board: GpuBoard
    batch: int
    seconds: float
    joules: tuple[float, float, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: seconds, joules, dollars."""
        low, nominal, high = self.joules
        return {"board": self.board.name, "data_type": "fp16", "seconds": self.seconds,
                "images_per_s": self.batch / self.seconds, "joules": {"low": low, "nominal": nominal, "high": high},
                "dollars": self.board.dollars}


def training_step(network: TrainingNetwork, batch: int, board: GpuBoard, constants: GpuConstants | None = None
                  ) -> GpuTrainingStep:
    """A dense step of a network at a batch (images); constants are the stored ones if None."""
    workload, c = network.build(batch), constants or default_constants()
    stages = training_stages(workload, DENSE, batch_norm=network.batch_norm)
    times = [time for stage in stages for time in _stage(stage, workload[stage.layer], board, c)]
    times.append(_moved(board, UPDATE_BYTES * workload.weight_elements, c.cublas_launch_us, c))
    seconds, low, nominal, high = (sum(column) for column in zip(*times, strict=True))
    return GpuTrainingStep(board=board, batch=batch, seconds=seconds, joules=(low, nominal, high))


def _stage(stage: Stage, op: Operator, board: GpuBoard, c: GpuConstants) -> Iterator[_Time]:
    """Kernels of a stage; the launch counts once for the parts of one."""
    if stage.moved:
        yield _moved(board, stage.moved, 0.0, c)
    for number, shape in enumerate(_shapes(stage, op)):
        found = predict(board, "cublas", shape, 0.0, c)
        part = 1.0 if number == 0 or not stage.weights else 1 - c.cublas_launch_us / found.us
        yield (part * found.us * 1e-6, *(part * value for value in found.joules))  # type: ignore[misc]


def _shapes(stage: Stage, op: Operator) -> Iterator[GemmShape]:
    """Products of a stage, B in the place of the weights; maps of a convolution count once, shared by work."""
    maps = op.input_elements + (op.weight_elements if stage.part == "WU" else op.output_elements)
    for gemm in stage.gemms:
        operands = round(maps * gemm.macs / stage.macs) if op.conv else None
        yield GemmShape(gemm.n, gemm.k, gemm.m, gemm.groups, operands=operands)


def _moved(board: GpuBoard, bytes_: float, launch_us: float, c: GpuConstants) -> _Time:
    seconds = bytes_ / (board.bytes_per_s * c.memory_efficiency) + launch_us * 1e-6
    return (seconds, *board.joules(seconds, bytes_ / board.bytes_per_s / seconds))
