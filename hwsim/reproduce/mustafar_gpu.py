"""What the published set-up's GPU allows by its data sheet: bytes over bandwidth, memory, multiprocessors.

A roofline: no kernel is modelled, so what depends on kernels (pruning, compression, too few thread blocks) has no
figure here.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.kv_workload.models import VALUE_BYTES, KvModel


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """Figures of a data sheet."""

    name: str
    bytes_per_s: float
    memory_bytes: float
    multiprocessors: int
    source: str


RTX_6000_ADA = Gpu(
    name="RTX 6000 Ada", bytes_per_s=960e9, memory_bytes=48e9, multiprocessors=142,
    source="NVIDIA RTX 6000 Ada Generation data sheet: 48 GB GDDR6, 960 GB/s, 18,176 CUDA cores (128 in each SM)")


def window_share(tokens: int, window: int) -> float:
    """Bytes of the dense window over those of a dense cache: its share of the time if both run at full bandwidth."""
    return window / tokens


def spmv_share(tokens: int, window: int, ratio: float) -> float:
    """Bytes of what is compressed over those of a dense cache, with every token but the window's compressed."""
    return (1 - window / tokens) * ratio


def token_seconds(gpu: Gpu, model: KvModel, caches: float) -> float:
    """One token of every sequence: weights and caches read once at full bandwidth."""
    return (VALUE_BYTES * model.read_weights + caches) / gpu.bytes_per_s


def most_tokens(gpu: Gpu, model: KvModel, batch: int) -> int:
    """Longest context at which weights and dense caches of ``batch`` sequences fit; nothing else is counted."""
    return int((gpu.memory_bytes - model.weight_bytes) // (batch * model.token_bytes))
