"""Depthwise convolutions by windows give the convolution's own results, keep N:M, and fill the array better."""

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.memory import Dram
from hwsim.nm_array.config import NmArrayConfig
from hwsim.sparsity.nm import check_nm
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload import ConvGeometry, Operator, im2col
from mappers.nm_array import map_operator, schedule
from mappers.window import Window

DRAM = Dram.preset("ddr4-2400-x64")


def depthwise(kernel=(3, 3), stride=(1, 1), dilation=(1, 1), size=(9, 11), batch=1, channels=4, padding=(1, 1, 1, 1)):
    return ConvGeometry(in_channels=channels, out_channels=channels, groups=channels, height=size[0], width=size[1],
                        kernel=kernel, stride=stride, dilation=dilation, padding=padding, batch=batch)


CASES = [depthwise(), depthwise(kernel=(5, 5), padding=(2, 2, 2, 2)), depthwise(stride=(2, 2), padding=(0, 0, 1, 1)),
         depthwise(dilation=(2, 2), padding=(2, 2, 2, 2)), depthwise(kernel=(1, 7), batch=3, padding=(0, 3, 0, 3)),
         depthwise(kernel=(5, 5), stride=(2, 2), size=(14, 14), padding=(1, 1, 2, 2))]


@pytest.mark.parametrize("conv", CASES)
@pytest.mark.parametrize("ratio", ["1:1", "1:4", "2:4", "2:8", "1:8", "2:16"])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_windows_compute_the_convolution(conv, ratio, width):
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, conv.input_shape).astype(np.int64)
    w = rng.integers(-127, 128, (conv.groups, conv.k, 1)).astype(np.int64)
    window = Window(conv=conv, width=width, ratio=Ratio.parse(ratio))
    a, b = window.a(x, pad_value=-7), window.b(w)
    assert a.shape == (conv.groups, window.ranks[0], window.ranks[1]) and b.shape[1:] == window.ranks[1:]
    check_nm(b, window.ratio, 1)
    assert np.array_equal(window.output(a @ b), im2col(x, conv, pad_value=-7) @ w)


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_a_depthwise_layer_is_faster_by_windows_and_faster_still_with_sparse_logic(dataflow):
    operator = Operator.of_conv("dw", depthwise(size=(28, 28), channels=32))
    config = NmArrayConfig(rows=32, cols=32, dataflow=dataflow, ratios=("1:8", "2:8"))
    sparse, dense = (schedule(c, operator, DENSE, DRAM, 200e6) for c in (config, config.dense_twin()))
    assert sparse.mapped.window is not None and not sparse.mapped.ratio.dense
    assert sparse.cycles < dense.cycles
    packed = map_operator(config, operator, DENSE)
    assert sparse.cycles < packed.shape.groups * packed.shape.m / 2


def test_a_window_is_of_a_depthwise_convolution():
    with pytest.raises(InputError, match="window: wanted a depthwise"):
        Window(conv=ConvGeometry(in_channels=4, out_channels=8, height=8, width=8), width=2, ratio=DENSE)
    with pytest.raises(InputError, match="window width: wanted 1 to 11"):
        Window(conv=depthwise(), width=12, ratio=DENSE)
