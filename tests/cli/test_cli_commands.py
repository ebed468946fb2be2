"""The other commands, the top level, and the speed of import."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import hwsim
from hwsim.cli import main
from hwsim.cli.entry import COMMANDS


def output(capfd: pytest.CaptureFixture[str], *argv: str, status: int = 0) -> str:
    assert main(argv) == status
    text, errors = capfd.readouterr()
    assert errors == ""
    return text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    text = output(capfd, name, "--help")
    assert f"hwsim {name}" in text.split("example", 1)[1] and "--json" in text
    text.encode("ascii")


def test_help_lists_all_commands(capfd: pytest.CaptureFixture[str]) -> None:
    text = output(capfd, "--help")
    assert all(name in text and what in text for name, (_, what) in COMMANDS.items())


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert output(capfd, "--version") == f"hwsim {hwsim.__version__}\n"


def test_examples_of_the_help_can_be_parsed(capfd: pytest.CaptureFixture[str]) -> None:
    import shlex

    from hwsim.cli.arguments import ArgumentParser

    for name, (module, _) in COMMANDS.items():
        parser = ArgumentParser(prog=name)
        command = __import__(module, fromlist=["configure"])
        command.configure(parser)
        lines = [line.strip() for line in (parser.epilog or "").splitlines() if line.strip().startswith("hwsim ")]
        assert lines
        for line in lines:
            parser.parse_args(shlex.split(line.partition(" > ")[0], comments=True)[2:])


def test_zoo(capfd: pytest.CaptureFixture[str]) -> None:
    from hwsim.workload import zoo

    listed = json.loads(output(capfd, "zoo", "--json"))["networks"]
    assert {row["name"] for row in listed} == {zoo.build(name).name for name in zoo.names()}
    data = json.loads(output(capfd, "zoo", "resnet50", "--set", "batch=2", "--json"))
    assert data["macs"] == zoo.build("resnet50", batch=2).macs == sum(layer["macs"] for layer in data["layers"])
    assert "resnet50" in output(capfd, "zoo")
    assert f"{zoo.build('resnet50').macs:,}" in output(capfd, "zoo", "resnet50")


def test_formats(capfd: pytest.CaptureFixture[str]) -> None:
    argv = ("formats", "--density", "0.5", "--shape", "64x64")
    data = json.loads(output(capfd, *argv, "--json"))
    rows = {(row["format"], round(row["density"], 3)): row for row in data["formats"]}
    assert rows["dense", 0.5]["bits_per_element"] == 8 and rows["2:4", 0.5]["bits_per_element"] == 5
    assert rows["bitmap", 0.5]["bits"] == 64 * 64 * (4 + 1)
    assert output(capfd, *argv, "--json") == json.dumps(data, indent=2) + "\n"
    assert "bitmap" in output(capfd, *argv)


@pytest.mark.slow
def test_rtl(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("amaranth")
    argv = ("rtl", "nm_array", "--set", "rows=2", "--set", "cols=2", "--set", "ratios=[]")
    data = json.loads(output(capfd, *argv, "-o", str(tmp_path / "x.v"), "--json"))
    text = (tmp_path / "x.v").read_text()
    assert "module nm_array" in text and data["lines"] == text.count("\n") and "verilog" not in data
    assert data["configuration"]["rows"] == 2
    assert json.loads(output(capfd, *argv, "--json"))["verilog"] == text
    assert output(capfd, *argv) == text


@pytest.mark.parametrize("passed", [True, False])
@pytest.mark.parametrize("as_json", [True, False])
def test_verify_passes_its_arguments_on(passed: bool, as_json: bool, monkeypatch: pytest.MonkeyPatch,
                                        capfd: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    given: dict[str, Any] = {}

    def verify(family: str, settings: dict[str, Any], **options: Any) -> Any:
        given.update(options, family=family, settings=settings)
        failures = [] if passed else [{"seed": 3}]
        return types.SimpleNamespace(passed=passed, failures=failures, summary=lambda: "summary",
                                     configuration_lines=lambda: ["  rows=2"],
                                     to_dict=lambda: {"passed": passed})  # fmt: skip

    monkeypatch.setitem(sys.modules, "rtl.verify", types.SimpleNamespace(verify=verify))
    argv = ["verify", "nm_array", "--set", "rows=2", "--seed", "3", "--cases", "4", "--configurations", "5",
            "--engine", "cxxrtl", *(["--json"] if as_json else [])]  # fmt: skip
    text = output(capfd, *argv, status=0 if passed else 1)
    given.pop("progress")
    assert given == {"family": "nm_array", "settings": {"rows": 2}, "seed": 3, "cases": 4, "configurations": 5,
                     "engine": "cxxrtl"}  # fmt: skip
    if not as_json:
        assert text.startswith("summary\n  rows=2") and ('"seed": 3' in text) is not passed
        return
    data = json.loads(text)
    assert data["passed"] is passed and data["provenance"]["seed"] == 3
    assert data["provenance"]["inputs"]["settings"] == ["rows=2"]


@pytest.mark.slow
def test_verify(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("amaranth")
    argv = ("verify", "nm_array", "--set", "rows=2", "--set", "cols=2", "--cases", "2", "--engine", "amaranth")
    data = json.loads(output(capfd, *argv, "--json"))
    assert data["passed"] and data["rtl_cycles"] == data["model_cycles"] > 0
    assert "equal" in output(capfd, *argv)


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[2])  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", ["import hwsim", "import hwsim.cli", "import hwsim.cli.run"])
def test_import_is_light(statement: str) -> None:
    loaded = modules_after(statement)
    assert not loaded & {"numpy", "numba", "matplotlib", "scipy", "networkx", "amaranth", "mappers", "rtl"}


def test_import_takes_less_than_half_a_second() -> None:
    code = "import time; t = time.perf_counter(); import hwsim; print(time.perf_counter() - t)"
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                             cwd=Path(__file__).parents[2]).stdout)
        for _ in range(3)
    ]  # fmt: skip
    assert min(seconds) < 0.5


def test_every_public_name_can_be_imported() -> None:
    for name in hwsim.__all__:
        assert getattr(hwsim, name) is not None and name in dir(hwsim)
    with pytest.raises(AttributeError, match="nothing"):
        hwsim.nothing  # noqa: B018


def test_only_the_command_line_imports_mappers_and_rtl() -> None:
    root = Path(hwsim.__file__).parent
    for path in root.rglob("*.py"):
        if "cli" not in path.relative_to(root).parts:
            lines = [line.strip() for line in path.read_text().splitlines()]
            assert not [line for line in lines if line.startswith(("from rtl", "import rtl", "from mappers",
                                                                   "import mappers"))], path  # fmt: skip
