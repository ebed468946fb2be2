"""What the published set-up's GPU allows by its data sheet: bytes over bandwidth, memory, multiprocessors.

A roofline. What depends on kernels has a figure where `hwsim.gpu` models them: attention at batch 1.
"""

from __future__ import annotations

from hwsim.gpu.board import BOARD_SOURCES, GpuBoard
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.gpu import GPU_PATHS, gpu_step
from hwsim.kv_workload.models import VALUE_BYTES, KvModel

RTX_6000_ADA = GpuBoard.preset("rtx6000-ada")
SHEET = BOARD_SOURCES["rtx6000-ada"]


def window_share(tokens: int, window: int) -> float:
    """Bytes of the dense window over those of a dense cache: its share of the time if both run at full bandwidth."""
    return window / tokens


def spmv_share(tokens: int, window: int, ratio: float) -> float:
    """Bytes of what is compressed over those of a dense cache, with every token but the window's compressed."""
    return (1 - window / tokens) * ratio


def token_seconds(gpu: GpuBoard, model: KvModel, caches: float) -> float:
    """One token of every sequence: weights and caches read once at full bandwidth."""
    return (VALUE_BYTES * model.read_weights + caches) / gpu.bytes_per_s


def most_tokens(gpu: GpuBoard, model: KvModel, batch: int) -> int:
    """Longest context at which weights and dense caches of ``batch`` sequences fit; nothing else is counted."""
    return int((gpu.memory_bytes - model.weight_bytes) // (batch * model.token_bytes))


def attention_ratio(experiment: KvExperiment, sparsity: float, ratio: float) -> float:
    """Time of attention over a bitmap cache over that of a dense one, by the model of the GPU's kernels."""
    context = experiment.workload.contexts[0]
    dense, bitmap = (gpu_step(experiment, sparsity, path, context, ratio).attention_seconds for path in GPU_PATHS)
    return bitmap / dense
