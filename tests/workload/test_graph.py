"""Operators, workloads, and the lowering of convolutions against a direct convolution."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.workload import (
    ConvGeometry,
    Operator,
    Workload,
    conv_output,
    conv_weight_matrix,
    im2col,
    same_padding,
)


def direct_conv(x: np.ndarray, w: np.ndarray, g: ConvGeometry) -> np.ndarray:
    """The definition of a grouped, dilated convolution, element by element."""
    top, left, bottom, right = g.padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    out = np.zeros(g.output_shape, dtype=x.dtype)
    per, outs = g.in_channels // g.groups, g.out_channels // g.groups
    for b, o, r, c in np.ndindex(g.output_shape):
        for i, ky, kx in np.ndindex(per, *g.kernel):
            row, column = r * g.stride[0] + ky * g.dilation[0], c * g.stride[1] + kx * g.dilation[1]
            out[b, o, r, c] += padded[b, (o // outs) * per + i, row, column] * w[o, i, ky, kx]
    return out


@st.composite
def geometries(draw: st.DrawFn) -> ConvGeometry:
    small = st.integers(1, 3)
    groups = draw(small)
    kernel = (draw(small), draw(small))
    dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    return ConvGeometry(
        in_channels=groups * draw(small), out_channels=groups * draw(small), height=5 + draw(small),
        width=5 + draw(small), kernel=kernel, stride=(draw(small), draw(small)), dilation=dilation, groups=groups,
        padding=tuple(draw(st.integers(0, 2)) for _ in range(4)), batch=draw(st.integers(1, 2)),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(geometries(), st.integers(0, 2**32 - 1))
def test_gemm_of_im2col_is_the_convolution(g: ConvGeometry, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-8, 8, g.input_shape)
    w = rng.integers(-8, 8, (g.out_channels, g.in_channels // g.groups, *g.kernel))
    z = im2col(x, g) @ conv_weight_matrix(w, g.groups)
    assert np.array_equal(conv_output(z, g), direct_conv(x, w, g))


def test_k_neighbours_are_input_channels_of_one_kernel_position() -> None:
    g = ConvGeometry(in_channels=4, out_channels=1, height=2, width=2, kernel=(2, 2))
    x = np.arange(16).reshape(1, 4, 2, 2)
    a = im2col(x, g)
    assert a.shape == (1, 1, 16)
    assert a[0, 0, :4].tolist() == x[0, :, 0, 0].tolist()
    assert a[0, 0, 4:8].tolist() == x[0, :, 0, 1].tolist()


def test_im2col_pads_with_the_zero_point() -> None:
    g = ConvGeometry(in_channels=1, out_channels=1, height=1, width=1, padding=(1, 1, 1, 1))
    a = im2col(np.full((1, 1, 1, 1), 5, dtype=np.uint8), g, pad_value=3)
    assert a.dtype == np.uint8
    assert a.ravel().tolist() == [3, 3, 3, 3, 5, 3, 3, 3, 3]


@pytest.mark.parametrize(("size", "kernel", "stride"), [(224, 3, 2), (56, 5, 2), (7, 3, 1), (5, 1, 2)])
def test_same_padding_gives_the_ceiling(size: int, kernel: int, stride: int) -> None:
    padding = same_padding(size, size, (kernel, kernel), (stride, stride))
    g = ConvGeometry(
        in_channels=1, out_channels=1, height=size, width=size, kernel=(kernel,) * 2, stride=(stride,) * 2,
        padding=padding,
    )  # fmt: skip
    assert g.out_height == g.out_width == -(-size // stride)
    assert 0 <= padding[2] - padding[0] <= 1


def linear(name: str, *inputs: str) -> Operator:
    return Operator(name=name, kind="linear", m=4, k=8, n=2, inputs=inputs)


def test_counts_of_each_kind() -> None:
    lin = linear("a")
    assert (lin.macs, lin.weight_elements, lin.input_elements, lin.output_elements) == (64, 16, 32, 8)
    product = Operator(name="p", kind="matmul", m=4, k=8, n=2, groups=3)
    assert (product.macs, product.weight_elements, product.input_elements) == (192, 0, 3 * (32 + 16))
    assert not product.has_weights
    geometry = ConvGeometry(in_channels=6, out_channels=6, height=5, width=5, groups=6, batch=2, padding=(1, 1, 1, 1))
    depthwise = Operator.of_conv("dw", geometry)
    assert depthwise.is_depthwise
    assert (depthwise.m, depthwise.k, depthwise.n, depthwise.groups) == (50, 9, 1, 6)
    assert (depthwise.input_elements, depthwise.output_elements, depthwise.weight_elements) == (300, 300, 54)
    moved = Operator(name="t", kind="traffic", input_elements=10, output_elements=5)
    assert (moved.macs, moved.weight_elements, moved.input_elements) == (0, 0, 10)


def test_workload_orders_selects_and_draws() -> None:
    net = Workload(name="net", operators=(linear("c", "b"), linear("a"), linear("b", "a")))
    assert [op.name for op in net] == ["a", "b", "c"]
    assert net["b"].inputs == ("a",)
    assert list(net.graph().edges) == [("a", "b"), ("b", "c")]
    assert net.graph().nodes["a"]["operator"] is net["a"]
    part = net.select(["b", "c"])
    assert part["b"].inputs == () and part["c"].inputs == ("b",)
    assert net.totals()["macs"] == 3 * 64 == net.macs


BAD_OPERATORS = {
    "name": {"name": ""},
    "kind": {"kind": "convolution"},
    "m": {"m": 0},
    "k": {"k": 2.0},
    "n": {"n": True},
    "groups": {"groups": 0},
    "inputs": {"inputs": "a"},
    "activation": {"activation": "swish"},
    "m, k, n": {"kind": "traffic"},
    "conv": {"kind": "conv"},
    "input_elements": {"input_elements": -1},
}


@pytest.mark.parametrize("place", BAD_OPERATORS)
def test_bad_operator_is_refused(place: str) -> None:
    good = {"name": "op", "kind": "linear", "m": 1, "k": 2, "n": 3}
    with pytest.raises(InputError, match=place):
        Operator(**(good | BAD_OPERATORS[place]))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"groups": 2}, "in_channels"),
        ({"groups": 3}, "out_channels"),
        ({"kernel": (9, 1)}, "kernel"),
        ({"kernel": 3}, "kernel"),
        ({"stride": (0, 1)}, "stride"),
        ({"padding": (1, 1)}, "padding"),
        ({"batch": 0}, "batch"),
    ],
)
def test_bad_geometry_is_refused(change: dict, place: str) -> None:
    good = {"in_channels": 3, "out_channels": 4, "height": 8, "width": 8}
    with pytest.raises(InputError, match=place):
        ConvGeometry(**(good | change))


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        ((), "at least one"),
        ((linear("a"), linear("a")), "a twice"),
        ((linear("a", "z"),), "z"),
        ((linear("a", "b"), linear("b", "a")), "cycle"),
    ],
)
def test_bad_workload_is_refused(operators: tuple[Operator, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Workload(name="net", operators=operators)


def test_shapes_that_do_not_fit_are_refused() -> None:
    g = ConvGeometry(in_channels=2, out_channels=2, height=4, width=4)
    with pytest.raises(InputError, match="im2col"):
        im2col(np.zeros((1, 4, 4, 2)), g)
    with pytest.raises(InputError, match="OIHW"):
        conv_weight_matrix(np.zeros((2, 2)))
    with pytest.raises(InputError, match="multiple of groups = 3"):
        conv_weight_matrix(np.zeros((4, 1, 1, 1)), 3)
    with pytest.raises(InputError, match="conv_output"):
        conv_output(np.zeros((1, 2, 3)), g)
    with pytest.raises(InputError, match="no-such"):
        Workload(name="net", operators=(linear("a"),))["no-such"]


def test_import_is_light() -> None:
    heavy = "networkx, onnx, scipy, safetensors, matplotlib, tokenizers, PIL, numba"
    code = f"import sys, hwsim.workload; print([m for m in '{heavy}'.split(', ') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
