"""The same token on a GPU, by the model of `hwsim.gpu`: a dense cache, and one in Mustafar's form.

Products of weights and attention over a dense cache are dense kernels. Over a compressed cache, keys and values are one
bitmap kernel each (load compressed, compute dense), the window two dense ones. Two more figures are taken from others:

- Pruning and packing: `COMPRESSION_SHARE` of dense attention over 2,048 tokens, as published for Llama-2-7B, scaled
  with the elements of a token; the board is taken as busy meanwhile, which no figure tells.
- A thread block for each pair of sequence and query head (assumption, from the published remark that batch 1 has too
  few blocks): where there are fewer pairs than multiprocessors, decoding cannot use the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from hwsim.gpu.board import GpuBoard
from hwsim.gpu.model import predict
from hwsim.gpu.shape import GemmShape
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.models import KvModel
from hwsim.kv_workload.storage import cache_bytes

GpuPath = Literal["gpu dense", "gpu bitmap"]
GPU_PATHS: dict[GpuPath, str] = {"gpu dense": "dense cache on the GPU", "gpu bitmap": "bitmap cache on the GPU"}
"""What each path is, in the order of tables."""

COMPRESSION_SHARE, COMPRESSION_TOKENS = 0.0184 + 0.0625, 2048
"""Prune and compress over the dense batched MV at so many tokens: arXiv 2505.22913, told by others, Llama-2-7B."""


@dataclass(frozen=True, kw_only=True)
class GpuStep:
    """One token of every sequence.

    Attributes:
        seconds, attention_seconds: whole token; attention with what compression takes.
        joules: (low, nominal, high) of the board over the whole token.
        fits: whether weights and caches fit in the board's memory.
    """

    path: GpuPath
    context: int
    batch: int
    seconds: float
    attention_seconds: float
    joules: tuple[float, float, float]
    fits: bool

    @property
    def tokens_per_s(self) -> float:
        """Of all sequences together, whole tokens."""
        return self.batch / self.seconds

    @property
    def attention_tokens_per_s(self) -> float:
        """If there were attention only."""
        return self.batch / self.attention_seconds

    @property
    def joules_per_token(self) -> float:
        """Nominal, of the whole token."""
        return self.joules[1] / self.batch

    def to_dict(self) -> dict[str, Any]:
        """Plain data: seconds, joules."""
        low, nominal, high = (value / self.batch for value in self.joules)
        return {"context": self.context, "seconds": self.seconds, "attention_seconds": self.attention_seconds,
                "tokens_per_s": self.tokens_per_s, "attention_tokens_per_s": self.attention_tokens_per_s,
                "joules_per_token": {"low": low, "nominal": nominal, "high": high}, "fits": self.fits}


def gpu_step(experiment: KvExperiment, sparsity: float, path: GpuPath, context: int, ratio: float) -> GpuStep:
    """One token of every sequence.

    Args:
        experiment: model, batch and board.
        sparsity: of keys and values.
        path: which cache.
        context: tokens of each sequence, the new one among them.
        ratio: bytes of compressed tokens over their dense bytes, for what fits.
    """
    workload, board = experiment.workload, experiment.gpu
    layers, bitmap = workload.kv.shape.layers, path == "gpu bitmap"
    compressed = experiment.pruning.cache(sparsity).compressed_tokens(context) if bitmap else 0
    attention = [*_attention(experiment, context - compressed, 0.0), *_attention(experiment, compressed, sparsity)]
    if bitmap:
        dense = sum(one.seconds for one in _attention(experiment, COMPRESSION_TOKENS, 0.0))
        attention.append(_Time(COMPRESSION_SHARE * dense, 1.0))
    whole = [*attention * layers, *_weights(workload.kv, board, workload.batch)]
    joules = [board.joules(one.seconds, one.activity) for one in whole]
    held = workload.batch * cache_bytes(workload.kv, experiment.pruning, context, ratio if bitmap else None)
    return GpuStep(
        path=path, context=context, batch=workload.batch, seconds=sum(one.seconds for one in whole),
        attention_seconds=layers * sum(one.seconds for one in attention),
        joules=(sum(one[0] for one in joules), sum(one[1] for one in joules), sum(one[2] for one in joules)),
        fits=held + workload.kv.weight_bytes <= board.memory_bytes)


@dataclass(frozen=True)
class _Time:
    """A kernel: seconds, and the busier of memory and tensor cores over its peak."""

    seconds: float
    activity: float


def _attention(experiment: KvExperiment, tokens: int, sparsity: float) -> Iterator[_Time]:
    workload = experiment.workload
    return _products(workload.kv, experiment.gpu, tokens, workload.batch, sparsity)


def _products(model: KvModel, board: GpuBoard, tokens: int, batch: int, sparsity: float) -> Iterator[_Time]:
    """Keys and values of one layer; no kernel without tokens."""
    shape, pairs = model.shape, batch * model.shape.kv_heads
    if not tokens:
        return
    for m, k in ((tokens, shape.channels), (shape.channels, tokens)):
        gemm = GemmShape(m, k, shape.queries_per_head, pairs)
        found = predict(board, "bitmap" if sparsity else "cublas", gemm, sparsity)
        idle = max(1.0, board.multiprocessors / (pairs * shape.queries_per_head))
        seconds = (found.us + (idle - 1) * found.parts.decode) * 1e-6
        yield _Time(seconds, found.parts.bytes / seconds / board.bytes_per_s)


def _weights(model: KvModel, board: GpuBoard, rows: int) -> Iterator[_Time]:
    """Products of weights, all layers and the vocabulary."""
    for m, k in weight_shapes(model):
        yield _product(board, GemmShape(m, k, rows))


def weight_shapes(model: KvModel) -> list[tuple[int, int]]:
    """(outputs, inputs) of every product of weights of the model, the vocabulary last."""
    shape = model.shape
    heads = [shape.query_heads, shape.kv_heads, shape.kv_heads]
    layer = [*((count * shape.channels, model.hidden) for count in heads),
             (model.hidden, shape.query_heads * shape.channels), (model.intermediate, model.hidden),
             (model.intermediate, model.hidden), (model.hidden, model.intermediate)]
    return [*layer * shape.layers, (model.vocabulary, model.hidden)]


@lru_cache(maxsize=4096)
def _product(board: GpuBoard, shape: GemmShape) -> _Time:
    found = predict(board, "cublas", shape)
    seconds = found.us * 1e-6
    return _Time(seconds, max(found.parts.bytes / board.bytes_per_s, found.parts.tensor * 1e-6) / seconds)
