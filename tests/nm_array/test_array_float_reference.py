"""The floating-point reference against a slow judge: one np.float32 operation after the other, in the stated order."""

from fractions import Fraction

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.float_reference import BiasRelu, float_results
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.reference import expected_beats, from_result_beats
from hwsim.sparsity.ratio import Ratio
from rtl.nm_array.random_operands import draw_bias_relu, draw_operands, draw_weights

CASES = [(data_type, dataflow, multipliers, ratio)
         for data_type in ("fp16", "bf16") for dataflow in ("ws", "os")
         for multipliers, ratio in ((1, "1:1"), (1, "2:4"), (2, "4:8"), (4, "1:4"), (4, "8:16"), (8, "1:4"))]
CANONICAL = {"fp16": 0x7E00, "bf16": 0x7FC0}


def value_of(bits, data_type):
    if data_type == "fp16":
        return np.float32(np.uint16(bits).view(np.float16))
    return np.uint32(int(bits) << 16).view(np.float32)


def rounded(value, data_type):
    """Bits of the nearest number, ties to the even one; BF16 by exact fractions, as NumPy does not have it."""
    if np.isnan(value):
        return CANONICAL[data_type]
    if data_type == "fp16":
        with np.errstate(over="ignore"):
            return int(np.float16(value).view(np.uint16))
    low = int(np.float32(value).view(np.uint32)) >> 16  # towards zero; the next number up in magnitude is low + 1
    if np.isinf(value):
        return low
    size, below = abs(Fraction(float(value))), abs(Fraction(float(value_of(low, data_type))))
    if low & 0x7FFF == 0x7F7F:  # what would come next if there were no infinity
        above = Fraction(2) ** 128
    else:
        above = abs(Fraction(float(value_of(low + 1, data_type))))
    up = size - below > above - size or (size - below == above - size and low % 2 == 1)
    return low + up


def lane_products(group_a, column, mode, data_type):
    """Products of one PE for one unit of K, slot by slot: non-zero weights, then 0 times the first others."""
    products, m, n = [], mode.ratio.m, mode.ratio.n
    for g in range(mode.groups):
        kept = [i for i in range(g * m, (g + 1) * m) if value_of(column[i], data_type) != 0]
        spare = [i for i in range(g * m, (g + 1) * m) if i not in kept][:n - len(kept)]
        pairs = [(column[i], group_a[i]) for i in kept] + [(0, group_a[i]) for i in spare]
        products += [value_of(w, data_type) * value_of(x, data_type) for w, x in pairs]
    return products


def tree(values):
    while len(values) > 1:
        values = [x + y for x, y in zip(values[::2], values[1::2], strict=True)]
    return values[0]


def by_hand(program, a, w, parameters):
    """Bit patterns (groups, M, N)."""
    data_type, mode, shape = program.config.data_type, program.mode, program.shape
    lanes, z = mode.slots // mode.steps, np.zeros((shape.groups, shape.m, shape.n), np.uint16)
    for g, i, j in np.ndindex(z.shape):
        total = np.float32(0)
        for p in np.flatnonzero((program.group == g) & (program.m0 <= i) & (i < program.m0 + program.m_size)
                                & (program.n0 <= j) & (j < program.n0 + program.n_size)):
            units = []
            for at in range(int(program.k0[p]), int(program.k0[p] + program.k_size[p]), mode.span):
                row = np.zeros((2, mode.span), np.uint16)
                end = min(at + mode.span, shape.k)
                row[0, :end - at], row[1, :end - at] = a[g, i, at:end], w[g, at:end, j]
                products = lane_products(*row, mode, data_type)
                units.append([tree(products[s * lanes:(s + 1) * lanes]) for s in range(mode.steps)])
            if program.dataflow == "os":
                for each in (s for unit in units for s in unit):
                    total = total + each
            else:
                for s in range(mode.steps):
                    column = np.float32(0)
                    for unit in units:
                        column = column + unit[s]
                    total = total + column
        total = total + parameters[g].bias[j]
        relu = parameters[g].relu and np.signbit(total) and not np.isnan(total)
        z[g, i, j] = rounded(np.float32(0) if relu else total, data_type)
    return z


def drawn_program(data_type, dataflow, multipliers, ratio, rng):
    """Several passes along K, so that it turns back; ragged ends."""
    config = NmArrayConfig(rows=3, cols=2, multipliers=multipliers, ratios=() if ratio == "1:1" else (ratio,),
                           dataflow=dataflow, data_type=data_type, tile_depth=8, o_depth=16)
    span = config.modes[-1].span
    shape = Shape(m=int(rng.integers(1, 6)), k=int(rng.integers(1, 8 * span)), n=3, groups=int(rng.integers(1, 3)))
    return lower(config, shape, Ratio.parse(ratio), Tiling(beats=int(rng.integers(1, 3))))


def results(program, a, w, parameters):
    return from_result_beats(program, expected_beats(program, a, w, parameters))


@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")
@pytest.mark.parametrize(("data_type", "dataflow", "multipliers", "ratio"), CASES)
def test_the_reference_adds_in_the_stated_order(data_type, dataflow, multipliers, ratio):
    rng = np.random.default_rng([1, multipliers, len(ratio)])
    for kind in ("any", "extreme", "small", "zero", "infinite"):
        program = drawn_program(data_type, dataflow, multipliers, ratio, rng)
        shape, config = program.shape, program.config
        drawn = "any" if kind == "infinite" else kind
        a = draw_operands(config, drawn, (shape.groups, shape.m, shape.k), rng)
        if kind == "infinite":
            a = np.where(rng.random(a.shape) < 0.1, CANONICAL[data_type] & (0x7C00 if data_type == "fp16" else 0x7F80),
                         a).astype(np.uint16)
        w = draw_weights(drawn, shape, program.ratio, rng, config)
        parameters = [draw_bias_relu(shape.n, rng) for _ in range(shape.groups)]
        assert np.array_equal(results(program, a, w, parameters), by_hand(program, a, w, parameters)), kind


