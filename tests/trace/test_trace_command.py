"""``hwsim trace``: its files, and what it refuses."""

import json
import os

import pytest

from hwsim.cli import main

GEMM = ["trace", "nm_array", "--gemm", "8x16x8", "--set", "rows=4", "--set", "cols=4"]


@pytest.mark.slow
def test_a_layer_with_its_memory_by_tiles_and_by_beats(tmp_path, capsys):
    """Both tell when the array is done; by beats as the RTL counts, which knows no memory behind its ports."""
    assert main(["run", *GEMM[2:], "--json"]) == 0
    layer = json.loads(capsys.readouterr().out)["layers"][0]
    for name, wanted in (("tiles", layer["cycles"]), ("beats", layer["array_cycles"])):
        beats = ["--beats"] if name == "beats" else []
        assert main([*GEMM, *beats, "-o", str(tmp_path / name), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["to"] == found["cycles"] == wanted and found["clock_hz"] == 200e6
        kinds = ("busy", "no_offer", "starved", "blocked", "not_ready", "idle")
        assert all(sum(track[kind] for kind in kinds) == wanted for track in found["tracks"])
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["trace.json", "trace.vcd"]
        read = json.loads((tmp_path / name / "trace.json").read_text())
        assert len([event for event in read["traceEvents"] if event["ph"] != "M"]) == found["events"]


@pytest.mark.slow
def test_of_several_ratios_the_first_is_traced_and_named(tmp_path, capsys):
    file = tmp_path / "two.toml"
    file.write_text('workload.gemm = "8x16x8"\naccelerator.preset = "small-4x4"\npruning.ratios = ["2:4", "1:1"]\n')
    words = ["trace", "nm_array", "--experiment", str(file), "--json", "-o"]
    assert main([*words, str(tmp_path / "a")]) == 0
    assert "2:4 (run 2:4, the first of 2)" in json.loads(capsys.readouterr().out)["name"]
    assert main([*words, str(tmp_path / "b"), "--set", 'pruning.ratios=["1:1"]']) == 0
    assert ", 1:1, by tiles" in json.loads(capsys.readouterr().out)["name"]


def test_a_program_part_in_microseconds(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["trace", "examples/attention.asm", "-o", str(out), "--formats", "perfetto", "--from", "0.25",
                 "--to", "0.5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["from"], found["to"], found["unit"]) == (250_000, 500_000, "ps")
    assert os.listdir(out) == ["trace.pftrace"]


@pytest.mark.parametrize("words, said", [
    (["nothing"], "WHAT: wanted one of nm_array"),
    (["nm_array", "--set", "rows=0"], "rows"),
    (["nm_array", "--seed", "-1"], "--seed: wanted an integer of at least 0"),
    (["nm_array", "--from", "1.5"], "trace --from: wanted a cycle, got 1.5"),
    (["nm_array", "--to", "-3"], "trace --to: wanted a cycle"),
    (["nm_array", "--from", "100000000"], "--from and --to: wanted a part of cycles 0 to"),
    (["nm_array", "--formats", "json,png"], "--formats: wanted one of json, perfetto, vcd, got png"),
    (["nm_array", "--events", "10"], "trace: wanted at most 10 events in a file"),
    (["nm_array", "--beats"], "trace --beats: wanted --experiment, --gemm or --workload beside it"),
    (["nm_array", "--prefill", "128"], "trace --prefill: wanted llm (not beside a random case), got 128"),
    ([*GEMM[1:], "--seed", "0"], "trace --seed: wanted a random case (not beside a layer), got 0"),
    (["examples/attention.asm", "--gemm", "4x4x4"], "trace --gemm: wanted a layer (not beside a program), got 4x4x4"),
    (["llm", "llama2-7b", "--decode-at", "16", "--case", "2"], "trace --case: wanted a random case (not beside llm)"),
    (["sore", "--gemm", "8x8x8"], "FAMILY of a layer: wanted one of nm_array, got sore"),
    (["nm_array", "--workload", "resnet50"], "trace --layer: wanted one of"),
    (["nm_array", "llama2-7b"], "trace: wanted MODEL only with llm"),
    (["llm", "--prefill", "16"], "trace llm: wanted MODEL behind it"),
    (["llm", "llama2-7b"], "trace llm: wanted one of --prefill and --decode-at, got neither"),
    (["llm", "llama2-7b", "--decode-at", "16", "--to", "x"], "trace --to: wanted a time in microseconds"),
    (["missing.asm"], "missing.asm"),
])
def test_bad_input_is_one_line_and_leaves_nothing(words, said, tmp_path, capsys):
    assert main(["trace", *words, "-o", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and said in err and err.count("\n") == 1 and list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch, capsys):
    def full(handle):
        raise OSError(28, "No space left on device")

    (tmp_path / "kept").write_text("")
    monkeypatch.setattr(os, "fsync", full)
    assert main([*GEMM, "-o", str(tmp_path / "out")]) == 2
    assert "No space left" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_token_that_never_comes_is_a_failed_check(tmp_path, capsys):
    path = tmp_path / "stuck.asm"
    path.write_text("SYS wait=LD\n")
    assert main(["trace", str(path), "-o", str(tmp_path / "out")]) == 1
    assert "deadlock in stuck" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_existing_files_are_kept(tmp_path, capsys):
    (tmp_path / "trace.vcd").write_text("mine")
    assert main([*GEMM, "-o", str(tmp_path)]) == 2
    assert "trace.vcd" in capsys.readouterr().err and (tmp_path / "trace.vcd").read_text() == "mine"
    assert main([*GEMM, "-o", str(tmp_path), "--force"]) == 0
