"""Every bad input: exit status 2, one line that names place, wanted and given, and nothing written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwsim.cli import main

GOOD = '[workload]\ngemm = "8x16x8"\n[pruning]\nratio = "2:4"\n[accelerator]\npreset = "small-4x4"\n'
GEMM = ["run", "--gemm", "8x16x8"]
Case = Callable[[Path], list[str]]


def experiment(text: str, *more: str) -> Case:
    """An experiment file of this text."""

    def build(folder: Path) -> list[str]:
        (folder / "x.toml").write_text(text)
        return ["run", str(folder / "x.toml"), *more]

    return build


def changed(*words: str) -> Case:
    """A good experiment with --set words."""
    return experiment(GOOD, *(part for word in words for part in ("--set", word)))


def binary(name: str, data: bytes, *arguments: str) -> Case:
    """A file of these bytes; FILE in the arguments is its path."""

    def build(folder: Path) -> list[str]:
        (folder / name).write_bytes(data)
        return [argument.replace("FILE", str(folder / name)) for argument in arguments]

    return build


def weights(array: np.ndarray, *arguments: str) -> Case:
    """A .npy of this array."""

    def build(folder: Path) -> list[str]:
        np.save(folder / "w.npy", array)
        return ["run", "--weights", str(folder / "w.npy"), *(arguments or ("--m-rows", "4"))]

    return build


def plain(*arguments: str) -> Case:
    return lambda folder: list(arguments)


def in_folder(*arguments: str) -> Case:
    """FOLDER in the arguments is the test's folder."""
    return lambda folder: [argument.replace("FOLDER", str(folder)) for argument in arguments]


