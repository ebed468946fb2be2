"""A user's weight files: every format round-trips, every broken one is refused by name."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from hwsim.errors import InputError
from hwsim.workload import conv_weight_matrix
from hwsim.workload.weights_io import load_weights

W = np.arange(12, dtype=np.float32).reshape(3, 4)  # (out, in)


def test_npy_is_transposed_unless_it_is_kn(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", W.astype(np.int8))
    (loaded,) = load_weights(tmp_path / "w.npy").values()
    assert loaded.dtype == np.float32 and loaded.shape == (1, 4, 3)
    assert np.array_equal(loaded[0], W.T)
    assert np.array_equal(load_weights(tmp_path / "w.npy", layout="kn")["w"][0], W)


def test_npz_with_convolutions_and_biases(tmp_path: Path) -> None:
    conv = np.arange(72, dtype=np.float16).reshape(4, 2, 3, 3)
    np.savez(tmp_path / "w.npz", fc=W, conv=conv, bias=np.zeros(3))
    loaded = load_weights(tmp_path / "w.npz", other="skip", groups={"conv": 2})
    assert set(loaded) == {"fc", "conv"}
    assert np.array_equal(loaded["conv"], conv_weight_matrix(conv, 2))
    with pytest.raises(InputError, match=r"array bias.*shape \(3,\)"):
        load_weights(tmp_path / "w.npz")
    with pytest.raises(InputError, match="none_such"):
        load_weights(tmp_path / "w.npz", groups={"none_such": 2})


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr"])
def test_scipy_sparse_becomes_dense(kind: str, tmp_path: Path) -> None:
    sparse.save_npz(tmp_path / "s.npz", sparse.coo_array(W * (W % 3 == 0)).asformat(kind))
    assert np.array_equal(load_weights(tmp_path / "s.npz")["s"][0], (W * (W % 3 == 0)).T)


def test_safetensors_with_bfloat16(tmp_path: Path) -> None:
    numpy_format = pytest.importorskip("safetensors.numpy", reason="the extra safetensors is not installed")
    numpy_format.save_file({"fc": W, "half": W.astype(np.float16)}, tmp_path / "w.safetensors")
    loaded = load_weights(tmp_path / "w.safetensors")
    assert np.array_equal(loaded["fc"][0], W.T) and np.array_equal(loaded["half"][0], W.T)
    raw = (W.view(np.uint32) >> 16).astype("<u2").tobytes()
    header = json.dumps({"b": {"dtype": "BF16", "shape": [3, 4], "data_offsets": [0, len(raw)]}}).encode()
    (tmp_path / "b.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + raw)
    assert np.array_equal(load_weights(tmp_path / "b.safetensors")["b"][0], W.T)


def test_onnx_weights(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Gemm", ["x", "w"], ["y"], transB=1, name="fc")], "net",
        [onnx.helper.make_tensor_value_info("x", 1, (2, 4))], [onnx.helper.make_tensor_value_info("y", 1, None)],
        [onnx.numpy_helper.from_array(W, "w")],
    )  # fmt: skip
    opset = [onnx.helper.make_opsetid("", 20)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "m.onnx")
    assert np.array_equal(load_weights(tmp_path / "m.onnx")["fc"][0], W.T)


BAD_ARRAYS = {
    "complex": (W.astype(complex), "numbers"),
    "text": (np.array([["a", "b"]]), "numbers"),
    "vector": (np.zeros(3), r"2 dimensions.*shape \(3,\)"),
    "cube": (np.zeros((2, 2, 2)), "2 dimensions"),
    "empty": (np.zeros((0, 4)), "at least one element"),
    "nan": (np.where(W == 6, np.nan, W), r"\[1, 2\].*finite.*nan"),
    "inf": (np.where(W == 11, -np.inf, W), r"\[2, 3\].*finite.*-inf"),
    "too large": (np.full((2, 2), 1e300), "within float32"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_refused(case: str, tmp_path: Path) -> None:
    array, message = BAD_ARRAYS[case]
    np.save(tmp_path / "w.npy", array)
    with pytest.raises(InputError, match=message):
        load_weights(tmp_path / "w.npy")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="whole NumPy file"):
        load_weights(tmp_path / "w.npy")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors", ".onnx"])
def test_missing_empty_cut_and_foreign_files_are_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    with pytest.raises(InputError, match="no such file"):
        load_weights(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="an empty file"):
        load_weights(path)
    path.write_bytes(b"these are not weights at all\n" * 8)
    with pytest.raises(InputError, match="wanted"):
        load_weights(path)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
def test_cut_files_are_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    if suffix == ".safetensors":
        pytest.importorskip("safetensors.numpy").save_file({"w": W}, path)
    else:
        (np.save if suffix == ".npy" else np.savez)(path, W)
    whole = path.read_bytes()
    for keep in (len(whole) // 3, len(whole) - 8):
        path.write_bytes(whole[:keep])
        with pytest.raises(InputError, match="whole"):
            load_weights(path)


def test_bad_requests_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", W)
    with pytest.raises(InputError, match="layout"):
        load_weights(tmp_path / "w.npy", layout="mn")
    with pytest.raises(InputError, match="other"):
        load_weights(tmp_path / "w.npy", other="drop")
    with pytest.raises(InputError, match=r"w\.txt"):
        load_weights(tmp_path / "w.txt")
    np.savez(tmp_path / "b.npz", bias=np.zeros(3))
    with pytest.raises(InputError, match="at least one weight matrix"):
        load_weights(tmp_path / "b.npz", other="skip")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
def test_damage_is_refused_or_harmless(suffix: str, tmp_path: Path) -> None:
    """Any few wrong bytes give an InputError or numbers, never another error."""
    path, rng = tmp_path / f"w{suffix}", np.random.default_rng(11)
    if suffix == ".safetensors":
        pytest.importorskip("safetensors.numpy").save_file({"w": W}, path)
    else:
        (np.save if suffix == ".npy" else np.savez)(path, W)
    whole = path.read_bytes()
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for where in rng.integers(0, len(whole), 3):
            damaged[where] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            load_weights(path)
        except InputError:
            refused += 1
    assert refused > 0
