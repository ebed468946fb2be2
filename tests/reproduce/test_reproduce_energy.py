"""``hwsim reproduce energy``: rows, what must agree, the published energies in our ranges, files, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwsim.cli import main
from hwsim.energy.written import trees_of
from hwsim.reproduce.energy import PARTS, pe_tree
from hwsim.reproduce.published import load_published

SHORT = ["--set", "card.prompt=16", "--set", "card.tokens=2"]


def test_parts_of_the_published_pe_add_up() -> None:
    published = load_published("energy")
    parts = {key: published[key].value or 0.0 for key in PARTS}
    assert published["total"].value == pytest.approx(sum(parts.values()), rel=1e-6)
    assert published["mac share"].value == pytest.approx(100 * parts["mac"] / sum(parts.values()), rel=1e-3)


def test_counts_are_priced_in_our_ranges() -> None:
    tree, published = pe_tree("45nm"), load_published("energy")
    assert 1e9 * tree.components["reg"] == pytest.approx(published["reg"].value, rel=1e-4)  # both are Aladdin's
    for key in PARTS:
        low, high = (1e9 * sum(leaf.bounds[side] for leaf in tree.leaves if leaf.component == key) for side in (0, 1))
        assert low <= (published[key].value or 0.0) <= high, key


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["reproduce", "energy", *SHORT, "--set", "energy.technology=28nm", "--json", "-o", str(out)]) == 0
    rows = {row["quantity"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert len(rows) == len(load_published("energy"))
    register = rows["Eyeriss v2 PE: operand register, nJ"]
    assert register["error_percent"] == pytest.approx(-49.3, abs=0.1)  # 28 nm beside 45 nm
    assert "at rest" in (out / "table.txt").read_text()
    assert len(list(trees_of(json.loads((out / "result.json").read_text())))) == 3
    assert main(["reproduce", "energy", "--set", "energy.technology=5nm"]) == 2
