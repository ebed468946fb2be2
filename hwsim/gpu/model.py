"""Time of one sparse or dense product on a GPU, kernel by kernel.

All compute ``C[m, n] = A[m, k] @ B[k, n]`` with A the weights, `sparsity` of which are zero: in FP16, dense and 2:4
products also in INT8 and INT4. A kernel takes its launch and then what it cannot avoid: bytes over the bandwidth,
multiplications over the tensor cores' peak, and for sparse formats a floor that does not shrink with the non-zeros:
unpacking tiles, following indices. `hwsim.gpu.parts` says how these join. Blocks fill the
multiprocessors in waves; the last may be part empty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.config import in_range, one_of, positive
from hwsim.errors import InputError
from hwsim.gpu.board import GpuBoard
from hwsim.gpu.constants import GpuConstants, default_constants
from hwsim.gpu.parts import AFTER, BESIDE, Parts
from hwsim.gpu.shape import HALF, GemmShape

TILE_M, TILE_K, TILE_N = 128, 64, 128
"""Rows and ranks of Flash-LLM's tile, columns of a tile of a large product."""
MOST_SPLITS = 16
GROUP = 128
"""Weights that share a scale in `marlin`."""
PARTS = ("memory", "compute", "decode", "launch")
"""Names of `Parts` that take time."""
_FINE = 1 << 16


