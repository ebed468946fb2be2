"""``hwsim run`` with a cache: example, table, JSON, figures, bad input."""

import json
from pathlib import Path

import pytest

from hwsim.cli import main
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.settings import load_toml

EXAMPLE = Path(__file__).parents[2] / "examples" / "kv.toml"
SMALL = ["--set", "workload.contexts=[256, 1024]", "--set", "workload.prompt=512", "--set", "workload.generate=4"]


def test_the_example_is_the_default():
    read = KvExperiment.from_mapping(load_toml(EXAMPLE), str(EXAMPLE))
    assert read == KvExperiment.from_mapping({"workload": {"kv": "llama2-7b"}})


@pytest.mark.slow
def test_files_table_and_json(tmp_path, capsys):
    out = tmp_path / "kv"
    assert main(["run", str(EXAMPLE), *SMALL, "-o", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "zeros skipped: faster than dense from 288 tokens on" in shown
    assert {file.name for file in out.iterdir()} == {"overview-0.5.png", "overview-0.7.png", "table.txt", "result.json"}
    assert (out / "overview-0.5.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "table.txt").read_text() == shown
    assert max(map(len, shown.splitlines())) <= 250
    data = json.loads((out / "result.json").read_text())
    assert [run["sparsity"] for run in data["runs"]] == [0.5, 0.7]
    assert list(data["runs"][0]["engines"]) == ["dense", "decoded", "skip"]
    assert [step["context"] for step in data["runs"][0]["engines"]["skip"]["steps"]] == [256, 1024]
    assert "synthetic" in data["patterns"] and data["provenance"]["inputs"]["workload"]["prompt"] == 512
    assert main(["run", str(EXAMPLE), *SMALL, "-o", str(out)]) == 2
    assert "wanted a name that is not taken" in capsys.readouterr().err


def test_json_is_the_same_bytes_again(capsys):
    texts = []
    for _ in range(2):
        assert main(["run", str(EXAMPLE), *SMALL, "--set", "pruning.sparsities=[0.6]", "--json"]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["runs"][0]["crossover"]["faster_from_context"] == {"decoded": 288, "skip": 288}


@pytest.mark.parametrize("words, error", [
    (["--gemm", "8x8x8"], "run: wanted an experiment file or one of the workload's options"),
    (["--set", "workload.kv=bert"], "workload.kv.preset: wanted one of llama2-7b"),
    (["--set", "accelerator.rows=4"], "key 'rows'"), (["--set", "pruning.sparsities=[2]"], "sparsities[0]"),
    (["--set", "accelerator.family=nm_array"], "accelerator.family: wanted one of bitmap_decoder")])
def test_bad_input_is_one_line(words, error, capsys):
    assert main(["run", str(EXAMPLE), *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and error in shown.err
