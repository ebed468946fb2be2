"""ONNX Conv, Gemm and MatMul nodes as operators with their weight matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .geometry import ConvGeometry, conv_weight_matrix, same_padding
from .graph import Operator
from .onnx_read import OnnxNetwork

Weights = dict[str, NDArray[np.float32]]


def attributes(node: Any) -> dict[str, Any]:
    """Attributes of a node by name: ints, floats, strings and lists of ints."""
    values: dict[str, Any] = {}
    for a in node.attribute:
        values[a.name] = {1: a.f, 2: a.i, 3: a.s.decode(errors="replace"), 7: tuple(a.ints)}.get(a.type)
    return values


def conv_operator(
    network: OnnxNetwork, node: Any, name: str, sources: tuple[str, ...]
) -> tuple[Operator, NDArray | None]:
    """A Conv of rank 3 or 4 and its weights ``(groups, K, N)``; a 1-D convolution gets a height of 1."""
    place = f"{network.place}: node {name}"
    if node.input[1] not in network.constants:
        raise InputError(f"{place}: weights", "constant weights", "an activation")
    weights, shape = np.asarray(network.constants[node.input[1]]), network.shape(node.input[0])
    if len(shape) not in (3, 4) or weights.ndim != len(shape):
        raise InputError(f"{place}: input", "a 1-D or 2-D convolution (rank 3 or 4)", f"rank {len(shape)}")
    given = attributes(node)
    if len(shape) == 3:
        shape, weights = (*shape[:2], 1, shape[2]), weights[:, :, None]
        defaults = {"strides": 1, "dilations": 1}
        given |= {key: (fill, *given[key]) for key, fill in defaults.items() if given.get(key)}
        if given.get("pads"):
            given["pads"] = (0, given["pads"][0], 0, given["pads"][1])
    kernel, stride = weights.shape[2:], tuple(given.get("strides") or (1, 1))
    geometry = ConvGeometry(
        in_channels=shape[1], out_channels=weights.shape[0], height=shape[2], width=shape[3], batch=shape[0],
        kernel=(kernel[0], kernel[1]), stride=(stride[0], stride[1]), groups=given.get("group", 1),
        dilation=tuple(given.get("dilations") or (1, 1)), padding=_padding(place, given, shape, kernel, stride),
    )  # fmt: skip
    if weights.shape[1] * geometry.groups != geometry.in_channels:
        wanted = f"{geometry.in_channels // geometry.groups} input channels per group"
        raise InputError(f"{place}: weights", wanted, weights.shape)
    operator = Operator.of_conv(name, geometry, inputs=sources)
    return operator, conv_weight_matrix(weights.astype(np.float32), geometry.groups)


def _padding(
    place: str, given: dict[str, Any], shape: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of explicit pads or of ``auto_pad``."""
    mode = given.get("auto_pad", "NOTSET")
    if mode == "NOTSET":
        top, left, bottom, right = given.get("pads") or (0, 0, 0, 0)
        return top, left, bottom, right
    if mode == "VALID":
        return 0, 0, 0, 0
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise InputError(f"{place}: auto_pad", "NOTSET, VALID, SAME_UPPER or SAME_LOWER", mode)
    dilation = given.get("dilations") or (1, 1)
    spread = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    top, left, bottom, right = same_padding(shape[2], shape[3], (spread[0], spread[1]), (stride[0], stride[1]))
    return (top, left, bottom, right) if mode == "SAME_UPPER" else (bottom, right, top, left)


def weight_scale(network: OnnxNetwork, node: Any) -> NDArray | None:
    """Factor per channel of a BatchNormalization with constant parameters, else None."""
    names = [node.input[index] for index in (1, 4)]  # scale, variance
    if not all(name in network.constants for name in names):
        return None
    scale, variance = (network.constants[name].astype(np.float64) for name in names)
    spread = variance + attributes(node).get("epsilon", 1e-5)
    if not (spread > 0).all():
        raise InputError(f"{network.place}: constant {names[1]}", "variances + epsilon > 0", float(spread.min()))
    return scale / np.sqrt(spread)


def matmul_operator(
    network: OnnxNetwork, node: Any, name: str, sources: tuple[str, ...]
) -> tuple[Operator, NDArray | None]:
    """A Gemm or MatMul: ``linear`` with weights ``(groups, K, N)``, or ``matmul`` when both operands are activations.

    Constant weights on the left are the transposed product: Z^T = B^T . A^T.
    """
    left, right = node.input[0], node.input[1]
    flips = attributes(node) if node.op_type == "Gemm" else {}
    if left in network.constants and right not in network.constants:
        return _weights_on_the_left(network, left, right, flips, name, sources)
    a, b = (list(network.shape(tensor)) for tensor in (left, right))
    a = [1, *a] if len(a) == 1 else a
    b = [*b, 1] if len(b) == 1 else b
    if flips.get("transA"):
        a.reverse()
    if flips.get("transB"):
        b.reverse()
    k, n = b[-2:]
    batches = _elements(np.broadcast_shapes(tuple(a[:-2]), tuple(b[:-2])))
    if right not in network.constants:
        operator = Operator(
            name=name, kind="matmul", m=a[-2], k=k, n=n, groups=batches, inputs=sources,
            input_elements=network.elements(left) + network.elements(right),
        )  # fmt: skip
        return operator, None
    matrix = np.asarray(network.constants[right], dtype=np.float32)
    matrix = np.float32(flips.get("alpha", 1.0)) * (matrix.T[None] if flips.get("transB") else matrix.reshape(-1, k, n))
    groups = len(matrix)  # batches of the left operand alone are more rows of the same weights
    operator = Operator(
        name=name, kind="linear", m=batches // groups * a[-2], k=k, n=n, groups=groups, inputs=sources,
        input_elements=network.elements(left),
    )  # fmt: skip
    return operator, matrix


def _weights_on_the_left(
    network: OnnxNetwork, left: str, right: str, flips: dict[str, Any], name: str, sources: tuple[str, ...]
) -> tuple[Operator, NDArray]:
    matrix = np.asarray(network.constants[left], dtype=np.float32)
    matrix = matrix[None] if matrix.ndim == 1 else matrix
    if matrix.ndim != 2:
        raise InputError(f"{network.place}: node {name}", "weights of rank 2 on the left", matrix.shape)
    matrix = np.float32(flips.get("alpha", 1.0)) * (matrix if flips.get("transA") else matrix.T)  # (K, N): N = its rows
    k, n = matrix.shape
    m = network.elements(right) // k
    return Operator(name=name, kind="linear", m=m, k=k, n=n, inputs=sources), matrix[None]


def _elements(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))
