"""A whole product on the unit: values as NumPy has them, cycles that follow N, and the RTL on the same columns."""

import numpy as np
import pytest

from hwsim.dsp_chain import timing
from hwsim.dsp_chain.config import MpuConfig
from hwsim.dsp_chain.product import Product
from hwsim.errors import InputError
from rtl.dsp_chain.cases import device_case
from rtl.dsp_chain.family import DspChainFamily
from rtl.verify import run_cases
from rtl.verify.run import build_family_bench

UNIT = MpuConfig(vpus=2, length=8, m=4, group_length=2)


def pruned(rng, outputs, inputs, n):
    """Random INT8 weights, n of each 4 along the inputs kept."""
    w = rng.integers(1, 128, (outputs, inputs // 4, 4)) * rng.choice([-1, 1], (outputs, inputs // 4, 4))
    np.put_along_axis(w, rng.permuted(np.tile(np.arange(4), (*w.shape[:2], 1)), axis=2)[:, :, n:], 0, axis=2)
    return w.reshape(outputs, inputs).astype(np.int8)


@pytest.mark.parametrize("single", [False, True], ids=["MM", "MV"])
@pytest.mark.parametrize("shape", [(6, 13, 30), (4, 16, 8)])
def test_values_are_numpys_and_empty_blocks_take_no_beat(single, shape):
    rows, outputs, inputs = shape
    rng = np.random.default_rng(rows)
    x, w = (rng.integers(-128, 128, size).astype(np.int8) for size in ((rows, inputs), (outputs, inputs)))
    w[:8, :8], w[8:] = 0, w[8:] * (rng.random(w[8:].shape) < 0.3)
    product = Product(UNIT, x, w, single=single)
    assert (product.z == x.astype(np.int64) @ w.T.astype(np.int64)).all() and product.z.shape == (rows, outputs)
    assert product.cycles >= product.beats
    whole = Product(UNIT, x, np.where(w == 0, 1, w).astype(np.int8), single=single)
    assert product.beats < whole.beats == 4 * -(-rows // (1 if single else 4)) * -(-outputs // (
        8 if single else 4)) * -(-inputs // 8)


def test_nothing_to_multiply_takes_no_cycle():
    product = Product(UNIT, np.ones((2, 8), np.int8), np.zeros((5, 8), np.int8))
    assert product.cycles == 0 and product.columns == [] and product.z.tolist() == [[0] * 5] * 2


@pytest.mark.parametrize("n", [1, 2, 4])
def test_cycles_follow_n(n):
    """Four columns of 64 slices: a beat in every cycle from 1 on; the four results of the last block begin to leave
    behind its first beat, one a cycle.
    """
    rng = np.random.default_rng(n)
    product = Product(UNIT, rng.integers(-128, 128, (4, 512)).astype(np.int8), pruned(rng, 16, 512, n))
    assert product.beats == 4 * 64 * n and timing.mpu(UNIT) < 64
    assert product.cycles == (product.beats - n + 1) + timing.mpu(UNIT) + 4


def test_activations_of_one_slice_are_sent_once():
    rng = np.random.default_rng(1)
    product = Product(UNIT, rng.integers(-128, 128, (4, 8)).astype(np.int8), pruned(rng, 16, 8, 2))
    sent = [block.activations is not None for column in product.columns for block in column.blocks]
    assert sent == [True, False, False, False]


def test_what_does_not_fit_is_refused():
    good = np.zeros((4, 8), np.int8)
    for x, w in ((good.astype(int), good), (good, good[0]), (good, good[:, :7]), (good[:0], good)):
        with pytest.raises(InputError):
            Product(UNIT, x, w)


@pytest.mark.slow
@pytest.mark.parametrize("single", [False, True], ids=["MM", "MV"])
def test_the_rtl_takes_the_products_cycles(single):
    rng = np.random.default_rng(3)
    product = Product(UNIT, rng.integers(-128, 128, (4, 60)).astype(np.int8), pruned(rng, 24, 60, 2), single=single)
    case = device_case(product.columns)
    assert case.cycles == product.cycles
    compared = run_cases(build_family_bench(DspChainFamily(), UNIT, "amaranth"), [case])
    assert compared[0].equal and compared[0].rtl_cycles == product.cycles
