"""Products on random operands, by name: what is measured, compiled and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from hwsim.config import in_range, one_of
from hwsim.dsp_chain.dequant.config import DequantConfig
from hwsim.dsp_chain.dequant.reference import dequantize
from hwsim.dsp_chain.dequant.tensor import pack
from hwsim.errors import InputError
from hwsim.gpu.kernels.attention import decode_attention
from hwsim.gpu.kernels.bitmap import bitmap_spmm
from hwsim.gpu.kernels.block import block_spmm
from hwsim.gpu.kernels.cache import DeviceCache, key_scores, uploaded_cache, value_sums
from hwsim.gpu.kernels.dense import gemm, gemv
from hwsim.gpu.kernels.int4 import int4_gemv
from hwsim.gpu.kernels.nm import Method, nm_spmm
from hwsim.gpu.kernels.tiled_csl import tiled_csl_spmm
from hwsim.gpu.shape import GemmShape
from hwsim.kv.cache import CacheConfig, LayerCache
from hwsim.sparsity import Ratio, encode_bitmap, encode_nm, random_mask, random_nm_mask
from hwsim.sparsity.block import encode_block
from hwsim.sparsity.patterns import random_block_mask
from hwsim.sparsity.size import Array
from hwsim.sparsity.tiled_csl import encode_tiled_csl

ALL = ("float16", "bfloat16", "int8")
SMALLEST = GemmShape(128, 128, 16), GemmShape(64, 256, 1)
WEIGHTS = (4096, 4096), (11008, 4096), (9216, 9216), (14336, 8192)
USUAL = tuple(GemmShape(m, k, n) for m, k in WEIGHTS for n in (1, 16))
BLOCK = (32, 32)
WINDOW = 32
PARTS = 8
"""Programs that share a KV head in `attention`."""
INT4_ROWS_BITS = 22
"""Weights of one packed INT4 tensor: below the packing's limit of 2^24."""


class Product(Protocol):
    """What a kernel or a library computes: `Prepared`, or as it."""

    def run(self) -> torch.Tensor:
        """The result."""

    @property
    def bytes(self) -> int:
        """Of operands and result."""


@dataclass(frozen=True)
class Ready:
    """A product that can run, and what it must give: ``reference`` in the result's shape, float64."""

    product: Product
    reference: Array
    sparsity: float


Maker = Callable[[GemmShape, float, str, np.random.Generator], Ready]


@dataclass(frozen=True)
class Case:
    """One kernel.

    Attributes:
        make: a product of a shape at a sparsity.
        model: the kernel of `hwsim.gpu.model` that foretells it; None: there is none.
        dtypes: that it takes.
        smallest: shapes for a dry run. Of a cache: channels x tokens x query heads of a KV head, batch = KV heads.
        usual: shapes for a GPU.
        sparsity: the only one that it can have; None: any.
        gpu_only: whether it cannot run without a GPU.
    """

    make: Maker
    model: str | None
    dtypes: tuple[str, ...] = ALL
    smallest: tuple[GemmShape, ...] = SMALLEST
    usual: tuple[GemmShape, ...] = USUAL
    sparsity: float | None = None
    gpu_only: bool = False


def numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    """Small whole numbers, not 0; BF16 as FP32. Their sums are exact, so a right result is equal to the bit."""
    held = {"float16": np.float16, "bfloat16": np.float32, "int8": np.int8}[dtype]
    return (rng.integers(1, 5, shape) * rng.choice([-1, 1], shape)).astype(held)


def _weights(mask: Array, dtype: str, rng: np.random.Generator) -> Array:
    return np.where(mask, numbers(rng, mask.shape, dtype), 0).astype(numbers(rng, (1,), dtype).dtype)


def _ready(product: Product, a: Array, b: Array) -> Ready:
    reference = a.astype(np.float64) @ b.astype(np.float64)
    return Ready(product, reference, 1 - np.count_nonzero(a) / a.size)


