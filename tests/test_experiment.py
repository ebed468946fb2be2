from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.cli.plans import plan_ratios, prune
from hwsim.cli.sources import read_source
from hwsim.config import load_toml
from hwsim.errors import InputError
from hwsim.experiment import Experiment, LayerRatios, load_experiment
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload_choice import Gemm, WorkloadChoice

EXAMPLES = sorted(path for path in (Path(__file__).parents[1] / "examples").glob("*.toml")
                  if path.stem not in ("kv", "llm", "sweep"))
SMALL: dict[str, Any] = {"workload": {"gemm": "8x32x8"}, "accelerator": {"preset": "small-4x4"}}


def experiment(**sections: Any) -> Experiment:
    return Experiment.from_mapping({**SMALL, **sections}, "x.toml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_read_back_to_themselves(path: Path) -> None:
    read = load_experiment(path)
    data = json.loads(json.dumps(read.to_mapping()))
    assert Experiment.from_mapping(data) == read
    assert Experiment.from_mapping(data).digest() == read.digest()


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"demo", "gemm", "resnet50"}


def test_defaults() -> None:
    read = experiment()
    assert read.clock_hz == 200e6 and read.memory.name == "ddr4-2400-x64"
    assert read.baselines == ("dense", "systolic") and read.pruning.runs == (DENSE,)


def test_changes_are_laid_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('[workload]\ngemm = "8x8x8"\n[accelerator]\nrows = 8\ncols = 8\n')
    read = load_experiment(tmp_path / "x.toml", {"accelerator": {"rows": 4}})
    assert (read.accelerator.config.rows, read.accelerator.config.cols) == (4, 8)


def test_a_memory_without_a_name_is_the_default_one_changed() -> None:
    assert experiment(memory={"latency_ns": 50.0}).memory.latency_ns == 50.0
    assert experiment(memory={"preset": "hbm2", "channels": 4}).memory.channels == 4
    assert experiment(memory="lpddr4").memory.name == "lpddr4"


@given(st.tuples(*[st.integers(1, 1 << 31)] * 4))
def test_gemm_reads_back(sizes: tuple[int, int, int, int]) -> None:
    assert Gemm.parse(str(Gemm(*sizes))) == Gemm(*sizes)


@pytest.mark.parametrize("text", ["", "8", "8x8", "8x8x8x8x8", "8x8xx", "8x8x-8", "8x8x8.0", "٣x8x8", "8x8x0",
                                  "8x8x9999999999"])  # fmt: skip
def test_bad_gemm(text: str) -> None:
    with pytest.raises(InputError):
        Gemm.parse(text)


def test_the_first_pattern_decides() -> None:
    rules = LayerRatios.from_mapping({"block0.*": "1:1", "*.dw": "2:8"})
    assert str(rules.ratio_of("block0.dw", Ratio(2, 4))) == "1:1"
    assert str(rules.ratio_of("block1.dw", Ratio(2, 4))) == "2:8"
    assert str(rules.ratio_of("head", Ratio(2, 4))) == "2:4"
    with pytest.raises(InputError, match="no match"):
        rules.refuse_unused(["head"])


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"workload": {}}, "workload: wanted one of zoo"),
        ({"workload": "resnet50"}, "workload"),
        ({"workload": {"gemm": "8x8x8", "zoo": "resnet50"}}, "zoo and gemm"),
        ({"workload": {"onnx": "x", "sequence": 3}}, "workload.sequence"),
        ({"workload": {"onnx": "x", "dims": {"n": 0}}}, "dims.n"),
        ({"workload": {"onnx": "x", "dims": 3}}, "a table"),
        ({"workload": {"weights": "x"}}, "m_rows"),
        ({"workload": {"zoo": "resnet50", "batch": 0}}, "workload.batch"),
        ({"pruning": {"ratio": "2:4", "ratios": ["2:4"]}}, "not both"),
        ({"pruning": {"ratios": ["2:4", "2:4"]}}, "each ratio once"),
        ({"pruning": {"ratio": "1:16"}}, "pruning.ratio"),
        ({"pruning": {"layers": {"*": "1:16"}}}, "pruning.layers"),
        ({"pruning": {"layers": ["2:4"]}}, "pruning.layers"),
        ({"pruning": {"seed": 1.5}}, "pruning.seed"),
        ({"accelerator": {"family": ["nm_array"]}}, "accelerator.family"),
        ({"accelerator": 3}, "accelerator"),
        ({"baselines": ["dense", "dense"]}, "each baseline once"),
        ({"mapper": {"solved": 0}}, "mapper.solved"),
        ({"mapper": {"order": "mn"}}, "key 'order'"),
        ({"clock_hz": -1.0}, "clock_hz"),
    ],
)
def test_refused(section: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match="x.toml: ") as caught:
        experiment(**section)
    assert said in str(caught.value)


def planned(read: Experiment) -> tuple[dict[str, str], dict[str, str]]:
    source = read_source(read.workload)
    ratios, notes = plan_ratios(source, read, read.pruning.runs[0])
    return {name: str(ratio) for name, ratio in ratios.items()}, notes


