"""``hwsim energy``: text, sources, JSON, comparison by name, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwsim.cli import main
from hwsim.energy import ActionCount, EnergyTree, of_bytes


def written(path: Path) -> str:
    def tree(macs: int) -> dict[str, object]:
        return EnergyTree.of([ActionCount(component="PE", action="mac", count=macs, cost="mac.int8"),
                              of_bytes("DRAM", "read", 100, cost="dram.ddr4")]).to_dict()

    path.write_text(json.dumps({"energy": tree(1000), "layers": [{"energy": tree(1000)}],
                                "baseline_energy": {"dense": tree(4000)}}))
    return str(path)


def test_shows_trees_with_sources(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "result.json")
    assert main(["energy", path, "--sources"]) == 0
    text = capsys.readouterr().out
    assert "layers[0]" not in text and "baseline_energy.dense" in text
    assert "  mac" in text and "Horowitz" in text and "0.3" in text
    assert main(["energy", path, "--tree", "layers[0].energy", "--json"]) == 0
    leaves = json.loads(capsys.readouterr().out)[0]["leaves"]
    assert [leaf["action"] for leaf in leaves] == ["mac", "read"] and leaves[0]["energy"] == pytest.approx(3e-10)


def test_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "result.json")
    gain = (4000 * 0.3 + 800 * 28) / (1000 * 0.3 + 800 * 28)
    for places in ([], ["energy", "baseline_energy.dense"]):
        assert main(["energy", path, "--compare", *places, "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out).values()
        assert found["nominal"] == pytest.approx(gain) and found["sign_holds"]
    assert main(["energy", path, "--compare"]) == 0
    assert "holds" in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "told"), [
    (["--tree", "nowhere"], "--tree: wanted one of 'energy', 'baseline_energy.dense', got nowhere"),
    (["--compare", "energy"], "--compare: wanted no place, or two"),
])
def test_refuses_in_one_line(arguments: list[str], told: str, tmp_path: Path,
                             capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["energy", written(tmp_path / "result.json"), *arguments]) == 2
    assert told in capsys.readouterr().err


def test_refuses_files_without_trees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text, told in (("{}", "energy tree"), ("{", "a result in JSON")):
        (tmp_path / "x.json").write_text(text)
        assert main(["energy", str(tmp_path / "x.json")]) == 2
        assert told in capsys.readouterr().err
    assert main(["energy", str(tmp_path / "none.json")]) == 2
