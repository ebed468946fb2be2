"""Random data for the N:M array: operands with extreme values, sparsity inside N:M, requantisation of every kind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwsim.floats import FORMATS, FloatFormat, round_to, to_float32
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.float_reference import BiasRelu, Bits
from hwsim.nm_array.program import Shape
from hwsim.nm_array.reference import Elements
from hwsim.quantize import Requantization
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import Ratio

Int8 = npt.NDArray[np.int8]
INT8 = NmArrayConfig()
VALUES = ("any", "any", "small", "extreme", "zero")
"""How operands are drawn; what stands twice is drawn twice as often."""


def draw_int8(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> Int8:
    """``any``: all of INT8; ``small``: -3 … 3; ``extreme``: mostly -128 and 127; ``zero``."""
    if kind == "extreme":
        return rng.choice(np.array([-128, -128, -128, 127, 127, 0, -1], np.int8), shape)
    low, high = {"any": (-128, 128), "small": (-3, 4), "zero": (0, 1)}[kind]
    return rng.integers(low, high, shape).astype(np.int8)


def draw_float(kind: str, shape: tuple[int, ...], fmt: FloatFormat, rng: np.random.Generator) -> Bits:
    """Bit patterns. ``any``: numbers around 1, a few from the whole range; ``small``: whole numbers -3 … 3, whose sums
    cancel; ``extreme``: any bit patterns at all, but no NaN; ``zero``: of both signs.
    """
    if kind == "zero":
        return (rng.integers(0, 2, shape) << (fmt.bits - 1)).astype(np.uint16)
    if kind == "small":
        return round_to(fmt, rng.integers(-3, 4, shape).astype(np.float32)).astype(np.uint16)
    wild = rng.integers(0, 1 << fmt.bits, shape).astype(np.uint16)
    wild = np.where(np.isnan(to_float32(wild, fmt)), np.uint16(1), wild)
    tame = round_to(fmt, (rng.normal(size=shape) * np.exp2(rng.integers(-4, 5, shape))).astype(np.float32))
    return np.where(rng.random(shape) < (1.0 if kind == "extreme" else 0.002), wild, tame).astype(np.uint16)


def draw_operands(config: NmArrayConfig, kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> Elements:
    """Operands of the array's data type."""
    if config.floating:
        return draw_float(kind, shape, FORMATS[config.data_type], rng)
    return draw_int8(kind, shape, rng)


def draw_bias_relu(channels: int, rng: np.random.Generator) -> BiasRelu:
    """No bias, biases around 1, or any number; with and without ReLU."""
    scale = rng.choice([0.0, 1.0, 1e30])
    bias = (rng.normal(size=channels) * scale).astype(np.float32)
    return BiasRelu(bias, relu=bool(rng.integers(2)))


def draw_weights(kind: str, shape: Shape, ratio: Ratio, rng: np.random.Generator,
                 config: NmArrayConfig = INT8) -> Elements:
    """(groups, K, N) that keeps N:M along K; groups with fewer than N non-zeros, and empty ones, occur."""
    size = (shape.groups, shape.k, shape.n)
    kept = nm_mask(rng.random(size), ratio, 1)
    kept &= rng.random(size) < rng.choice([1.0, 0.7])
    empty = np.repeat(rng.random((shape.groups, ratio.groups(shape.k), shape.n)) < rng.choice([0.0, 0.3]), ratio.m, 1)
    kept &= ~empty[:, : shape.k]
    drawn = draw_operands(config, kind, size, rng)
    return np.where(kept, drawn, 0).astype(drawn.dtype)


def draw_requantization(sums: npt.NDArray[np.int64], rng: np.random.Generator) -> Requantization:
    """Parameters for accumulators (M, N), each channel of one of four kinds: a layer's, exact ties, shift 0, extremes.

    Most sums saturate under small shifts, and ties of large sums are rare. So the bias of ties and of shift 0 is
    *aimed* at the sum of one row, which then comes out near zero.
    """
    rows, n = sums.shape
    aimed = -sums[rng.integers(0, rows, n), np.arange(n)]
    parameters = [
        (rng.integers(-20000, 20000, n), rng.integers(1 << 15, 1 << 16, n), rng.integers(20, 28, n)),
        (aimed + rng.integers(-40, 41, n), 1 << rng.integers(0, 2, n), rng.integers(1, 5, n)),
        (aimed + rng.integers(-90, 90, n), rng.integers(0, 3, n), np.zeros(n, np.int64)),
        (rng.choice([-(2**31), 2**31 - 1, 0], n), rng.choice([0, 1, 65535], n), rng.choice([0, 1, 16, 33, 47], n))]
    kind = rng.choice(4, n, p=[0.4, 0.3, 0.15, 0.15])
    bias, multiplier, shift = (np.choose(kind, [np.asarray(p[i], np.int64) for p in parameters]) for i in range(3))
    low, high = sorted(rng.choice([-128, 127, *rng.integers(-128, 128, 2).tolist()], 2).tolist())
    if rng.random() < 0.6:
        low, high = -128, 127
    zero_point = int(rng.choice([0, -128, 127, int(rng.integers(-128, 128))]))
    return Requantization(bias, multiplier, shift, zero_point, low, high)
