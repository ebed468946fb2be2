"""Quantised real layers: values near the float ones, pruned zeros kept, bad names refused."""

from functools import partial

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.workload import ConvGeometry, Operator, Workload
from hwsim.workload.networks.real import RealNetwork, run_cnn
from mappers.quantized import quantize_layer


@pytest.fixture
def network():
    rng = np.random.default_rng(5)
    conv = ConvGeometry(in_channels=4, out_channels=6, height=8, width=8, kernel=(3, 3), padding=(1, 1, 1, 1))
    operators = (Operator.of_conv("conv", conv, activation="relu6"),)
    weights = {"conv": rng.normal(0, 0.5, (1, 36, 6)).astype(np.float32)}
    weights["conv"][0, ::2] = 0
    weights["conv"][0, :, 5] = 1e-14  # a dead channel with a large bias, as batch-norm folding leaves behind
    bias = {"conv": np.array([0.1, -0.2, 0.3, 0, 1, 3], np.float32)}
    x = rng.normal(0, 1, conv.input_shape).astype(np.float32)
    workload = Workload(name="tiny", operators=operators)
    return RealNetwork(workload=workload, weights=weights, bias=bias, forward=partial(run_cnn, workload),
                       sample=lambda: x, source="this test")


def test_results_are_close_and_clamped(network):
    _, recording = network.run(network.sample_input())
    layer = quantize_layer(network, recording, "conv")
    assert layer.a.shape == (1, 64, 36) and layer.w.shape == (1, 36, 6)
    assert layer.error() < 0.02
    shown = layer.output.dequantize(layer.results())
    assert shown.min() >= 0 and np.allclose(shown[..., 5], 3, atol=layer.output.scale)


def test_pruned_weights_stay_zero(network):
    _, recording = network.run(network.sample_input())
    assert not quantize_layer(network, recording, "conv").w[0, ::2].any()


def test_unknown_layer_is_named(network):
    _, recording = network.run(network.sample_input())
    with pytest.raises(InputError, match="layer: wanted one of conv, got nothing"):
        quantize_layer(network, recording, "nothing")


def test_other_weights_in_another_shape_are_refused(network):
    with pytest.raises(InputError, match="conv of shape"):
        network.with_weights({"conv": np.zeros((1, 2, 3), np.float32)})
