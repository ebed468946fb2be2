"""``hwsim run`` of programs: text and files, deadlocks, bad input."""

import json
from pathlib import Path

import pytest

from hwsim.cli import main
from hwsim.llm.engine import EngineConfig
from hwsim.llm.program import Program, read_program, write_program

EXAMPLE = Path(__file__).parents[2] / "examples" / "attention.asm"


def output(capsys, *words):
    status = main(["run", *map(str, words)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_the_example(capsys):
    status, text, _ = output(capsys, EXAMPLE)
    assert status == 0 and "attention: 8 instructions on each of 3 cores" in text
    assert "DDR: 0 bytes of tables and 432 of instructions" in text
    status, text, _ = output(capsys, EXAMPLE, "--json")
    data = json.loads(text)
    assert status == 0 and data["instructions"] == 8
    assert data["instruction_bytes"] == read_program(EXAMPLE).nbytes == 4 * (3 * 7 + 2 * 4 + 3 + 3 + 1)
    assert (data["bytes"]["ddr_read"], data["bytes"]["ddr_instructions"]) == (0, 3 * data["instruction_bytes"])
    assert set(data["busy_ms"]) == {"LD", "ST", "MV", "MISC", "SYS"}
    for queue in data["queues"].values():
        spent = queue["busy_ms"] + sum(queue["starved_ms"].values()) + queue["idle_ms"]
        assert spent == pytest.approx(data["total_ms"])
    assert sum(data["layer_ms"].values()) == pytest.approx(data["total_ms"])
    assert data["energy"]["low"] < data["energy"]["energy"] < data["energy"]["high"]
    assert data["provenance"]["inputs"]["engine"] == EngineConfig.preset("u280").to_mapping()


def test_settings_and_the_engine_of_the_program(capsys, tmp_path):
    rows = read_program(EXAMPLE)
    engine = EngineConfig.preset("vhk158-artifact").to_mapping()
    file = tmp_path / "a.prog"
    write_program(file, Program(rows.instructions, rows.layers, "a", {"engine": engine}))

    def total(*words):
        return json.loads(output(capsys, *words, "--json")[1])["total_ms"]

    artifact = total(EXAMPLE, "--set", "preset=vhk158-artifact")
    assert total(file) == artifact
    assert total(file, "--set", "time_divisor=1") == pytest.approx(3.2 * artifact, rel=1e-4)
    assert total(file, "--set", "preset=u280") == total(EXAMPLE) != artifact


def test_results_in_a_folder(capsys, tmp_path):
    assert output(capsys, EXAMPLE, "-o", tmp_path / "out")[0] == 0
    first = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    assert set(first) == {"table.txt", "result.json"}
    assert output(capsys, EXAMPLE, "-o", tmp_path / "out", "--force")[0] == 0
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == first


def test_a_token_that_never_comes(capsys, tmp_path):
    file = tmp_path / "stuck.asm"
    file.write_text("LD release=MV\nMV wait=LD k=1\nMV wait=LD+MISC k=1\n")
    status, text, error = output(capsys, file)
    assert (status, text) == (1, "")
    assert error.startswith("hwsim: deadlock in stuck: instruction 2 (MV wait=LD+MISC k=1) in queue MV waits for")
    assert "token 1 of LD, which has ended" in error and error.count("\n") == 1
    status, text, _ = output(capsys, file, "--json")
    assert status == 1
    assert json.loads(text)["deadlock"][1] == {
        "instruction": 2, "text": "MV wait=LD+MISC k=1", "queue": "MV", "waits_for": "MISC", "token": 0,
        "which_stands_at": None}


@pytest.mark.parametrize(("text", "words", "line"), [
    ("MV k=99999\n", (), "a.asm: line 1 (MV): k: wanted 0 to 16383, got 99999"),
    ("MV wait=MV\n", (), "line 1 (MV): wait: wanted tokens of the other five queues"),
    ("SYS\n", ("--set", "clock_hz=0"), "--set.clock_hz: wanted a number above 0, got 0"),
    ("SYS\n", ("--set", "clok_hz=1"), "did you mean 'clock_hz'"),
    ("SYS\nLD channels=32 length=64\n", (),
     "a: instruction 1 (LD channels=32 length=64): wanted some of the 10 HBM channels of a core, got channels 0 to 31"),
    ("ST channel=10\n", (), "got channels 10 to 10"),
    ("SYS\n", ("--gemm", "1x1x1"), "run: wanted a program or one of the workload's options, got both"),
])
def test_bad_input(capsys, tmp_path, text, words, line):
    file = tmp_path / "a.asm"
    file.write_text(text)
    status, out, error = output(capsys, file, *words)
    assert (status, out) == (2, "") and line in error and error.count("\n") == 1
