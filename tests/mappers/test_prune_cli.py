"""``hwsim accuracy`` from end to end: files, JSON, going on after Ctrl-C, clear errors."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwsim.cli.entry import main

ROOT = Path(__file__).parents[2]
SMALL = ["--networks", "vit", "--methods", "dense", "bdwp", "--ratios", "2:8", "--seeds", "3", "--epochs", "1"]
FILES = {"accuracy.png", "result.json", "table.txt", "vit-bdwp-2-8.npz"}


def without(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize("module", ["torch", pytest.param("sklearn", marks=pytest.mark.slow)])
def test_a_missing_package_is_one_line(module, monkeypatch, capsys):
    without(module, monkeypatch)
    if module == "sklearn":
        pytest.importorskip("torch")
    assert main(["accuracy", *SMALL]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "PyTorch and scikit-learn" in error and "hwsim[training]" in error


@pytest.mark.parametrize("wrong, message", [
    (["--ratios", "4:2"], "--ratios: wanted N:M with N at most M"), (["--ratios", "3:4"], "--ratios"),
    (["--ratios", "1:1"], "ratio of"), (["--methods", "magic"], "method: wanted"), (["--seeds", "0", "0"], "seeds"),
    (["--networks", "vgg"], "network"), (["--epochs", "0"], "epochs"), (["--workers", "0"], "--workers"),
    (["--ratios", "2:32"], "--ratios"),
])  # fmt: skip
def test_bad_input(wrong, message, capsys):
    assert main(["accuracy", *wrong]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and message in error


@pytest.mark.slow
def test_the_files_of_a_table(tmp_path, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    outs = []
    for name, workers in (("a", "1"), ("b", "2")):
        assert main(["accuracy", *SMALL, "-o", str(tmp_path / name), "--workers", workers, "--json"]) == 0
        outs.append(json.loads(capsys.readouterr().out))
        assert {file.name for file in (tmp_path / name).iterdir()} == FILES
    assert outs[0] == outs[1] == json.loads((tmp_path / "a" / "result.json").read_text())
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    origin = outs[0]["provenance"]
    assert origin["inputs"]["seeds"] == [3] and {"torch", "scikit-learn", "cpu"} <= set(origin["versions"])
    assert outs[0]["patterns"][0]["accuracy"] == outs[0]["trainings"][1]["accuracy"]
    assert main(["accuracy", *SMALL, "-o", str(tmp_path / "a")]) == 2
    assert "--force" in capsys.readouterr().err


def all_gone(group):
    """Whether no process of the group is left within a minute (the system takes a while to bury the dead)."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_ctrl_c_loses_no_finished_training_and_leaves_no_process(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    part = tmp_path / "out" / "trainings.part.json"
    command = [sys.executable, "-m", "hwsim", "accuracy", *SMALL[:-4], "--seeds", "0", "1", "2", "--epochs", "2",
               "--workers", "1", "-o", str(part.parent)]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        limit = time.monotonic() + 240
        while not part.exists() and time.monotonic() < limit:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == "hwsim: interrupted\n"
    assert all_gone(process.pid)
    before = json.loads(part.read_text())["scores"]
    assert {file.name for file in part.parent.iterdir()} == {part.name} and 1 <= len(before) < 6
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads((part.parent / "result.json").read_text())
    kept = {each["name"]: each["accuracy"] for each in result["trainings"]}
    assert len(kept) == 6 and not part.exists()
    assert {name: kept[name] for name in before} == {name: score["accuracy"] for name, score in before.items()}
