"""ONNX models as workloads: ``workload, weights = import_onnx("net.onnx", dims={"batch": 1})`` (extra ``onnx``).

* GEMMs: Conv (1-D and 2-D, grouped, depthwise, dilated), Gemm, MatMul (weights on either side, or both operands
  activations: kind ``matmul``, batch dimensions as groups).
* Folded into the GEMM before them, when they are its only reader: BatchNormalization (scales the weights), Relu and
  Clip to 0..6 (become ``activation``).
* Free, because the reader can address through them: Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout, Cast,
  Transpose, Slice, Split. Constants are folded.
* Everything else that is known (element-wise, pooling, norms, softmax, reductions, concatenation, gathers) is
  ``traffic``. Operators that are not known are refused, or counted as traffic on request.

Weights are ``(groups, K, N)`` float32 with K in the order of ``im2col``. Biases are not part of a workload.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .graph import Operator, Workload
from .onnx_gemm import Weights, conv_operator, matmul_operator, weight_scale
from .onnx_read import OnnxNetwork, read_network

FREE = frozenset("Reshape Flatten Squeeze Unsqueeze Identity Dropout Cast Transpose Slice Split".split())
GEMMS = frozenset({"Conv", "Gemm", "MatMul"})
TRAFFIC = frozenset(
    (
        "Abs Add And ArgMax ArgMin AveragePool BatchNormalization Ceil Celu Clip Concat ConstantOfShape Cos CumSum "
        "DepthToSpace DequantizeLinear Div Elu Equal Erf Exp Expand Floor Gather GatherElements GatherND Gelu "
        "GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish "
        "InstanceNormalization LRN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization Max "
        "MaxPool Mean Min Mish Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow QuantizeLinear RMSNormalization Range "
        "Reciprocal ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Resize "
        "Round ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Size Softmax Softplus Softsign SpaceToDepth Sqrt "
        "Sub Sum Swish Tan Tanh ThresholdedRelu Tile TopK Trilu Upsample Where Xor"
    ).split()
)


def import_onnx(
    path: str | Path, *, dims: Mapping[str, int] | None = None, unsupported: str = "refuse"
) -> tuple[Workload, Weights]:
    """Workload and weights of an ONNX file.

    Args:
        path: the file; external data is looked for beside it.
        dims: values of the dimensions that the file leaves open, by name or by place (``"x.0"`` = axis 0 of input x).
        unsupported: ``"refuse"`` raises on operators that are not known, naming them; ``"traffic"`` counts their bytes.

    Raises:
        InputError: missing, truncated or foreign file, open dimensions, missing external data, unknown operators,
            shapes that cannot be inferred.
    """
    if unsupported not in ("refuse", "traffic"):
        raise InputError("unsupported", '"refuse" or "traffic"', unsupported)
    network = read_network(path, dims)
    strange = Counter(node.op_type for node in network.nodes if not _is_known(node))
    if strange and unsupported == "refuse":
        listed = ", ".join(f"{name} ({count}x)" for name, count in sorted(strange.items()))
        raise InputError(str(path), 'operators that are supported (or unsupported="traffic")', listed)
    return _Walk(network).run()


def _is_known(node: Any) -> bool:
    return node.domain in ("", "ai.onnx") and node.op_type in FREE | GEMMS | TRAFFIC


class _Walk:
    """Turns nodes into operators in one pass; ``makers`` maps a tensor to the operators that it comes from."""

    def __init__(self, network: OnnxNetwork):
        self.network = network
        self.operators: dict[str, Operator] = {}
        self.weights: Weights = {}
        self.makers: dict[str, tuple[str, ...]] = dict.fromkeys(network.shapes, ())
        self.gemm_of: dict[str, str] = {}  # output tensor of a GEMM (and what was folded into it) -> operator
        self.readers = Counter(name for node in network.nodes for name in node.input)

    def run(self) -> tuple[Workload, Weights]:
        for node in self.network.nodes:
            self._visit(node)
        workload = Workload(name=self.network.name, operators=tuple(self.operators.values()))
        with np.errstate(over="ignore"):
            return workload, {name: np.ascontiguousarray(w, dtype=np.float32) for name, w in self.weights.items()}

    def _visit(self, node: Any) -> None:
        sources = tuple(dict.fromkeys(m for name in node.input if name for m in self.makers.get(name, ())))
        standard = node.domain in ("", "ai.onnx")
        if standard and node.op_type in FREE:
            self._made(node, sources)
        elif standard and node.op_type in GEMMS:
            self._gemm(node, sources)
        elif not (standard and self._fold(node)):
            self._traffic(node, sources)

    def _made(self, node: Any, makers: tuple[str, ...]) -> None:
        for name in node.output:
            self.makers[name] = makers

    def _name(self, node: Any) -> str:
        base = name = node.name or node.output[0]
        count = 1
        while name in self.operators:
            count += 1
            name = f"{base}#{count}"
        return name

    def _gemm(self, node: Any, sources: tuple[str, ...]) -> None:
        name = self._name(node)
        make = conv_operator if node.op_type == "Conv" else matmul_operator
        operator, weights = make(self.network, node, name, sources)
        self.operators[name] = operator
        if weights is not None:
            self.weights[name] = weights
        self._made(node, (name,))
        self.gemm_of[node.output[0]] = name

    def _fold(self, node: Any) -> bool:
        """Fold a norm or an activation into the GEMM before it; False when that is not possible."""
        tensor = node.input[0]
        name = self.gemm_of.get(tensor)
        if name is None or self.readers[tensor] != 1 or tensor in self.network.outputs:
            return False
        operator = self.operators[name]
        function = _activation(self.network, node)
        if operator.activation != "none":
            return False
        if node.op_type == "BatchNormalization" and operator.kind == "conv":
            scale = weight_scale(self.network, node)
            if scale is None:
                return False
            self.weights[name] = self.weights[name] * scale.reshape(operator.groups, 1, operator.n)
        elif function is not None:
            from dataclasses import replace

            self.operators[name] = replace(operator, activation=function)
        else:
            return False
        self._made(node, (name,))
        self.gemm_of[node.output[0]] = name
        return True

    def _traffic(self, node: Any, sources: tuple[str, ...]) -> None:
        name, network = self._name(node), self.network
        written = sum(network.elements(output) for output in node.output if output and output in network.shapes)
        if node.op_type == "Gather":  # reads the rows that it picks, not the whole table
            read = written
        else:
            read = sum(network.elements(i) for i in node.input if i and i not in network.constants)
        self.operators[name] = Operator(
            name=name, kind="traffic", inputs=sources, input_elements=read, output_elements=written
        )
        self._made(node, (name,))


def _activation(network: OnnxNetwork, node: Any) -> str | None:
    """Name of the fused activation that a node is, or None."""
    if node.op_type == "Relu":
        return "relu"
    if node.op_type != "Clip":
        return None
    bounds: dict[str, float] = {a.name: a.f for a in node.attribute}
    for index, name in ((1, "min"), (2, "max")):
        if len(node.input) > index and node.input[index] in network.constants:
            bounds[name] = float(np.asarray(network.constants[node.input[index]]).reshape(()))
    if bounds.get("min") == 0:
        return {6.0: "relu6", None: "relu"}.get(bounds.get("max"))
    return None