def test_which_layers_stay_dense() -> None:
    pruning = {"ratio": "2:4", "keep_first": True, "keep_last": True, "layers": {"block1.expand": "2:8"}}
    ratios, notes = planned(experiment(workload={"zoo": "efficientnet_lite0"}, pruning=pruning))
    assert ratios["stem"] == ratios["fc"] == ratios["block2.dw"] == "1:1"
    assert ratios["block1.expand"] == "2:8" and ratios["block5.project"] == "2:4"
    assert notes["stem"] == "first layer" and "depthwise" in notes["block2.dw"] and not notes["head"]


def test_products_of_activations_are_not_pruned() -> None:
    ratios, _ = planned(experiment(workload={"zoo": "bert_base", "sequence": 16}, pruning={"ratio": "2:4"}))
    assert ratios and not any("attention.scores" in name for name in ratios)


def test_ratios_of_a_topology_count_where_none_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Layer, M, N, K, Sparsity,\na, 8, 8, 32, 2:4,\nb, 8, 8, 32, 1:1,\n")
    workload = {"scalesim": "t.csv"}
    for pruning, wanted in (({}, "2:4"), ({"ratio": "2:8"}, "2:8"), ({"layers": {"a": "2:8"}}, "2:8")):
        read = experiment(workload=workload, pruning=pruning)
        ratios, _ = plan_ratios(read_source(read.workload, tmp_path), read, read.pruning.runs[0])
        assert str(ratios["a"]) == wanted


def test_weights_are_pruned_by_magnitude(tmp_path: Path) -> None:
    kept = np.tile([9.0, -8.0, 1.0, -0.5], (8, 8)).astype(np.float32)  # (out, in)
    np.savez(tmp_path / "w.npz", **{"a*": kept, "bias": np.ones(8)})
    read = experiment(workload={"weights": "w.npz", "m_rows": 4}, pruning={"ratio": "2:4"})
    source = read_source(read.workload, tmp_path)
    assert source.workload["a*"].weight_shape == (1, 32, 8)
    weights, records = prune(source, *plan_ratios(source, read, Ratio(2, 4)))
    assert weights is not None
    assert sorted(set(weights["a*"].ravel())) == [-8.0, 0.0, 9.0]
    assert records[0]["density"] == 0.5 and records[0]["energy_kept"] == pytest.approx(145 / 146.25)
    assert records[0]["ratio"] == "2:4" and records[0]["shape"] == [1, 32, 8]
    json.dumps(records)


@pytest.mark.parametrize("layout", ["nk", "kn"])
def test_layout_of_weights(tmp_path: Path, layout: str) -> None:
    np.save(tmp_path / "w.npy", np.ones((8, 32), np.float32))
    choice = WorkloadChoice(weights="w.npy", m_rows=4, layout=layout)  # type: ignore[arg-type]
    operator = read_source(choice, tmp_path).workload["w"]
    assert (operator.m, operator.k, operator.n) == ((4, 32, 8) if layout == "nk" else (4, 8, 32))


def test_run_from_python(tmp_path: Path) -> None:
    outcome = hwsim.run_experiment(experiment(pruning={"ratio": "2:4"}, workload={"gemm": "64x64x64"}))
    data = outcome.to_dict()
    assert data["cycles"] == sum(layer["cycles"] for layer in data["layers"])
    assert data["energy_joules"] == data["energy"]["energy"]
    again = Experiment.from_mapping(data["provenance"]["inputs"])
    assert hwsim.run_experiment(again).to_json() == outcome.to_json()
    for name, baseline in data["baselines"].items():
        assert baseline["speedup"] == baseline["cycles"] / data["cycles"] > 1, name
    assert "gemm-64x64x64" in outcome.table()


def test_a_dense_run_equals_its_twin() -> None:
    """Without sparse modes and with the weights dense, the run is the dense baseline."""
    read = experiment(accelerator={"rows": 4, "cols": 4, "ratios": []}, baselines=["dense"])
    data = hwsim.run_experiment(read).to_dict()
    assert data["baselines"]["dense"]["speedup"] == data["baselines"]["dense"]["energy_ratio"] == 1.0


def test_files_are_in_the_provenance(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones((8, 32), np.float32))
    (tmp_path / "x.toml").write_text('[workload]\nweights = "w.npy"\nm_rows = 4\n[accelerator]\npreset = "small-4x4"\n')
    read = load_experiment(tmp_path / "x.toml")
    digest = hwsim.run_experiment(read, tmp_path).provenance["files"]["w.npy"]
    np.save(tmp_path / "w.npy", np.zeros((8, 32), np.float32))
    assert len(digest) == 64 and hwsim.run_experiment(read, tmp_path).provenance["files"]["w.npy"] != digest


def test_the_module_shows_a_file_that_can_be_read(tmp_path: Path) -> None:
    import hwsim.experiment

    shown = (hwsim.experiment.__doc__ or "").split("\n\n", 1)[1].rsplit("\n\nEvery key", 1)[0]
    text = "\n".join(line.removeprefix("    ") for line in shown.splitlines())
    (tmp_path / "x.toml").write_text(text)
    assert load_toml(tmp_path / "x.toml")["clock_hz"] == 200e6
    assert load_experiment(tmp_path / "x.toml", {"pruning": {"ratio": "2:8"}}).pruning.runs == (Ratio(2, 8),)
