"""A real network: workload, trained weights, and a float32 forward pass that records what every GEMM read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..geometry import ConvGeometry, im2col
from ..graph import Operator, Workload

Floats = NDArray[np.float32]


class Recording(dict[str, Floats]):
    """First operands by operator name, as they flowed: NCHW input of a conv, ``(groups, M, K)`` of all other GEMMs.

    Args:
        workload: gives the geometry for ``a``.
    """

    def __init__(self, workload: Workload):
        super().__init__()
        self.workload = workload
        self.second: dict[str, Floats] = {}

    def a(self, name: str) -> Floats:
        """A of an operator, ``(groups, M, K)``: im2col is made on the call."""
        self._check(name, self)
        conv = self.workload[name].conv
        return self[name] if conv is None else im2col(self[name], conv)

    def b(self, name: str) -> Floats:
        """B of a matmul operator, ``(groups, K, N)`` (both operands of attention products are activations)."""
        self._check(name, self.second)
        return self.second[name]

    def _check(self, name: str, table: dict[str, Floats]) -> None:
        if name not in table:
            raise InputError("recording: operator", "one of " + ", ".join(table), name)


@dataclass(frozen=True, kw_only=True)
class RealNetwork:
    """Trained network for one input shape.

    Args:
        workload: topology; ``workload[name].activation`` is the function fused behind each GEMM.
        weights: operator name to B, ``(groups, K, N)`` float32 (batch-norm folded in).
        bias: operator name to bias, ``(groups * N,)`` float32.
        forward: the executor, of (weights, bias, input, recording); call ``run``.
        sample: makes a real input; call ``sample_input``.
        source: where the weights come from, with licence.
    """

    workload: Workload
    weights: dict[str, Floats] = field(repr=False)
    bias: dict[str, Floats] = field(repr=False)
    forward: Callable[[dict[str, Floats], dict[str, Floats], NDArray, Recording], Floats] = field(repr=False)
    sample: Callable[[], NDArray] = field(repr=False)
    source: str

    def run(self, x: NDArray) -> tuple[Floats, Recording]:
        """Outputs and the recorded operands of every GEMM operator."""
        recording = Recording(self.workload)
        return self.forward(self.weights, self.bias, x, recording), recording

    def with_weights(self, weights: Mapping[str, Floats]) -> RealNetwork:
        """The same network with some operators' weights replaced, as by pruning.

        Raises:
            InputError: an operator that has no weights here, or another shape.
        """
        for name, w in weights.items():
            if name not in self.weights or w.shape != self.weights[name].shape:
                given = f"{name} of shape {w.shape}"
                raise InputError(f"{self.workload.name}: weights", "an operator's weights in their own shape", given)
        return replace(self, weights={**self.weights, **weights})

    def sample_input(self) -> NDArray:
        """A real input (photo as NCHW float32, sentences as token ids), ready for ``run``."""
        return self.sample()

    def activation(self, name: str) -> str:
        """Function fused behind an operator: "none", "relu6", "gelu", …"""
        return self.workload[name].activation


def activate(x: Floats, function: str) -> Floats:
    """Apply a fused activation in place where it can be."""
    if function == "relu6":
        return np.clip(x, 0, 6, out=x)
    if function == "relu":
        return np.maximum(x, 0, out=x)
    if function == "gelu":
        from scipy.special import erf

        return x * np.float32(0.5) * (1 + erf(x * np.float32(0.5**0.5)))
    if function == "none":
        return x
    raise InputError("executor: activation", "relu, relu6, gelu or none", function)


def conv_nhwc(x: Floats, conv: ConvGeometry, weights: Floats, bias: Floats) -> Floats:
    """Convolution of an NHWC input with B matrices; NHWC is what a GEMM of im2col rows gives, so nothing is moved."""
    if conv.groups == conv.in_channels == conv.out_channels and conv.groups > 1:
        out = _depthwise_nhwc(x, conv, weights)
    elif conv.kernel == conv.stride == (1, 1) and not any(conv.padding) and conv.groups == 1:
        out = x.reshape(-1, conv.k) @ weights[0]
    else:
        out = np.moveaxis(im2col(x.transpose(0, 3, 1, 2), conv) @ weights, 0, 1).reshape(conv.m, -1)
    out += bias
    return out.reshape(conv.batch, conv.out_height, conv.out_width, conv.out_channels)


def _depthwise_nhwc(x: Floats, conv: ConvGeometry, weights: Floats) -> Floats:
    """One multiply-add of whole planes per kernel position: fast because channels lie side by side."""
    top, left, bottom, right = conv.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    (sh, sw), (dh, dw), (rows, columns) = conv.stride, conv.dilation, (conv.out_height, conv.out_width)
    taps = weights.reshape(conv.groups, *conv.kernel)
    out = np.zeros((conv.batch, rows, columns, conv.groups), dtype=np.float32)
    product = np.empty_like(out)
    for ky, kx in np.ndindex(*conv.kernel):
        window = padded[:, ky * dh :: sh, kx * dw :: sw][:, :rows, :columns]
        np.multiply(window, taps[:, ky, kx], out=product)
        out += product
    return out.reshape(-1, conv.groups)


def run_cnn(
    workload: Workload, weights: dict[str, Floats], bias: dict[str, Floats], x: NDArray, recording: Recording
) -> Floats:
    """Forward pass of a network of convolutions, sums of two (``*.add``), one global average (``avgpool``) and linears.

    ``x`` is NCHW float32. The result is that of the last operator, ``(batch, classes)``.
    """
    first = workload.operators[0]
    if first.conv is None or x.shape != first.conv.input_shape:
        raise InputError(f"{workload.name}: input", f"shape {first.conv and first.conv.input_shape}", x.shape)
    values: dict[str, Floats] = {}
    image = np.ascontiguousarray(x.transpose(0, 2, 3, 1), dtype=np.float32)
    for op in workload:
        sources = [values[name] for name in op.inputs] or [image]
        values[op.name] = _run_operator(op, sources, weights, bias, recording)
    return values[workload.operators[-1].name]


def _run_operator(
    op: Operator, sources: list[Floats], weights: dict[str, Floats], bias: dict[str, Floats], recording: Recording
) -> Floats:
    if op.conv is not None:
        recording[op.name] = sources[0].transpose(0, 3, 1, 2)
        return activate(conv_nhwc(sources[0], op.conv, weights[op.name], bias[op.name]), op.activation)
    if op.kind == "linear":
        recording[op.name] = sources[0][None]
        return activate(sources[0] @ weights[op.name][0] + bias[op.name], op.activation)
    if op.name == "avgpool":
        return sources[0].mean(axis=(1, 2))
    return sources[0] + sources[1]
