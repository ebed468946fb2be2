"""NaNs of any bits, infinities, both zeros, subnormal numbers in activations, weights and biases, on the RTL."""

import numpy as np
import pytest
from test_conformance import check

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.float_reference import BiasRelu
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.reference import expected_beats
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import DENSE, Ratio
from rtl.nm_array.cases import Work
from rtl.nm_array.family import verify_programs

NUMBERS = {"fp16": [0, 0x8000, 1, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00],
           "bf16": [0, 0x8000, 1, 0x8001, 0x007F, 0x0080, 0x3F80, 0xBF80, 0x7F7F, 0xFF7F, 0x7F80, 0xFF80]}
"""Zeros, smallest and largest subnormal numbers, smallest normal, ones, largest, infinities."""
NANS = {"fp16": [0x7E00, 0x7C01, 0xFE01, 0xFFFF], "bf16": [0x7FC0, 0x7F81, 0xFFC1, 0xFFFF]}
BIASES = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -3e38, 1], np.float32)


def work(config, dataflow, ratio, rng):
    """A small ragged GEMM; half of the operands are zeros and ones, so that not all sums are NaN."""
    numbers = np.array(NUMBERS[config.data_type], np.uint16)
    all_bits = np.concatenate([numbers, np.array(NANS[config.data_type], np.uint16)])
    shape = Shape(m=int(rng.integers(1, 9)), k=int(rng.integers(1, 7)), n=int(rng.integers(1, 4)))
    a, w = (np.where(rng.random((1, *size)) < 0.5, rng.choice(numbers[:8], (1, *size)), rng.choice(some, (1, *size)))
            for size, some in (((shape.m, shape.k), all_bits), ((shape.k, shape.n), numbers)))
    w = np.where(nm_mask(rng.random(w.shape), ratio, 1), w, 0)
    tiling = Tiling(beats=int(rng.integers(1, config.most_beats(dataflow) + 1)), dataflow=dataflow)
    return Work(program=lower(config, shape, ratio, tiling), a=a.astype(np.uint16), w=w.astype(np.uint16),
                rq=[BiasRelu(rng.choice(BIASES, shape.n), relu=bool(rng.integers(2)))])


@pytest.mark.slow
@pytest.mark.parametrize(("data_type", "shadow"), [("fp16", True), ("bf16", False)])
def test_special_values_at_every_operand(data_type, shadow):
    """What a pass leaves in PEs and adders that the next one does not use must not come out of it."""
    config = NmArrayConfig(rows=3, cols=2, multipliers=2, data_type=data_type, dataflow="both", ratios=("2:4",),
                           tile_depth=6, o_depth=12, sum_stages=2, product_stages=0, a_slots=2, w_slots=2, q_slots=1,
                           d_slots=1, shadow_weights=shadow)
    rng = np.random.default_rng(3)
    works = [work(config, dataflow, ratio, rng) for ratio in (Ratio(2, 4), DENSE) * 3 for dataflow in ("ws", "os")]
    beats = np.concatenate([expected_beats(each.program, each.a, each.w, each.rq) for each in works])
    nan = np.isin(beats, [0x7E00 if data_type == "fp16" else 0x7FC0])
    assert 10 < nan.sum() < nan.size - 10
    check(verify_programs(works, engine="amaranth"), 150)
