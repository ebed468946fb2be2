"""Every product under the interpreter against NumPy on what the format decodes to.

Operands are small whole numbers: all sums are exact in FP32 and INT32, in any order, so results are equal to the bit.
"""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra gpu: torch")
pytest.importorskip("triton", reason="the extra gpu: triton")

from hwsim.dsp_chain.dequant.config import DequantConfig
from hwsim.dsp_chain.dequant.reference import dequantize, unpack
from hwsim.dsp_chain.dequant.tensor import pack
from hwsim.errors import InputError
from hwsim.gpu.kernels import (
    bitmap_spmm,
    block_spmm,
    gemm,
    gemv,
    int4_gemv,
    interpreted,
    nm_spmm,
    tiled_csl_spmm,
)
from hwsim.sparsity import Ratio, encode_bitmap, encode_nm, nm_mask, random_mask
from hwsim.sparsity.block import encode_block
from hwsim.sparsity.patterns import random_block_mask
from hwsim.sparsity.tiled_csl import encode_tiled_csl

pytestmark = pytest.mark.slow

TYPES = ("float16", "bfloat16", "int8")
SHAPES = [(1, 64, 1), (33, 70, 5), (40, 131, 18)]
"""M, K, N: none a multiple of a block but one."""


def numbers(rng, shape, dtype):
    """Whole numbers as the format holds them; BF16 comes as FP32."""
    held = {"float16": np.float16, "bfloat16": np.float32, "int8": np.int8}[dtype]
    return rng.integers(-8, 9, shape).astype(held)


def check(prepared, a, b):
    found, wanted = prepared.numpy(), a.astype(np.int64) @ b.astype(np.int64)
    assert found.dtype == (np.int32 if a.dtype == np.int8 else np.float32)
    np.testing.assert_array_equal(found, wanted)


@pytest.fixture
def seeded(request):
    seed = int.from_bytes(np.random.default_rng().bytes(4), "little")
    print("seed", seed)
    return np.random.default_rng(seed)


def test_interpreter_is_on():
    assert interpreted()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("m", "k", "n"), SHAPES)
def test_dense(m, k, n, dtype, seeded):
    a, b = numbers(seeded, (m, k), dtype), numbers(seeded, (k, n), dtype)
    check(gemm(a, b, dtype), a, b)
    check(gemv(a, b[:, 0], dtype), a, b[:, 0])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("ratio", ["2:4", "1:4", "2:8", "4:16", "1:1"])
@pytest.mark.parametrize("method", ["gather", "expand"])
def test_n_of_m(method, ratio, dtype, seeded):
    for m, k, n in SHAPES[1:]:
        a, b = numbers(seeded, (m, k), dtype), numbers(seeded, (k, n), dtype)
        ratio = Ratio.parse(ratio)
        a = np.where(nm_mask(a, ratio, 1), a, 0).astype(a.dtype)
        a[:16] = 0
        code = encode_nm(a, ratio, 1)
        check(nm_spmm(code, b, dtype, method), code.decode(), b)
        ratio = str(ratio)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("tile", [16, 32, 64])
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_bitmap_of_weights(density, tile, dtype, seeded):
    m, k, n = SHAPES[1]
    a, b = numbers(seeded, (m, k), dtype), numbers(seeded, (k, n), dtype)
    a[~random_mask(a.shape, density, seeded)] = 0
    code = encode_bitmap(a, (tile,), 8, 32)
    check(bitmap_spmm(code, b, dtype), code.decode(), b)
    check(bitmap_spmm(code, b[:, 0], dtype), code.decode(), b[:, 0])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("density", [0.0, 0.2, 1.0])
def test_tiled_csl(density, dtype, seeded):
    for (m, k, n), tile in zip([(130, 70, 5), (40, 131, 18)], [(128, 64), (16, 32)], strict=True):
        a, b = numbers(seeded, (m, k), dtype), numbers(seeded, (k, n), dtype)
        a[~random_mask(a.shape, density, seeded)] = 0
        a[:16] = 0  # tiles of zeros
        code = encode_tiled_csl(a, tile)
        check(tiled_csl_spmm(code, b, dtype), code.decode(), b)