@dataclass(frozen=True)
class Prediction:
    """Time and energy of one call.

    Attributes:
        us: microseconds.
        parts: what they go to, and how these join.
        tflops: dense multiplications and additions over the time, zeros counted.
        bound: the largest part.
        joules: (low, nominal, high).
    """

    kernel: str
    gpu: str
    shape: GemmShape
    sparsity: float
    us: float
    parts: Parts
    tflops: float
    bound: str
    joules: tuple[float, float, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, milliseconds and joules; the parts less their overlap are the time."""
        shape, parts = self.shape, self.parts
        return {
            "gpu": self.gpu, "kernel": self.kernel, "shape": [shape.m, shape.k, shape.n], "batch": shape.batch,
            "data_type": shape.data_type, "sparsity": self.sparsity, "ms": self.us / 1e3, "tflops": self.tflops,
            "bound": self.bound,
            "parts_ms": {name: getattr(parts, name) / 1e3 for name in (*PARTS, "overlap")}, "rule": parts.rule,
            "bytes": parts.bytes, "joules": dict(zip(("low", "nominal", "high"), self.joules, strict=True)),
        }  # fmt: skip


def waves(blocks: float, multiprocessors: int) -> float:
    """Time of whole waves of blocks over that of blocks spread evenly: at least 1."""
    share = blocks / multiprocessors
    return math.ceil(share) / share


def excess_of_2_4(sparsity: float) -> float:
    """Share of weights that are non-zeros 2:4 cannot hold, with zeros at random: E[max(0, non-zeros of 4 - 2)] / 4."""
    density = 1 - sparsity
    return sum(math.comb(4, j) * density**j * sparsity ** (4 - j) * (j - 2) for j in (3, 4)) / 4


def _memory(board: GpuBoard, bytes_: float, c: GpuConstants) -> float:
    return 1e6 * bytes_ / (board.bytes_per_s * c.memory_efficiency)


def _compute(board: GpuBoard, shape: GemmShape, peak: float, efficiency: float) -> float:
    """Tensor cores on whole tiles; a product too small for all multiprocessors splits k."""
    tile_n = min(TILE_N, shape.columns)
    tiles = shape.batch * math.ceil(shape.m / TILE_M) * math.ceil(shape.columns / tile_n)
    splits = min(max(1, board.multiprocessors // tiles), MOST_SPLITS)
    flops = 2.0 * tiles * TILE_M * tile_n * math.ceil(shape.k / shape.step) * shape.step
    return 1e6 * flops / (peak * efficiency) * waves(tiles * splits, board.multiprocessors)


def _dense(board: GpuBoard, shape: GemmShape, c: GpuConstants) -> float:
    return _compute(board, shape, board.tensor_ops(shape.data_type), c.dense_efficiency)


def cublas(board: GpuBoard, shape: GemmShape, sparsity: float, c: GpuConstants) -> Parts:
    """Dense product by the vendor's library; zeros make no difference."""
    bytes_ = shape.weight_bytes + shape.operand_bytes
    memory, compute = _memory(board, bytes_, c), _dense(board, shape, c)
    return Parts(c.cublas_launch_us, memory, compute, 0.0, AFTER, bytes_,
                 1e6 * shape.flops / board.tensor_ops(shape.data_type))


def flash_llm(board: GpuBoard, shape: GemmShape, sparsity: float, c: GpuConstants) -> Parts:
    """Flash-LLM (arXiv 2309.10285): load Tiled-CSL, compute dense. Splits k as pays best."""
    tiles = math.ceil(shape.m / TILE_M) * math.ceil(shape.k / TILE_K) * shape.batch
    bytes_ = 4 * (1 - sparsity) * shape.weights + 4 * tiles + shape.operand_bytes
    memory, columns = _memory(board, bytes_, c), min(shape.columns, TILE_N)
    cycles = (c.flash_tile_cycles + c.flash_column_cycles * columns) * math.ceil(shape.columns / columns)
    even = tiles * cycles / board.multiprocessors / board.cycles_per_us
    blocks = shape.batch * math.ceil(shape.m / TILE_M) * math.ceil(shape.columns / columns)
    decode = even * min(waves(blocks * split, board.multiprocessors) for split in range(1, MOST_SPLITS + 1))
    return Parts(c.flash_launch_us, memory, _dense(board, shape, c), decode, c.flash_overlap, bytes_,
                 1e6 * shape.flops / board.tensor_flops)


def sputnik(board: GpuBoard, shape: GemmShape, sparsity: float, c: GpuConstants) -> Parts:
    """CSR on the ordinary cores, Sputnik-like: every non-zero fetches a row of B through the caches."""
    non_zeros = (1 - sparsity) * shape.weights
    bytes_ = 6 * non_zeros + 4 * shape.m * shape.batch + shape.operand_bytes
    cycles = non_zeros * (c.sputnik_value_cycles + c.sputnik_column_cycles * shape.columns)
    memory, decode = _memory(board, bytes_, c), cycles / board.multiprocessors / board.cycles_per_us
    return Parts(c.sputnik_launch_us, memory, 0.0, decode, BESIDE, bytes_)


def _two_of_four(board: GpuBoard, shape: GemmShape, c: GpuConstants) -> tuple[float, float, float, float, float]:
    """(bytes, memory, decode, compute, tensor) of a product with 2:4 weights: values, and their positions.

    A step of the floor is that of the same bytes in every data type.
    """
    peak = board.tensor_ops(shape.data_type, sparse=True)
    bytes_ = shape.sparse_weight_bytes + shape.operand_bytes
    rows = math.ceil(shape.m / TILE_M) * shape.batch * math.ceil(shape.columns / TILE_N)
    steps = rows * shape.k / shape.step
    decode = steps * c.sparta_step_cycles / board.multiprocessors / board.cycles_per_us
    decode *= waves(rows, 2 * board.multiprocessors)  # two blocks a multiprocessor
    return (bytes_, _memory(board, bytes_, c), decode, _compute(board, shape, peak, c.sparse_efficiency),
            1e6 * shape.flops / peak)


def sparta(board: GpuBoard, shape: GemmShape, sparsity: float, c: GpuConstants) -> Parts:
    """SparTA-like: what 2:4 can hold on sparse tensor cores, the rest by a second kernel like Sputnik's, whose bytes
    are within its time for each value.
    """
    bytes_, memory, decode, compute, tensor = _two_of_four(board, shape, c)
    rest = excess_of_2_4(sparsity) * shape.weights
    decode += rest * c.sparta_value_cycles / board.multiprocessors / board.cycles_per_us
    return Parts(c.sparta_launch_us, memory, compute, decode, AFTER, bytes_ + 6 * rest, tensor)


def semi_structured(board: GpuBoard, shape: GemmShape, sparsity: float, c: GpuConstants) -> Parts:
    """2:4 weights on sparse tensor cores (cuSPARSELt, CUTLASS): the first half of `sparta`, with the launch of
    both of its kernels, for no single one was published. ``sparsity`` is 0.5.
    """
    if sparsity != 0.5:
        raise InputError("sparsity", "0.5: 2 of 4 weights are kept", sparsity)
    if not fits_2_4(shape):
        wanted = f"weights of 2:4 in {shape.data_type.upper()}: m and k in multiples of {shape.step}"
        raise InputError("shape", wanted, f"{shape.m} x {shape.k}")
    bytes_, memory, decode, compute, tensor = _two_of_four(board, shape, c)
    return Parts(c.sparta_launch_us, memory, compute, decode, AFTER, bytes_, tensor)


def fits_2_4(shape: GemmShape) -> bool:
    """Whether the library's 2:4 products take weights of this size (cuSPARSELt: multiples of 16 in FP16, 32 in INT8, 64
    in INT4).
    """
    return shape.m % shape.step == 0 and shape.k % shape.step == 0


def marlin(board: GpuBoard, shape: GemmShape, sparsity: float, c: GpuConstants) -> Parts:
    """INT4 weights with an FP16 scale for each `GROUP`, FP16 activations, as Marlin (arXiv 2408.11743): unpacked behind
    the loads, multiplied in FP16. At a sparsity of 0.5 the weights are 2:4 (Sparse-Marlin). Its time is that of the
    bytes or of the multiplications, with the launch of `cublas`: no point of it is published with its shape.
    """
    if sparsity not in (0.0, 0.5):
        raise InputError("sparsity", "0, or 0.5: 2 of 4 weights are kept", sparsity)
    sparse = sparsity == 0.5
    bits = (3 if sparse else 4) + 16 / GROUP
    bytes_ = bits / 8 * shape.weights + shape.operand_bytes
    peak = board.tensor_ops(sparse=sparse)
    compute = _compute(board, shape, peak, c.sparse_efficiency if sparse else c.dense_efficiency)
    memory = _memory(board, bytes_, c)
    return Parts(c.cublas_launch_us, memory, compute, 0.0, AFTER, bytes_, 1e6 * shape.flops / peak)


def bitmap(board: GpuBoard, shape: GemmShape, sparsity: float, c: GpuConstants) -> Parts:
    """Tiles of 64 with a bitmap, Mustafar's (arXiv 2505.22913): load compressed, compute dense. Zeros at random."""
    from hwsim.sparsity.mustafar import BitmapFormat

    ratio = BitmapFormat().expected(round((1 - sparsity) * _FINE), _FINE, "keys").ratio
    bytes_ = HALF * shape.weights * ratio + shape.operand_bytes
    memory, compute = _memory(board, bytes_, c), _dense(board, shape, c)
    decode = shape.weights * c.bitmap_element_cycles / board.multiprocessors / board.cycles_per_us
    return Parts(c.cublas_launch_us, memory, compute, decode, AFTER, bytes_, 1e6 * shape.flops / board.tensor_flops)


Kernel = Callable[[GpuBoard, GemmShape, float, GpuConstants], Parts]
KERNELS: Mapping[str, Kernel] = {
    "cublas": cublas, "flash_llm": flash_llm, "sparta": sparta, "sputnik": sputnik, "semi_structured": semi_structured,
    "bitmap": bitmap, "marlin": marlin}  # fmt: skip
"""By name."""
ANY_TYPE = ("cublas", "semi_structured")
"""Kernels of every data type; the others are FP16."""


def predict(board: GpuBoard, kernel: str, shape: GemmShape, sparsity: float = 0.0,
            constants: GpuConstants | None = None) -> Prediction:
    """Time and energy of one call.

    Args:
        board: the GPU.
        kernel: a name of `KERNELS`.
        shape: of the product.
        sparsity: fraction of weights that are zero, at random places.
        constants: of the kernels; those of ``constants.toml`` if None.

    Raises:
        InputError: no such kernel, a sparsity outside 0 to 1, weights that the kernel does not take, or a kernel or
            data type that the GPU has no hardware for.
    """
    one_of("kernel", kernel, KERNELS)
    in_range("sparsity", float(sparsity), 0.0, 1.0)
    if shape.data_type != "fp16" and kernel not in ANY_TYPE:
        raise InputError("data type", f"fp16, or kernel {' or '.join(ANY_TYPE)}", f"{shape.data_type} with {kernel}")
    parts = KERNELS[kernel](board, shape, float(sparsity), constants or default_constants())
    seconds = positive("time", parts.total) * 1e-6
    shares = {name: getattr(parts, name) for name in PARTS}
    activity = max(parts.bytes / seconds / board.bytes_per_s, parts.tensor / parts.total)
    return Prediction(kernel, board.name, shape, float(sparsity), parts.total, parts,
                      shape.flops / seconds / 1e12, max(shares, key=lambda name: shares[name]),
                      board.joules(seconds, activity))
