"""ONNX import: GEMMs of imported models against ONNX's own reference evaluator, folding, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwsim.errors import InputError
from hwsim.workload import conv_output, im2col
from hwsim.workload.onnx_import import import_onnx

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
reference = pytest.importorskip("onnx.reference")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
FLOAT = onnx.TensorProto.FLOAT
RNG = np.random.default_rng(7)


def save(path: Path, nodes: list, inputs: dict, constants: dict) -> str:
    """A model of these nodes; its output is y, of no stated shape."""
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.save(model, path)
    return str(path)


def evaluate(path: str, **feeds: np.ndarray) -> np.ndarray:
    return reference.ReferenceEvaluator(path).run(None, feeds)[0]


def values(*shape: int) -> np.ndarray:
    return RNG.integers(-4, 5, shape).astype(np.float32)


CONVS = {
    "plain": ((2, 3, 7, 6), (4, 3, 3, 3), {}),
    "strided, padded": ((1, 4, 8, 9), (6, 4, 3, 2), {"strides": [2, 3], "pads": [1, 0, 2, 1]}),
    "dilated": ((1, 2, 9, 9), (3, 2, 3, 3), {"dilations": [2, 3], "pads": [2, 3, 2, 3]}),
    "grouped": ((2, 6, 5, 5), (4, 3, 3, 3), {"group": 2, "pads": [1, 1, 1, 1]}),
    "depthwise": ((1, 5, 6, 6), (5, 1, 3, 3), {"group": 5, "strides": [2, 2]}),
    "same upper": ((1, 2, 8, 8), (3, 2, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "same lower": ((1, 2, 8, 8), (3, 2, 3, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    "one-dimensional": ((2, 3, 12), (4, 3, 5), {"strides": [2], "pads": [2, 1]}),
}


@pytest.mark.parametrize("case", CONVS)
def test_conv_is_the_gemm_of_im2col(case: str, tmp_path: Path) -> None:
    shape, kernel, attributes = CONVS[case]
    w, x = values(*kernel), values(*shape)
    node = helper.make_node("Conv", ["x", "w"], ["y"], **attributes)
    path = save(tmp_path / "m.onnx", [node], {"x": shape}, {"w": w})
    workload, weights = import_onnx(path)
    (operator,) = workload
    assert operator.conv is not None
    z = im2col(x.reshape(operator.conv.input_shape), operator.conv) @ weights["y"]
    wanted = evaluate(path, x=x)
    assert np.array_equal(conv_output(z, operator.conv).reshape(wanted.shape), wanted)


def test_gemm_and_matmul_with_weights(tmp_path: Path) -> None:
    x, w, v = values(3, 8), values(5, 8), values(5, 2)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "c"], ["h"], transB=1, alpha=0.5, name="fc1"),
        helper.make_node("MatMul", ["h", "v"], ["y"], name="fc2"),
    ]
    path = save(tmp_path / "m.onnx", nodes, {"x": x.shape}, {"w": w, "v": v, "c": np.zeros(5, np.float32)})
    workload, weights = import_onnx(path)
    assert [(op.name, op.kind, op.m, op.k, op.n) for op in workload] == [
        ("fc1", "linear", 3, 8, 5), ("fc2", "linear", 3, 5, 2),
    ]  # fmt: skip
    assert workload["fc2"].inputs == ("fc1",)
    assert np.array_equal(x @ weights["fc1"][0] @ weights["fc2"][0], evaluate(path, x=x))


def test_weights_on_the_left_are_the_transposed_product(tmp_path: Path) -> None:
    x, w = values(4, 6), values(3, 4)
    path = save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["w", "x"], ["y"])], {"x": x.shape}, {"w": w})
    workload, weights = import_onnx(path)
    assert (workload["y"].m, workload["y"].k, workload["y"].n) == (6, 4, 3)
    assert np.array_equal((x.T @ weights["y"][0]).T, evaluate(path, x=x))


def test_batched_weights_are_groups_and_free_batches_are_rows(tmp_path: Path) -> None:
    w = values(4, 5, 6)
    path = save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (2, 4, 3, 5)}, {"w": w})
    workload, weights = import_onnx(path)
    op = workload["y"]
    assert (op.groups, op.m, op.k, op.n) == (4, 6, 5, 6)
    assert np.array_equal(weights["y"], w)


def attention_nodes() -> tuple[list, dict[str, np.ndarray]]:
    """Two heads of depth 4, shapes computed at run time as exporters do."""
    nodes = [helper.make_node("MatMul", ["x", f"w{p}"], [f"{p}0"], name=f"{p}_proj") for p in "qkv"]
    nodes += [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "first_two"], ["lead"], axis=0),
        helper.make_node("Concat", ["lead", "heads_depth"], ["split"], axis=0),
    ]
    for p in "qkv":
        nodes.append(helper.make_node("Reshape", [f"{p}0", "split"], [f"{p}1"]))
        perm = [0, 2, 3, 1] if p == "k" else [0, 2, 1, 3]
        nodes.append(helper.make_node("Transpose", [f"{p}1"], [p], perm=perm))
    nodes += [
        helper.make_node("MatMul", ["q", "k"], ["scores"], name="scores"),
        helper.make_node("Softmax", ["scores"], ["p"], name="softmax"),
        helper.make_node("MatMul", ["p", "v"], ["y"], name="values"),
    ]
    constants = {f"w{p}": values(8, 8) for p in "qkv"}
    return nodes, constants | {"first_two": np.array([0, 1]), "heads_depth": np.array([2, 4])}


def test_attention_with_open_dimensions(tmp_path: Path) -> None:
    nodes, constants = attention_nodes()
    path = save(tmp_path / "m.onnx", nodes, {"x": ("batch", "tokens", 8)}, constants)
    workload, weights = import_onnx(path, dims={"batch": 3, "tokens": 5})
    scores, mixed = workload["scores"], workload["values"]
    assert (scores.kind, scores.groups, scores.m, scores.k, scores.n) == ("matmul", 6, 5, 4, 5)
    assert (mixed.groups, mixed.m, mixed.k, mixed.n) == (6, 5, 5, 4)
    assert scores.inputs == ("q_proj", "k_proj") and mixed.inputs == ("softmax", "v_proj")
    assert set(weights) == {"q_proj", "k_proj", "v_proj"}
    assert workload["q_proj"].m == 15
    assert [op.name for op in workload if op.kind == "traffic"] == ["softmax"]


def test_norm_and_relu_fold_into_their_conv(tmp_path: Path) -> None:
    w = values(4, 3, 1, 1)
    zeros = np.zeros(4, np.float32)
    norm = {"s": values(4), "b": zeros, "mean": zeros, "var": np.full(4, 3, np.float32)}
    nodes = [
        helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(w)),
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("BatchNormalization", ["c", "s", "b", "mean", "var"], ["n"], epsilon=1.0),
        helper.make_node("Clip", ["n", "zero", "six"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], name="pool"),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Add", ["f", "f"], ["y"], name="sum"),
    ]
    constants = norm | {"zero": np.float32(0), "six": np.float32(6)}
    path = save(tmp_path / "m.onnx", nodes, {"x": (1, 3, 4, 4)}, constants)
    workload, weights = import_onnx(path)
    assert [op.name for op in workload] == ["conv", "pool", "sum"]
    assert workload["conv"].activation == "relu6"
    assert workload["sum"].input_elements == 8 and workload["sum"].inputs == ("pool",)
    x = values(1, 3, 4, 4)
    conv = workload["conv"].conv
    assert conv is not None
    z = conv_output(im2col(x, conv) @ weights["conv"], conv)
    wanted = evaluate(path, x=x)
    np.testing.assert_allclose(2 * np.clip(z, 0, 6).mean(axis=(2, 3)), wanted, rtol=1e-5)


def test_relu_with_another_reader_of_the_conv_is_traffic(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("Add", ["c", "r"], ["y"], name="add"),
    ]
    workload, _ = import_onnx(save(tmp_path / "m.onnx", nodes, {"x": (1, 2, 4, 4)}, {"w": values(2, 2, 1, 1)}))
    assert workload["conv"].activation == "none"
    assert workload["add"].inputs == ("conv", "relu")


def unknown_model(path: Path) -> str:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="fc"),
        helper.make_node("Hardmax", ["h"], ["y"], name="odd"),
    ]
    return save(path, nodes, {"x": (2, 4)}, {"w": values(4, 3)})


def test_unknown_operators_are_named_or_counted(tmp_path: Path) -> None:
    path = unknown_model(tmp_path / "m.onnx")
    with pytest.raises(InputError, match=r"Hardmax \(1x\)"):
        import_onnx(path)
    workload, _ = import_onnx(path, unsupported="traffic")
    assert workload["odd"].kind == "traffic" and workload["odd"].input_elements == 6
    with pytest.raises(InputError, match="refuse"):
        import_onnx(path, unsupported="ignore")


def test_embedding_reads_only_the_rows_it_picks(tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["i"], to=7), helper.make_node("Gather", ["t", "i"], ["y"], name="embed")]
    workload, _ = import_onnx(save(tmp_path / "m.onnx", nodes, {"x": (2, 3)}, {"t": values(100, 4)}))
    assert (workload["embed"].input_elements, workload["embed"].output_elements) == (24, 24)


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        (None, "dimension 'batch'"),
        ({"batch": 1}, "dimension 'x.1'"),
        ({"batch": 0, "x.1": 3}, "batch"),
        ({"batch": 1, "x.1": 4, "z": 2}, "z"),
    ],
)
def test_open_dimensions_need_values(dims: dict | None, message: str, tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], {"x": ("batch", None)}, {})
    with pytest.raises(InputError, match=message):
        import_onnx(path, dims=dims)


def test_dimensions_that_share_a_name_are_told_apart_by_place(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], {"x": ("?", "?")}, {})
    assert import_onnx(path, dims={"?": 2})[0]["y"].input_elements == 4
    assert import_onnx(path, dims={"?": 2, "x.1": 5})[0]["y"].input_elements == 10


def test_files_that_are_not_models_are_refused(tmp_path: Path) -> None:
    whole = Path(unknown_model(tmp_path / "m.onnx")).read_bytes()
    text, picture = b"hello, this is not a model\n" * 9, b"\x89PNG\r\n\x1a\n" * 4
    cases = {"cut": whole[: len(whole) // 2], "text": text, "empty": b"", "png": picture}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            import_onnx(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        import_onnx(tmp_path / "none.onnx")


def test_damage_is_refused_or_harmless(tmp_path: Path) -> None:
    """Any few wrong bytes give an InputError or a workload, never another error."""
    nodes, constants = attention_nodes()
    path, rng = tmp_path / "m.onnx", np.random.default_rng(5)
    whole = Path(save(path, nodes, {"x": (2, 3, 8)}, constants)).read_bytes()
    refused = 0
    for _ in range(100):
        damaged = bytearray(whole)
        for where in rng.integers(0, len(whole), 3):
            damaged[where] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            import_onnx(path)
        except InputError:
            refused += 1
    assert refused > 0


def test_missing_external_data_is_named(tmp_path: Path) -> None:
    model = onnx.load(unknown_model(tmp_path / "m.onnx"))
    onnx.save_model(model, tmp_path / "e.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    workload, weights = import_onnx(tmp_path / "e.onnx", unsupported="traffic")
    assert weights["fc"].shape == (1, 4, 3)
    (tmp_path / "w.bin").write_bytes(b"\0\0")
    with pytest.raises(InputError):
        import_onnx(tmp_path / "e.onnx", unsupported="traffic")
    (tmp_path / "w.bin").unlink()
    with pytest.raises(InputError, match="external data"):
        import_onnx(tmp_path / "e.onnx", unsupported="traffic")


@pytest.mark.parametrize(
    ("nodes", "constants", "message"),
    [
        ([("Conv", ["x", "x"])], {}, "constant weights"),
        ([("Conv", ["x", "w"])], {"w": np.zeros((2, 3, 1, 1), np.float32)}, "w|fit|groups|channel"),
        ([("MatMul", ["x", "w"])], {"w": np.zeros((3, 3), np.float32)}, "fit a MatMul"),
        ([("Reshape", ["x", "s"])], {"s": np.array([5, 5])}, "at least one operator"),
    ],
)
def test_models_that_do_not_fit_are_refused(nodes: list, constants: dict, message: str, tmp_path: Path) -> None:
    made = [helper.make_node(kind, inputs, ["y"]) for kind, inputs in nodes]
    path = save(tmp_path / "m.onnx", made, {"x": (1, 2, 4, 4)}, constants)
    with pytest.raises(InputError, match=message):
        import_onnx(path)
