"""``hwsim report`` end to end, and what it says of folders that hold no report."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("pyarrow")

from sweep_folder import make_folder  # noqa: E402

from hwsim.cli import main  # noqa: E402
from hwsim.sweep.store import PARTS, Store  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("sweep"), rows="[2, 0]")


def test_the_page(folder, tmp_path, capfd):
    file = tmp_path / "r.html"
    argv = ["report", str(folder), "-o", str(file)]
    assert main(argv) == 0
    output, errors = capfd.readouterr()
    assert errors == "" and "8 points" in output and "8 failed" in output
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(argv) == 2
    assert "--force" in capfd.readouterr().err
    before = file.read_bytes()
    assert main([*argv, "--force"]) == 0
    assert file.read_bytes() == before
    capfd.readouterr()
    assert main([*argv, "--force", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["points"], found["failed"]) == (8, 8) and found["files"] == {str(file): len(before)}


@pytest.mark.slow
def test_pdf_and_png(folder, tmp_path, capfd):
    files = {kind: tmp_path / f"r.{kind}" for kind in ("pdf", "png")}
    argv = ["report", str(folder), "-o", str(tmp_path / "r.html"), "--force"]
    for kind, file in files.items():
        argv += [f"--{kind}", str(file)]
    assert main(argv) == 0
    before = {kind: file.read_bytes() for kind, file in files.items()}
    assert before["pdf"].startswith(b"%PDF") and before["pdf"].count(b"/Type /Page ") == 2
    assert before["png"].startswith(b"\x89PNG")
    assert main(argv) == 0
    assert {kind: file.read_bytes() for kind, file in files.items()} == before


@pytest.mark.parametrize("spoil", ["missing", "empty", "no points", "broken", "only errors", "description"])
def test_folders_without_a_report(spoil, tmp_path, capfd):
    folder = tmp_path / "x"
    if spoil not in ("missing", "broken", "only errors", "description"):
        folder.mkdir()
    if spoil == "no points":
        with Store(folder) as store:
            store.describe({})
    if spoil in ("broken", "description", "only errors"):
        made = make_folder(tmp_path, rows="[0, 300]" if spoil == "only errors" else "[2]")
        folder = made
        if spoil == "broken":
            next((made / PARTS).glob("*.parquet")).write_bytes(b"PAR1 no")
        if spoil == "description":
            (made / "sweep.json").write_text(json.dumps([1]))
    assert main(["report", str(folder), "-o", str(tmp_path / "r.html")]) == 2
    output, errors = capfd.readouterr()
    assert output == "" and errors.count("\n") == 1 and str(folder) in errors
    assert not (tmp_path / "r.html").exists()