def npy_header_only(folder: Path) -> list[str]:
    """A whole header that promises 4 TB, and no data."""
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    header = text.ljust(117) + "\n"
    (folder / "w.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    return ["run", "--weights", str(folder / "w.npy"), "--m-rows", "4"]


def onnx_model(op: str, *, keep: float = 1.0) -> Case:
    """An ONNX model of one operator, of which only a part of the bytes is kept."""

    def build(folder: Path) -> list[str]:
        onnx = pytest.importorskip("onnx")
        kind = onnx.TensorProto.FLOAT
        x = onnx.helper.make_tensor_value_info("x", kind, [4, 16])
        z = onnx.helper.make_tensor_value_info("z", kind, [4, 8])
        w = onnx.numpy_helper.from_array(np.ones((16, 8), np.float32), "w")
        graph = onnx.helper.make_graph([onnx.helper.make_node(op, ["x", "w"], ["z"])], "g", [x], [z], [w])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
        data = model.SerializeToString()
        (folder / "n.onnx").write_bytes(data[: int(len(data) * keep)])
        return ["run", "--onnx", str(folder / "n.onnx")]

    return build


def existing_results(folder: Path) -> list[str]:
    (folder / "out").mkdir()
    (folder / "out" / "result.json").write_text("{}")
    return [*GEMM, "-o", str(folder / "out")]


def below_a_file(folder: Path) -> list[str]:
    (folder / "file").write_text("")
    return [*GEMM, "-o", str(folder / "file" / "out")]


def existing_verilog(folder: Path) -> list[str]:
    (folder / "x.v").write_text("")
    return ["rtl", "nm_array", "--set", "preset=small-4x4", "-o", str(folder / "x.v")]


SPARSE = np.ones((16, 8), np.float32)
NAN = np.where(np.eye(16, 8) > 0, np.nan, SPARSE).astype(np.float32)

CASES: dict[str, tuple[Case, str]] = {
    # name: (arguments, what the line must say)
    "no command": (plain(), "COMMAND"),
    "unknown command": (plain("runn"), "one of run"),
    "unknown option": (plain("run", "--fast"), "--fast"),
    "option without value": (plain("run", "--gemm"), "--gemm"),
    "no workload": (plain("run"), "EXPERIMENT.toml"),
    "two workloads": (plain("run", "--gemm", "8x8x8", "--workload", "resnet9"), "gemm"),
    "file and option": (experiment(GOOD, "--gemm", "8x8x8"), "both"),
    "missing file": (in_folder("run", "FOLDER/none.toml"), "none.toml"),
    "directory for a file": (in_folder("run", "FOLDER"), "Is a directory"),
    "empty file": (experiment(""), "empty file"),
    "binary garbage": (binary("x.toml", b"\x00\xff\xfe\x80" * 9, "run", "FILE"), "UTF-8"),
    "broken TOML": (experiment("[workload\n"), "line 1"),
    "duplicate key": (experiment(GOOD + "rows = 4\nrows = 8\n"), "valid TOML"),
    "unknown section": (experiment(GOOD + "[tpu]\nx = 1\n"), "key 'tpu'"),
    "unknown key": (experiment(GOOD + "rowz = 4\n"), "did you mean 'rows'"),
    "wrong type": (changed('accelerator.rows="8"'), "accelerator.rows: wanted an integer"),
    "float for an int": (changed("accelerator.rows=8.0"), "an integer"),
    "zero rows": (changed("accelerator.rows=0"), "1 to 256"),
    "negative columns": (changed("cols=-4"), "accelerator.cols"),
    "N above M": (plain(*GEMM, "--set", "n=4", "--set", "m=2"), "N at most M, got 4:2"),
    "M no power of two": (plain(*GEMM, "--set", "n=2", "--set", "m=6"), "power of two"),
    "N without M": (plain(*GEMM, "--set", "n=2"), "n and m together"),
    "M too large": (changed("pruning.ratio=2:64"), "16"),
    "ratio of another form": (changed("pruning.ratio=half"), '"2:4"'),
    "ratio not in the configuration": (changed("pruning.ratio=1:16"), "pruning.ratio"),
    "pattern without a layer": (experiment(GOOD.replace('"2:4"', '"2:4"\nlayers = {"fc" = "1:1"}')), "fc"),
    "bare key of nothing": (changed("speed=3"), "speed"),
    "--set without a value": (changed("rows"), "key=value"),
    "--set twice": (changed("rows=4", "rows=8"), "once"),
    "clock of zero": (changed("clock_hz=0"), "clock_hz"),
    "infinite clock": (changed("clock_hz=inf"), "finite"),
    "unknown dataflow": (changed("dataflow=is"), "ws, os"),
    "unknown preset": (changed("accelerator=huge"), "sparse-32x32"),
    "unknown memory": (changed("memory=ddr9"), "ddr4"),
    "unknown family": (changed("family=tpu"), "nm_array"),
    "unknown baseline": (changed('baselines=["gpu"]'), "dense, systolic"),
    "unknown network": (plain("run", "--workload", "resnet51"), "resnet50"),
    "parameter of another source": (changed("workload.batch=2"), "batch"),
    "negative seed": (changed("pruning.seed=-1"), "seed"),
    "--gemm of two ranks": (plain("run", "--gemm", "8x8"), "MxKxN"),
    "--gemm of text": (plain("run", "--gemm", "axbxc"), "MxKxN"),
    "--gemm of zero": (plain("run", "--gemm", "0x8x8"), "workload.gemm"),
    "--gemm negative": (plain("run", "--gemm=-1x8x8"), "MxKxN"),
    "K of an accumulator that overflows": (plain("run", "--gemm", "8x200000x8"), "at most 131071"),
    "huge M and N": (plain("run", "--gemm", "2000000000x64x2000000000"), "memory"),
    "huge number of groups": (plain("run", "--gemm", "8x8x8x2000000000"), "memory"),
    "digits without end": (plain("run", "--gemm", "9" * 5000 + "x8x8"), "MxKxN"),
    "weights of one dimension": (weights(np.ones(8)), "2 dimensions"),
    "weights of three dimensions": (weights(np.ones((2, 3, 4))), "2 dimensions"),
    "weights with NaN": (weights(NAN), "finite"),
    "weights of text": (weights(np.array([["a"]])), "numbers"),
    "weights of none": (weights(np.ones((0, 4))), "at least one element"),
    "weights without rows": (weights(SPARSE, "--name", "w"), "--m-rows"),
    "weights with zero rows": (weights(SPARSE, "--m-rows", "0"), "m_rows"),
    "array of another name": (weights(SPARSE, "--m-rows", "4", "--name", "v"), "one of w"),
    "empty weights": (binary("w.npy", b"", "run", "--weights", "FILE", "--m-rows", "4"), "empty file"),
    "garbage weights": (binary("w.npz", b"PK\x03\x04nonsense", "run", "--weights", "FILE", "--m-rows", "4"), "NumPy"),
    "pickled weights": (weights(np.array([[{}]], dtype=object)), "w.npy"),
    "weights of 4 TB in a header": (npy_header_only, "w.npy"),
    "weights of another suffix": (binary("w.bin", b"x", "run", "--weights", "FILE", "--m-rows", "4"), ".npy"),
    "garbage safetensors": (
        binary("w.safetensors", b"\xff" * 64, "run", "--weights", "FILE", "--m-rows", "4"),
        "w.safetensors",
    ),
    "truncated ONNX": (onnx_model("MatMul", keep=0.6), "n.onnx"),
    "ONNX operator that is not known": (onnx_model("Frobnicate"), "Frobnicate (1x)"),
    "missing ONNX": (in_folder("run", "--onnx", "FOLDER/none.onnx"), "no such file"),
    "scalesim of zeros": (
        binary("t.csv", b"Layer, M, N, K,\na, 0, 4, 4,\n", "run", *"--set workload.scalesim=FILE".split()),
        "an int >= 1",
    ),
    "output below a file": (below_a_file, "file"),
    "existing results": (existing_results, "--force"),
    "existing Verilog": (existing_verilog, "--force"),
    "Verilog into a directory": (in_folder("rtl", "nm_array", "-o", "FOLDER"), "existing"),
    "Verilog of no family": (plain("rtl", "tpu"), "nm_array"),
    "Verilog of an unknown key": (plain("rtl", "nm_array", "--set", "rowz=3"), "did you mean 'rows'"),
    "verify no family": (plain("verify", "tpu"), "nm_array"),
    "verify on no engine": (plain("verify", "nm_array", "--engine", "modelsim"), "verilator"),
    "verify no cases": (plain("verify", "nm_array", "--cases", "0"), "--cases"),
    "verify with text for a number": (plain("verify", "nm_array", "--seed", "x"), "an integer, got x"),
    "formats of too many": (plain("formats", "--density", "1.5"), "0 to 1"),
    "formats of NaN": (plain("formats", "--density", "nan"), "0 to 1"),
    "formats of no bits": (plain("formats", "--value-bits", "0"), "--value-bits"),
    "formats of a huge shape": (plain("formats", "--shape", "999999x999999"), "elements"),
    "zoo without such a network": (plain("zoo", "resnet51"), "resnet50"),
    "zoo option of another network": (plain("zoo", "resnet50", "--set", "sequence=3"), "sequence"),
    "zoo option of text": (plain("zoo", "resnet50", "--set", "batch=x"), "an integer"),
}


def files_below(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def assert_one_line(text: str) -> None:
    assert text.count("\n") == 1 and text.endswith("\n"), text
    assert re.fullmatch(r"hwsim: .+: wanted .+, got .+\n", text), text


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                   capfd: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    build, said = CASES[name]
    monkeypatch.chdir(tmp_path)
    argv = build(tmp_path)
    before = files_below(tmp_path)
    assert main(argv) == 2
    output, errors = capfd.readouterr()
    assert output == ""
    assert_one_line(errors)
    assert said in errors
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("shape", ["2000000000x64x2000000000", "8x8x8x2000000000", "2000000000x131071x2000000000"])
def test_huge_shapes_are_refused_before_memory_is_taken(shape: str, capfd: pytest.CaptureFixture[str]) -> None:
    main([*GEMM, "--json"])  # imports and compiles
    tracemalloc.start()
    status = main(["run", "--gemm", shape])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert status == 2 and peak < 10 << 20
    assert_one_line(capfd.readouterr().err)


def test_ctrl_c_in_a_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                        capfd: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mappers.network.simulate_network", interrupted)
    assert main([*GEMM, "-o", str(tmp_path / "a" / "b")]) == 130
    assert capfd.readouterr().err == "hwsim: interrupted\n"
    assert files_below(tmp_path) == {}


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                  capfd: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    def full(descriptor: int) -> None:
        if any(tmp_path.rglob(".table.txt.*")):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main([*GEMM, "-o", str(tmp_path / "out")]) == 2
    errors = capfd.readouterr().err
    assert_one_line(errors)
    assert "No space left" in errors and files_below(tmp_path) == {}


def test_failed_rename_leaves_no_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                       capfd: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refused)
    assert main([*GEMM, "-o", str(tmp_path / "out")]) == 2
    assert_one_line(capfd.readouterr().err)
    assert files_below(tmp_path) == {}


def test_memory_that_runs_out_is_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 3 TiB")

    monkeypatch.setattr("mappers.network.simulate_network", no_room)
    assert main(GEMM) == 2
    assert_one_line(capfd.readouterr().err)


def hwsim(*argv: str, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hwsim", *argv]
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, **options)  # type: ignore


@pytest.mark.parametrize("name", ["zero rows", "unknown option", "missing file", "existing results"])
def test_real_process(name: str, tmp_path: Path) -> None:
    done = hwsim(*CASES[name][0](tmp_path), stdout=subprocess.PIPE)
    output, errors = done.communicate(timeout=120)
    assert (done.returncode, output) == (2, "")
    assert_one_line(errors)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("argv", [["zoo", "--json"], ["--help"]])
def test_full_standard_output(argv: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = hwsim(*argv, stdout=full)
        errors = done.communicate(timeout=120)[1]
    assert done.returncode == 2
    assert_one_line(errors)


@pytest.mark.slow
def test_closed_pipe_is_quiet() -> None:
    done = hwsim("formats", "--json", stdout=subprocess.PIPE)
    assert done.stdout is not None
    done.stdout.close()
    errors = done.communicate(timeout=120)[1]
    assert done.returncode == 141 and errors == ""


def test_real_ctrl_c(tmp_path: Path) -> None:
    endless = ["tile_depth=2048", "o_depth=4096", "mapper.exhaustive_depth=4096", "mapper.solved=4096"]
    changes = [word for change in endless for word in ("--set", change)]
    done = hwsim("run", "--gemm", "2048x4096x4096", *changes, "-o", str(tmp_path / "out"), stdout=subprocess.PIPE)
    for _ in range(600):
        if (tmp_path / "out").exists() or done.poll() is not None:
            break
        time.sleep(0.05)
    done.send_signal(signal.SIGINT)
    try:
        errors = done.communicate(timeout=60)[1]
    finally:
        done.kill()
    assert done.returncode == 130 and errors == "hwsim: interrupted\n"
    assert files_below(tmp_path) == {}


def test_ctrl_c_inside_an_exec_of_text(tmp_path: Path) -> None:
    """CPython would kill a program run by ``-m`` at exit although the interrupt was handled."""
    (tmp_path / "interrupted.py").write_text("import sys\nimport hwsim.cli.entry as entry\n"
                                             "entry._dispatch = lambda argv: exec('raise KeyboardInterrupt')\n"
                                             "sys.exit(entry.main(['zoo']))\n")
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    done = subprocess.run([sys.executable, "-m", "interrupted"], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": path}, check=False)
    assert (done.returncode, done.stderr) == (130, "hwsim: interrupted\n")