@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("data_type", ["fp16", "bf16"])
def test_sums_of_small_whole_numbers_are_exact_in_any_order(data_type, dataflow):
    rng = np.random.default_rng(2)
    for _ in range(8):
        multipliers, ratio = [(1, "1:1"), (2, "2:8"), (1, "4:8"), (4, "1:2")][int(rng.integers(4))]
        program = drawn_program(data_type, dataflow, multipliers, ratio, rng)
        shape, config = program.shape, program.config
        a = draw_operands(config, "small", (shape.groups, shape.m, shape.k), rng)
        w = draw_weights("small", shape, program.ratio, rng, config)
        whole_a, whole_w = (np.vectorize(value_of)(x, data_type).astype(np.int64) for x in (a, w))
        sums = whole_a @ whole_w
        exact = np.vectorize(rounded)(sums.astype(np.float32), data_type)
        assert np.array_equal(results(program, a, w, [BiasRelu.none(shape.n)] * shape.groups), exact)


def one_column(weights, activations, relu=False, bias=0.0, dataflow="os", data_type="fp16"):
    """Results (M,) of one dense column: FP16 values in, FP16 values out."""
    config = NmArrayConfig(rows=4, cols=1, ratios=(), dataflow=dataflow, data_type=data_type, tile_depth=8, o_depth=16)
    w = np.array(weights, np.float16).view(np.uint16).reshape(1, -1, 1)
    a = np.array(activations, np.float16).view(np.uint16)[None]
    program = lower(config, Shape(m=a.shape[1], k=a.shape[2], n=1), Ratio(1, 1), Tiling(beats=1))
    z = results(program, a, w, [BiasRelu(np.array([bias], np.float32), relu)])
    return z.view(np.float16)[0, :, 0]


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_special_values(dataflow):
    inf, nan, tiny = np.inf, np.nan, 2.0**-24
    z = one_column([1, 1], [[inf, 1], [inf, -inf], [nan, 0], [-0.0, -0.0], [tiny, tiny], [65504, 65504], [-inf, 1]],
                   dataflow=dataflow)
    assert z[0] == inf and np.isnan(z[1:3]).all() and z[4] == 2 * tiny and z[5] == inf and z[6] == -inf
    assert z[3] == 0 and not np.signbit(z[3])  # the sum starts at +0
    z = one_column([1], [[-1], [nan], [-inf], [2], [-0.0]], relu=True, dataflow=dataflow)
    assert z[[0, 2, 4]].tolist() == [0, 0, 0] and not np.signbit(z[[0, 2, 4]]).any() and np.isnan(z[1]) and z[3] == 2
    assert one_column([1], [[1], [-1]], relu=True, bias=0.25, dataflow=dataflow).tolist() == [1.25, 0]


def test_k_turns_back_in_every_second_result_tile():
    """2**24 + 1 + 1 in FP32: 2**24 from the left, 2**24 + 2 from the right."""
    config = NmArrayConfig(rows=1, cols=1, ratios=(), dataflow="os", data_type="bf16", sum_stages=1, tile_depth=1,
                           o_depth=2)
    a = (np.array([[2.0**24, 1, 1]] * 2, np.float32).view(np.uint32) >> 16).astype(np.uint16)[None]
    w = np.full((1, 3, 1), 0x3F80, np.uint16)
    program = lower(config, Shape(m=2, k=3, n=1), Ratio(1, 1), Tiling(beats=1))
    bias = [BiasRelu(np.array([-(2.0**24)], np.float32))]
    assert program.k0.tolist() == [0, 1, 2, 2, 1, 0]
    assert [float(value_of(z, "bf16")) for z in results(program, a, w, bias).ravel()] == [0, 2]


def test_products_of_a_pe_are_added_by_neighbours():
    """(2**24 + 1) + (1 - 2**24) is 1 in FP32; one after the other they would give 0, exactly they are 2."""
    config = NmArrayConfig(rows=1, cols=1, multipliers=4, ratios=(), dataflow="os", data_type="fp16", tile_depth=4,
                           o_depth=8)
    program = lower(config, Shape(m=1, k=4, n=1), Ratio(1, 1), Tiling(beats=1))
    a = np.array([[[2.0**12, 1, 1, 2.0**12]]], np.float16).view(np.uint16)
    w = np.array([[[2.0**12], [1], [1], [-(2.0**12)]]], np.float16).view(np.uint16)
    assert results(program, a, w, [BiasRelu.none(1)]).view(np.float16).item() == 1


def test_unused_columns_hold_what_the_array_computes_there():
    """An infinite activation times the 0 of an unused column."""
    config = NmArrayConfig(rows=1, cols=2, ratios=(), dataflow="os", data_type="fp16", tile_depth=4, o_depth=8)
    program = lower(config, Shape(m=1, k=1, n=1), Ratio(1, 1), Tiling(beats=1))
    a, w = np.full((1, 1, 1), 0x7C00, np.uint16), np.full((1, 1, 1), 0x3C00, np.uint16)
    assert float_results(program, a, w, [BiasRelu.none(1)]).tolist() == [[[0x7C00, 0x7E00]]]


def test_parameters_that_do_not_fit_are_refused():
    for bad in (np.zeros(2), np.zeros((1, 2), np.float32)):
        with pytest.raises(InputError, match="float32 of rank 1"):
            BiasRelu(bad)
