"""Reads an ONNX file into nodes whose every shape and constant is known: the ground that ``onnx_import`` stands on.

Trick, *fold as you infer*: nodes are visited once in their order; a node whose inputs are all constants is evaluated on
the spot, and any other node is inferred with the values of its small constant inputs. So the shape arithmetic
that exporters leave behind (Shape, Gather, Concat, Reshape) resolves in one pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_SMALL = 4096  # constants up to this many elements may decide a shape
_LARGEST_FOLD = 1 << 28  # elements that constant inputs of a folded node may have together
_NOT_FOLDED = frozenset("If Loop Scan RandomNormal RandomUniform RandomNormalLike RandomUniformLike".split())


@dataclass
class OnnxNetwork:
    """A network ready to be walked.

    ``nodes`` are NodeProtos that are left after folding; ``shapes`` and ``constants`` are by tensor name.
    """

    name: str
    place: str
    nodes: list[Any] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    constants: dict[str, NDArray] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset()

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Shape of a tensor; ``InputError`` when inference could not find it."""
        if tensor in self.constants:
            return self.constants[tensor].shape
        if tensor not in self.shapes:
            raise InputError(f"{self.place}: tensor {tensor}", "a shape that can be inferred", "unknown")
        return self.shapes[tensor]

    def elements(self, tensor: str) -> int:
        """Number of elements of a tensor."""
        return int(np.prod(self.shape(tensor), dtype=np.int64))


def require_onnx() -> Any:
    """The ``onnx`` package, or an ``InputError`` with the pip command."""
    try:
        import onnx
        import onnx.numpy_helper
        import onnx.reference
        import onnx.shape_inference
    except ImportError:
        raise InputError("ONNX import", "the package: pip install onnx", "not installed") from None
    return onnx


def load_model(path: str | Path) -> Any:
    """The ModelProto of a file with its external data; ``InputError`` when missing, cut short or not ONNX."""
    onnx = require_onnx()
    decode_error = import_module("google.protobuf.message").DecodeError
    file = Path(path)
    if not file.is_file():
        raise InputError(str(file), "an existing ONNX file", "no such file")
    try:
        model = onnx.load(str(file), format="protobuf", load_external_data=False)
    except decode_error:
        raise InputError(str(file), "an ONNX model", "a file cut short or of another format") from None
    if not model.graph.node or not model.opset_import:
        raise InputError(str(file), "an ONNX model with nodes and an opset", "a file without them")
    for node in model.graph.node:  # damaged text comes out of protobuf as bytes
        if not all(isinstance(text, str) for text in (node.op_type, node.domain, node.name, *node.input, *node.output)):
            raise InputError(str(file), "an ONNX model", "a damaged file: names that are not text")
        if not node.output:
            raise InputError(f"{file}: node {node.name or node.op_type}", "at least one output", "none")
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(file.parent))
    except Exception as error:  # onnx raises its own checker's errors, OSErrors and ValueErrors here
        raise InputError(f"{file}: external data", "a readable file beside the model", str(error)) from None
    return model


def read_network(path: str | Path, dims: Mapping[str, int] | None = None) -> OnnxNetwork:
    """Load, give values to named dimensions, fold constants, infer all shapes.

    ``dims`` maps a dimension's name to its value; ``"x.0"`` (input, axis) names one without a name, and tells apart
    those that share a name.
    """
    onnx = require_onnx()
    model = load_model(path)
    graph = model.graph
    network = OnnxNetwork(name=graph.name or Path(path).stem, place=str(path))
    network.outputs = frozenset(output.name for output in graph.output)
    for initialiser in graph.initializer:
        network.constants[initialiser.name] = _array(network, initialiser)
    if graph.sparse_initializer:
        raise InputError(f"{path}: initialisers", "dense initialisers", "sparse ones")
    types: dict[str, Any] = {name: _type_of(array) for name, array in network.constants.items()}
    for value in graph.input:
        if value.name not in network.constants:
            types[value.name] = value.type
    _give_values(network, [value for value in graph.input if value.name not in network.constants], dict(dims or {}))
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    known = _known_types(onnx, model)
    for node in graph.node:
        _visit(onnx, network, node, types, known, opsets)
    return network


def _array(network: OnnxNetwork, tensor: Any) -> NDArray:
    try:
        return require_onnx().numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        wanted = "as many values as its shape says"
        raise InputError(f"{network.place}: constant {tensor.name}", wanted, str(error)) from None