def _dense(shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
    a, b = numbers(rng, (shape.m, shape.k), dtype), numbers(rng, (shape.k, shape.n), dtype)
    if shape.n == 1:
        return _ready(gemv(a, b[:, 0], dtype), a, b[:, 0])
    return _ready(gemm(a, b, dtype), a, b)


def _nm(ratio: Ratio, method: Method) -> Maker:
    def make(shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
        a = _weights(random_nm_mask((shape.m, shape.k), ratio, 1, rng), dtype, rng)
        b = numbers(rng, (shape.k, shape.n), dtype)
        return _ready(nm_spmm(encode_nm(a, ratio, 1), b, dtype, method), a, b)
    return make


def _bitmap(shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
    a = _weights(random_mask((shape.m, shape.k), 1 - sparsity, rng), dtype, rng)
    b = numbers(rng, (shape.k, shape.n), dtype)
    b = b[:, 0] if shape.n == 1 else b
    return _ready(bitmap_spmm(encode_bitmap(a, (64,), 8, 32), b, dtype), a, b)


def _tiled_csl(shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
    a = _weights(random_mask((shape.m, shape.k), 1 - sparsity, rng), dtype, rng)
    b = numbers(rng, (shape.k, shape.n), dtype)
    return _ready(tiled_csl_spmm(encode_tiled_csl(a), b, dtype), a, b)


def _blocks(shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
    a = _weights(random_block_mask(BLOCK, (shape.m, shape.k), 1 - sparsity, rng), dtype, rng)
    b = numbers(rng, (shape.k, shape.n), dtype)
    return _ready(block_spmm(encode_block(a, BLOCK), b, dtype), a, b)


def _int4(shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
    config = DequantConfig(most_weights=(1 << 24) - 1)
    rows = min(shape.m, max(1, (1 << INT4_ROWS_BITS) // shape.k))
    tensors = []
    for start in range(0, shape.m, rows):
        size = min(rows, shape.m - start) * shape.k
        groups = -(-size // config.group)
        scales = rng.integers(1, 16, groups), rng.integers(0, 4, groups)
        tensors.append(pack(config, 4, rng.integers(-8, 8, size), *scales))
    x = numbers(rng, (shape.k,), dtype)
    if shape.n != 1:
        raise InputError("shape", "N = 1 for int4", shape.n)
    product = int4_gemv(tensors, x, dtype)
    a = np.concatenate([dequantize(one) for one in tensors]).reshape(shape.m, shape.k)
    return Ready(product, a.astype(np.float64) @ x.astype(np.float64), 0.0)


def _cache(shape: GemmShape, sparsity: float, rng: np.random.Generator) -> tuple[LayerCache, DeviceCache]:
    """Channels x tokens; KV heads are the batch. Compressed in groups of one block."""
    cache = LayerCache(CacheConfig(key_sparsity=sparsity, value_sparsity=sparsity, window=WINDOW, group=64),
                       shape.batch, shape.m)
    size = shape.batch, shape.k, shape.m
    cache.append(numbers(rng, size, "float16"), numbers(rng, size, "float16"))
    return cache, uploaded_cache(cache)


def _keys(shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
    cache, here = _cache(shape, sparsity, rng)
    q = numbers(rng, (shape.batch, shape.n, shape.m), "float16")
    keys = cache.decode("keys")[:, :cache.compressed].astype(np.float64)
    return Ready(key_scores(here, q), q @ keys.transpose(0, 2, 1), sparsity)


def _values(shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
    cache, here = _cache(shape, sparsity, rng)
    p = numbers(rng, (shape.batch, shape.n, cache.compressed), "float16")
    return Ready(value_sums(here, p), p @ cache.decode("values")[:, :cache.compressed].astype(np.float64), sparsity)


def _attention(shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
    cache, here = _cache(shape, sparsity, rng)
    q = (rng.standard_normal((shape.batch, shape.n, shape.m)) / 4).astype(np.float16)
    return Ready(decode_attention(here, q, parts=PARTS), attention(cache, q), sparsity)


def attention(cache: LayerCache, q: Array) -> Array:
    """(heads, queries, channels) float64: softmax(q · Kᵀ / sqrt(channels)) · V, as a textbook has it."""
    keys, values = (cache.decode(side).astype(np.float64) for side in cache.recent)
    scores = q @ keys.transpose(0, 2, 1) / np.sqrt(cache.channels)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True) @ values)


TOKENS = (GemmShape(64, 200, 4, 2),)
CONTEXTS = tuple(GemmShape(128, tokens, 4, heads) for tokens in (4096, 16384) for heads in (8, 64))
VECTORS = tuple(GemmShape(m, k, 1) for m, k in WEIGHTS)
CASES: Mapping[str, Case] = {
    "dense": Case(_dense, None, sparsity=0.0), "2:4": Case(_nm(Ratio(2, 4), "expand"), None, sparsity=0.5),
    "1:8": Case(_nm(Ratio(1, 8), "expand"), None, sparsity=0.875),
    "2:4_gather": Case(_nm(Ratio(2, 4), "gather"), None, sparsity=0.5),
    "bitmap": Case(_bitmap, "bitmap"), "tiled_csl": Case(_tiled_csl, "flash_llm"), "blocks": Case(_blocks, None),
    "int4": Case(_int4, None, ALL, SMALLEST[1:], VECTORS, sparsity=0.0),
    "keys": Case(_keys, None, ALL[:1], TOKENS, CONTEXTS), "values": Case(_values, None, ALL[:1], TOKENS, CONTEXTS),
    "attention": Case(_attention, None, ALL[:1], TOKENS, CONTEXTS),
}  # fmt: skip
"""By name."""


def prepare(case: Case, shape: GemmShape, sparsity: float, dtype: str, rng: np.random.Generator) -> Ready:
    """A product on random operands.

    Raises:
        InputError: a type or a shape that it does not take, a sparsity outside 0 to 1.
    """
    one_of("dtype", dtype, case.dtypes)
    in_range("sparsity", sparsity, 0.0, 1.0)
    return case.make(shape, sparsity if case.sparsity is None else case.sparsity, dtype, rng)
