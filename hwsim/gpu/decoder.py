"""A decoder-only language model on a GPU: dense FP16 kernels one after the other, each with its launch.

Products of weights and of attention are kernels of `hwsim.gpu.model`; norms, rotations, softmax and sums are taken as
fused into them, as serving software does, and the host is not counted. So this is what single kernels allow, without
graph capture or overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hwsim.gpu.board import GpuBoard
from hwsim.gpu.constants import GpuConstants
from hwsim.gpu.model import predict
from hwsim.gpu.shape import HALF, GemmShape
from hwsim.workload.decoder import DecoderConfig, Operator, head_operators, operators
from hwsim.workload.decoder.parameters import parameter_count

DENSE = ("cublas", 0.0)
"""Kernel and sparsity of dense FP16 products."""
SAMPLES = 9
"""Contexts at which decoding is timed; between them its time is taken as linear."""


@dataclass(frozen=True, kw_only=True)
class GpuGeneration:
    """A prompt and the tokens behind it, one sequence.

    Attributes:
        board: its name.
        prefill_seconds, decode_seconds: of the prompt, and of all tokens behind it.
        prefill_joules, joules: (low, nominal, high) of the board, in the prompt and while decoding.
        fits: whether weights and cache fit in the board's memory.
        dollars: price of the board, None where none is known.
    """

    board: str
    tokens: int
    prefill_seconds: float
    decode_seconds: float
    prefill_joules: tuple[float, float, float]
    joules: tuple[float, float, float]
    fits: bool
    dollars: float | None

    @property
    def decode_tokens_per_s(self) -> float:
        """Generated tokens over the time of decoding alone."""
        return self.tokens / self.decode_seconds

    @property
    def tokens_per_s(self) -> float:
        """Generated tokens over all of the time."""
        return self.tokens / (self.prefill_seconds + self.decode_seconds)

    @property
    def joules_per_token(self) -> float:
        """Nominal, of decoding."""
        return self.joules[1] / self.tokens

    @property
    def watts(self) -> float:
        """Nominal, while decoding."""
        return self.joules[1] / self.decode_seconds

    def to_dict(self) -> dict[str, object]:
        """Plain data."""
        low, nominal, high = (value / self.tokens for value in self.joules)
        return {"board": self.board, "prefill_ms": 1e3 * self.prefill_seconds,
                "decode_ms": 1e3 * self.decode_seconds, "tokens_per_s": self.tokens_per_s,
                "decode_tokens_per_s": self.decode_tokens_per_s,
                "joules_per_token": {"low": low, "nominal": nominal, "high": high}, "fits": self.fits,
                "dollars": self.dollars}


def generation(model: DecoderConfig, board: GpuBoard, prompt: int, tokens: int,
               constants: GpuConstants | None = None) -> GpuGeneration:
    """A prompt of ``prompt`` tokens and ``tokens`` behind it."""
    contexts = np.unique(np.linspace(prompt + 1, prompt + tokens, min(SAMPLES, tokens)).round().astype(int))
    steps = np.array([step(model, board, 1, int(context), constants) for context in contexts])
    every = np.arange(prompt + 1, prompt + tokens + 1)
    seconds, *joules = (float(np.interp(every, contexts, column).sum()) for column in steps.T)
    elements = parameter_count(model) + 2 * model.layers * model.kv_heads * model.head_dim * (prompt + tokens)
    prefill, *first = step(model, board, prompt, prompt, constants)
    return GpuGeneration(
        board=board.name, tokens=tokens, prefill_seconds=prefill, prefill_joules=(first[0], first[1], first[2]),
        decode_seconds=seconds, joules=(joules[0], joules[1], joules[2]), fits=HALF * elements <= board.memory_bytes,
        dollars=board.dollars)


def step(model: DecoderConfig, board: GpuBoard, tokens: int, context: int, constants: GpuConstants | None = None,
         weights: tuple[str, float] = DENSE) -> tuple[float, float, float, float]:
    """(seconds, low, nominal, high joules) of ``tokens`` rows after which the cache has ``context`` tokens.

    ``weights``: kernel and sparsity of the products of a layer's weights; attention and vocabulary are dense FP16.
    """
    layer = [_kernel(board, shape, constants, weights if stored else DENSE)
             for stored, shape in _shapes(operators(model, tokens, context))]
    head = [_kernel(board, shape, constants, DENSE) for _, shape in _shapes(head_operators(model))]
    total = model.layers * np.sum(layer, axis=0) + np.sum(head, axis=0)
    return float(total[0]), float(total[1]), float(total[2]), float(total[3])


def _shapes(ops: tuple[Operator, ...]) -> Iterator[tuple[bool, GemmShape]]:
    """Products, and whether of weights that are stored in the format asked for."""
    for op in ops:
        if op.kind in ("linear", "router"):
            yield op.kind == "linear", GemmShape(op.n, op.k, op.m)
        elif op.kind in ("scores", "values"):  # the queries that share a head of the cache are columns of one product
            yield False, GemmShape(op.n, op.k, op.m * op.heads // op.kv_heads, op.kv_heads)


def _kernel(board: GpuBoard, shape: GemmShape, constants: GpuConstants | None, kernel: tuple[str, float]
            ) -> tuple[float, float, float, float]:
    found = predict(board, kernel[0], shape, kernel[1], constants)
    return found.us * 1e-6, *found.joules