def _type_of(array: NDArray) -> Any:
    onnx = require_onnx()
    return onnx.helper.make_tensor_type_proto(onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def _give_values(network: OnnxNetwork, inputs: list[Any], dims: dict[str, int]) -> None:
    unused = set(dims)
    for value in inputs:
        shape = []
        if not value.type.tensor_type.HasField("shape"):
            raise InputError(f"{network.place}: input {value.name}", "a tensor of known rank", "no shape")
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value") or dim.dim_value < 1:
                own = f"{value.name}.{axis}"
                name = own if own in dims or not dim.dim_param else dim.dim_param
                if name not in dims:
                    wanted = f"a value for the dimension {name!r} (dims={{{name!r}: 1}})"
                    raise InputError(f"{network.place}: input {value.name}, axis {axis}", wanted, "none")
                if not isinstance(dims[name], int) or dims[name] < 1:
                    raise InputError(f"dims: {name}", "an int >= 1", dims[name])
                dim.dim_value = dims[name]
                unused.discard(name)
            shape.append(dim.dim_value)
        network.shapes[value.name] = tuple(shape)
    if unused:
        raise InputError(f"{network.place}: dims", "names of dimensions without a value", ", ".join(sorted(unused)))


def _known_types(onnx: Any, model: Any) -> dict[str, Any]:
    """Types of the file's own notes: the fallback behind operators that cannot be inferred."""
    values = [*model.graph.value_info, *model.graph.output]
    return {value.name: value.type for value in values if _static_shape(value.type) is not None}


def _static_shape(kind: Any) -> tuple[int, ...] | None:
    if not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    dims = kind.tensor_type.shape.dim
    return tuple(dim.dim_value for dim in dims) if all(dim.HasField("dim_value") for dim in dims) else None


def _visit(
    onnx: Any, network: OnnxNetwork, node: Any, types: dict[str, Any], known: dict[str, Any], opsets: dict[str, int]
) -> None:
    """Fold one node into constants, or keep it and learn the types of its outputs."""
    folded = _fold(onnx, network, node, opsets)
    if folded is not None:
        for name, array in zip(node.output, folded, strict=False):
            network.constants[name] = array
            types[name] = _type_of(array)
        return
    network.nodes.append(node)
    for name, kind in _infer(onnx, network, node, types, opsets).items():
        types[name] = kind
    for name in node.output:
        shape = _static_shape(types[name]) if name in types else None
        if shape is None and name in known:
            types[name] = known[name]
            shape = _static_shape(known[name])
        if shape is not None:
            network.shapes[name] = shape


def _fold(onnx: Any, network: OnnxNetwork, node: Any, opsets: dict[str, int]) -> list[NDArray] | None:
    """Values of a node that does not depend on the network's inputs, else None."""
    if node.op_type == "Shape" and node.input and node.input[0] in network.shapes:
        attributes = {a.name: a.i for a in node.attribute}
        shape = network.shapes[node.input[0]][attributes.get("start", 0) : attributes.get("end", None)]
        return [np.array(shape, dtype=np.int64)]
    inputs = [name for name in node.input if name]
    if node.domain not in ("", "ai.onnx") or node.op_type in _NOT_FOLDED:
        return None
    if not all(name in network.constants for name in inputs) or (not inputs and node.op_type != "Constant"):
        return None
    if sum(network.constants[name].size for name in inputs) > _LARGEST_FOLD:
        return None
    try:
        evaluator = onnx.reference.ReferenceEvaluator(node, opsets=opsets)
        return [np.asarray(value) for value in evaluator.run(None, {name: network.constants[name] for name in inputs})]
    except Exception as error:  # the reference evaluator raises whatever its NumPy code raises
        place = f"{network.place}: node {node.name or node.output[0]}"
        raise InputError(place, f"a {node.op_type} of constants that can be evaluated", str(error)) from None


def _infer(
    onnx: Any, network: OnnxNetwork, node: Any, types: dict[str, Any], opsets: dict[str, int]
) -> dict[str, Any]:
    """Types of a node's outputs from those of its inputs; empty for operators that ONNX itself does not define."""
    if not all(name in types for name in node.input if name):
        return {}
    try:
        version = opsets.get(node.domain, opsets.get("ai.onnx", 1) if not node.domain else 1)
        schema = onnx.defs.get_schema(node.op_type, version, node.domain)
    except onnx.defs.SchemaError:
        return {}
    small = {
        name: onnx.numpy_helper.from_array(network.constants[name], name)
        for name in node.input
        if name in network.constants and network.constants[name].size <= _SMALL
    }
    given = {name: types[name] for name in node.input if name}
    try:
        return onnx.shape_inference.infer_node_outputs(
            schema, node, given, small, opset_imports=list(onnx.helper.make_opsetid(d, v) for d, v in opsets.items())
        )
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, TypeError, ValueError) as error:
        place = f"{network.place}: node {node.name or node.output[0]}"
        raise InputError(place, f"inputs that fit a {node.op_type}", str(error)) from None