def test_padding_of_a_full_tile(seeded):
    """A full tile has no zero that its padding could name; the padding then names an element that it must not clear."""
    a, b = np.ones((16, 32), np.float16), numbers(seeded, (32, 3), "float16")
    code = encode_tiled_csl(a, (16, 32), pad=3)
    assert len(code.values) == 513 and code.values[-1] == 0
    check(tiled_csl_spmm(code, b), a, b)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("block", [(16, 16), (32, 64), (1, 16), (5, 12)])
def test_blocks(block, dtype, seeded):
    for density in (0.0, 0.4, 1.0):
        m, k, n = SHAPES[1]
        a, b = numbers(seeded, (m, k), dtype), numbers(seeded, (k, n), dtype)
        a[~random_block_mask(block, a.shape, density, seeded)] = 0
        code = encode_block(a, block)
        check(block_spmm(code, b, dtype), code.decode(), b)


def int4(rng, rows, k, parts=1):
    config = DequantConfig.preset("small-4")
    groups = rows * k // config.group
    return [pack(config, 4, rng.integers(-8, 8, rows * k), rng.integers(0, 256, groups), rng.integers(0, 16, groups))
            for _ in range(parts)]


@pytest.mark.parametrize("dtype", TYPES)
def test_int4_is_dequantised_as_by_the_accelerator(dtype, seeded):
    k = 24
    tensors = int4(seeded, 9, k, 2)
    x = numbers(seeded, (k,), dtype)
    a = np.concatenate([dequantize(one) for one in tensors]).reshape(-1, k)
    check(int4_gemv(tensors, x, dtype), a.astype(x.dtype), x)


def test_int4_with_real_scales(seeded):
    k = 24
    (tensor,) = int4(seeded, 9, k)
    x = numbers(seeded, (k,), "float16")
    scales = (tensor.multipliers / 2.0**tensor.shifts).repeat(tensor.config.group)
    a = (unpack(tensor) * scales).reshape(-1, k)
    np.testing.assert_allclose(int4_gemv([tensor], x, rounded=False).numpy(), a @ x, rtol=1e-5, atol=1e-3)


def test_floats_are_summed_in_fp32(seeded):
    a, b = (seeded.standard_normal(shape).astype(np.float16) for shape in ((20, 300), (300, 7)))
    np.testing.assert_allclose(gemm(a, b).numpy(), a.astype(np.float64) @ b.astype(np.float64), rtol=1e-4, atol=1e-4)


HALF, BYTES = np.ones((4, 32), np.float16), np.ones((4, 32), np.int8)


@pytest.mark.parametrize(("call", "wanted"), [
    (lambda: gemm(HALF, HALF), "B: wanted 32 along its first axis"),
    (lambda: gemm(HALF, HALF.T, "int8"), "elements for int8"),
    (lambda: gemm(BYTES, BYTES.T), "elements for float16"),
    (lambda: gemm(HALF, HALF.T, "float64"), "dtype: wanted one of"),
    (lambda: nm_spmm(encode_nm(HALF, Ratio(1, 1), 0), HALF.T), "along its last axis"),
    (lambda: nm_spmm(encode_nm(HALF, Ratio(1, 1), 1), HALF.T, method="scatter"), "method: wanted one of"),
    (lambda: bitmap_spmm(encode_bitmap(HALF, (8,)), HALF.T), "tile: wanted one axis"),
    (lambda: bitmap_spmm(encode_bitmap(HALF, (4, 16)), HALF.T), "tile: wanted one axis"),
    (lambda: tiled_csl_spmm(encode_tiled_csl(HALF, (4, 8)), HALF.T), "tile: wanted powers of two"),
    (lambda: int4_gemv(int4(np.random.default_rng(0), 1, 24), np.ones(16, np.float16)), "whole rows of 16"),
    (lambda: gemv(HALF, np.ones(0, np.float16)), "x: wanted 1 axes, none empty")])
def test_bad_operands(call, wanted):
    with pytest.raises(InputError, match=wanted):
        call()
