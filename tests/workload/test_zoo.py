"""MAC and weight totals of the zoo against published counts."""

from __future__ import annotations

import pytest

from hwsim.errors import InputError
from hwsim.workload import zoo

G = 1e9
# name: (MACs, relative tolerance, source)
PUBLISHED_MACS = {
    "resnet50": (4.09 * G, 0.005, "torchvision model table (GFLOPS column, multiply-adds): 4.09"),
    "resnet18": (1.81 * G, 0.005, "torchvision model table: 1.81"),
    "vgg19": (19.63 * G, 0.005, "torchvision model table: 19.63 (19.6 in the VGG literature)"),
    "mobilenet_v1": (0.569 * G, 0.005, "Howard et al. 2017, table 4: 569 million mult-adds"),
    "vit_b16": (17.56 * G, 0.005, "torchvision model table: 17.56"),
    "efficientnet_lite0": (0.400 * G, 0.05, "0.407 G in the EfficientNet-Lite notes, 0.385 G in PyTorch counters"),
}
# name: (millions of weights without biases and norms, relative tolerance, source)
PUBLISHED_WEIGHTS = {
    "resnet9": (6.57, 0.005, "Page 2018: 6.57 M parameters"),
    "resnet50": (25.557, 0.01, "torchvision: 25.56 M parameters, of which 0.05 M norms and biases"),
    "vgg19": (143.667, 0.001, "torchvision: 143.67 M parameters"),
    "mobilenet_v1": (4.2, 0.01, "Howard et al. 2017, table 4: 4.2 M parameters"),
    "efficientnet_lite0": (4.65, 0.02, "EfficientNet-Lite notes: 4.7 M; PyTorch ports: 4.65 M"),
}


@pytest.mark.parametrize("name", PUBLISHED_MACS)
def test_macs_are_the_published_ones(name: str) -> None:
    macs, tolerance, source = PUBLISHED_MACS[name]
    assert zoo.build(name).macs == pytest.approx(macs, rel=tolerance), source


@pytest.mark.parametrize("name", PUBLISHED_WEIGHTS)
def test_weights_are_the_published_ones(name: str) -> None:
    millions, tolerance, source = PUBLISHED_WEIGHTS[name]
    assert zoo.build(name).weight_elements / 1e6 == pytest.approx(millions, rel=tolerance), source


@pytest.mark.parametrize(("name", "sequence"), [("bert_base", 128), ("gpt2_small", 1024)])
def test_transformer_macs_follow_the_formula(name: str, sequence: int) -> None:
    """12 d^2 per token and 2 s d per token and layer (Kaplan et al. 2020, table 1, without the head)."""
    width, layers = 768, 12
    head = zoo.build(name).operators[-1].macs
    expected = layers * sequence * (12 * width**2 + 2 * sequence * width)
    assert zoo.build(name).macs - head == expected


def test_llama_layer_prefill_and_decode() -> None:
    """LLaMA2-7B: 4 d^2 + 3 d h = 202,375,168 weights a layer, 32 of them with 2 x 32000 x 4096 make 6.74 G."""
    layer = zoo.llama2_7b_layer(sequence=16)
    assert layer.weight_elements == 4 * 4096**2 + 3 * 4096 * 11008
    assert 32 * layer.weight_elements + 2 * 32000 * 4096 == pytest.approx(6.738e9, rel=1e-3)
    decode = zoo.llama2_7b_layer(batch=2, sequence=1, context=511)
    scores, values = decode["attention.scores"], decode["attention.values"]
    assert (scores.groups, scores.m, scores.k, scores.n) == (64, 1, 128, 512)
    assert (values.m, values.k, values.n) == (1, 512, 128)
    assert decode.macs == 2 * (layer.weight_elements + 2 * 512 * 4096)


@pytest.mark.parametrize("name", zoo.names())
def test_batch_scales_macs_not_weights(name: str) -> None:
    one, four = zoo.build(name), zoo.build(name, batch=4)
    assert four.macs == 4 * one.macs
    assert four.weight_elements == one.weight_elements
    assert four.totals()["input_elements"] == 4 * one.totals()["input_elements"]


@pytest.mark.parametrize("name", zoo.names())
def test_consumers_read_what_producers_wrote(name: str) -> None:
    """Each GEMM reads as many elements as its producers make, but for re-shapings and the network's input."""
    net = zoo.build(name)
    reshaped = {"layer0.norm1", "positions", "head", "pooler"} | ({"add1"} if name == "llama2_7b_layer" else set())
    for op in net:
        if op.inputs and op.name not in reshaped and op.kind != "matmul":
            assert op.input_elements == sum(net[source].output_elements for source in op.inputs), op.name


def test_resolution_scales_and_bad_requests_are_refused() -> None:
    assert zoo.resnet18(resolution=112)["layer1.0.conv1"].macs * 4 == zoo.resnet18()["layer1.0.conv1"].macs
    with pytest.raises(InputError, match="resnet51"):
        zoo.build("resnet51")
    with pytest.raises(InputError, match="sequence"):
        zoo.build("resnet50", sequence=3)
    with pytest.raises(InputError, match="batch"):
        zoo.build("resnet50", batch=0)
    with pytest.raises(InputError, match="sequence"):
        zoo.build("bert_base", sequence=0)
    with pytest.raises(InputError, match="kernel"):
        zoo.build("vgg19", resolution=8)
