"""Operands as scheduled give, in exact arithmetic, the layer's own results: packed, windowed or plain."""

import numpy as np
import pytest

from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.reference import reference
from hwsim.quantize import ActivationScale, quantize_weights, requantization_from_scales
from hwsim.sparsity.nm import check_nm
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload import ConvGeometry, Operator, im2col
from mappers.nm_array import map_operator, map_window
from mappers.operands import operands, results
from mappers.quantized import QuantizedLayer
from mappers.window import windows_of

CONFIG = NmArrayConfig(rows=16, cols=16, ratios=("1:8", "2:4"))
SCALE = ActivationScale(0.05, -9)


def quantised(conv):
    rng = np.random.default_rng(2)
    x = rng.integers(-128, 128, conv.input_shape).astype(np.int8)
    weights = [quantize_weights(rng.normal(size=(conv.k, conv.n))) for _ in range(conv.groups)]
    output = ActivationScale(0.4, 5)
    rq = [requantization_from_scales(SCALE.scale, SCALE.zero_point, w.scales, w.values, rng.normal(size=conv.n),
                                     output.scale, output.zero_point) for w in weights]
    a = im2col(x, conv, pad_value=SCALE.zero_point)
    return QuantizedLayer(name="layer", a=a, w=np.stack([w.values for w in weights]), requantization=rq, x=x,
                          input=SCALE, output=output, exact=np.zeros(1))


def check(mapped, layer):
    a, w, rq = operands(mapped, layer)
    shape = mapped.shape
    assert a.shape == (shape.groups, shape.m, shape.k) and w.shape == (shape.groups, shape.k, shape.n)
    check_nm(w, mapped.ratio, 1)
    assert np.array_equal(results(mapped, reference(a, w, rq)), layer.results())


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_plain_and_packed(groups):
    conv = ConvGeometry(in_channels=8, out_channels=16, height=5, width=6, kernel=(1, 1), groups=groups)
    mapped = map_operator(CONFIG, Operator.of_conv("layer", conv), DENSE)
    assert mapped.packed == {1: 1, 2: 2, 8: 8}[groups]
    check(mapped, quantised(conv))


@pytest.mark.parametrize("ratio", ["1:1", "1:8", "2:4"])
@pytest.mark.parametrize("stride", [1, 2])
def test_windows(ratio, stride):
    conv = ConvGeometry(in_channels=6, out_channels=6, height=9, width=10, kernel=(3, 3), groups=6,
                        stride=(stride, stride), padding=(1, 1, 1, 1))
    layer = quantised(conv)
    found = [map_window(CONFIG, Operator.of_conv("layer", conv), window)
             for window in windows_of(conv, CONFIG.cols, Ratio.parse(ratio))]
    assert len(found) > 1
    for mapped in found:
        check(mapped, layer)
