"""``hwsim llm``: results as JSON, programs as files, bad input in one line."""

import json

import pytest

from hwsim.cli.entry import main
from hwsim.llm.engine import EngineConfig
from hwsim.llm.program import read_program
from hwsim.llm.simulate import simulate


def failed(capsys, *arguments):
    assert main(["llm", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def test_a_step_as_json_and_its_program_as_a_file(capsys, tmp_path):
    path = tmp_path / "step.prog"
    words = ["--set", "engine.sparse_mux=false", "--json", "-o", str(path)]
    assert main(["llm", "llama2-7b", "--decode-at", "100", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"total_ms", "busy_ms", "instructions", "instruction_bytes"} <= found.keys()
    assert (found["stage"], found["length"], found["bucket"]) == ("decode", 100, 112)
    program = read_program(path)
    run = simulate(program, EngineConfig.from_mapping(program.notes["engine"]))
    assert run.total_ms == found["total_ms"]
    assert len(run.program) == found["instructions"] and run.program.nbytes == found["instruction_bytes"]


def test_a_step_as_text(capsys):
    assert main(["llm", "opt-6.7b", "--decode-at", "16", "--set", "engine.sparse_mux=false"]) == 0
    text = capsys.readouterr().out
    assert "opt-6.7b: decode at 16 tokens (program for 16)" in text and "lm_head" in text


@pytest.mark.parametrize(("arguments", "line"), [
    (["llama2-7b", "--prefill", "128", "--bucket", "64"], "prefill: bucket: wanted at least the 128 tokens"),
    (["llama2-7b", "--decode-at", "2049"], "decode: wanted 1 to 2048, got 2049"),
    (["llama2-7b", "--generate", "2000:100"], "prompt + tokens: wanted 2 to 2048, got 2100"),
    (["llama2-7b", "--generate", "128"], "llm --generate: wanted PROMPT:TOKENS"),
    (["llama2-7b", "--generate", "1:1", "--bucket", "16"], "llm --bucket: wanted one step"),
    (["llama2-7b", "--prefill", "1", "--ablation"], "llm --ablation: wanted --generate beside it"),
    (["nothing", "--prefill", "1"], "model: wanted a config.json, or one of"),
    (["missing.json", "--prefill", "1"], "missing.json"),
    (["llama2-7b", "--prefill", "1", "--set", "assignment=none"], "assignment: wanted"),
    (["llama2-7b", "--prefill", "1", "--set", "model=opt-6.7b"], "wanted keys other than model"),
    (["llama2-7b", "--prefill", "1", "--set", "engine.sparse=1"], "engine: wanted one of the keys"),
    (["llama2-7b", "--prefill", "9", "--set", "engine.mm_tile=[32, 128]"], "engine: wanted MM of 16 columns"),
    (["llama2-7b", "--prefill", "9", "--set", "engine.buffers.a_depth=64"], "engine: A buffer: wanted room for 256"),
    (["llama2-7b", "--prefill", "9", "--set", "engine.buffers.global_depth=16"], "global buffer: wanted room for 32"),
    (["llama2-7b", "--prefill", "2048", "--set", "engine.buffers.b_depth=64"], "B buffer: wanted room for"),
    (["mixtral-8x7b", "--decode-at", "1"], "HBM: wanted a model that fits"),
    (["llama2-7b"], "one of"),
])
def test_bad_input_is_one_line(capsys, arguments, line):
    assert line in failed(capsys, *arguments)


def test_an_unknown_architecture_is_named(capsys, tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"architectures": ["GPTNeoXForCausalLM"]}')
    assert "GPTNeoXForCausalLM" in failed(capsys, str(path), "--prefill", "16")


@pytest.mark.slow
def test_a_generation_with_its_ablation(capsys):
    assert main(["llm", "llama2-7b", "--generate", "16:16", "--ablation", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total_ms"] == pytest.approx(found["prefill"]["total_ms"] + found["decode"]["total_ms"])
    assert len(found["ablation"]) == 5
    assert len(found["instruction_bytes_all_lengths"]["decode_by_length"]) == 2048


@pytest.mark.slow
def test_an_experiment_with_a_language_model(capsys, tmp_path):
    words = ["--set", "llm.prompt=16", "--set", "llm.tokens=16", "--set", "llm.model=opt-6.7b"]
    assert main(["run", "examples/llm.toml", "-o", str(tmp_path / "out"), *words]) == 0
    text = capsys.readouterr().out
    assert "without always-on-chip decode" in text and "J/token" in text
    found = json.loads((tmp_path / "out" / "result.json").read_text())
    assert found["model"] == "opt-6.7b" and found["provenance"]["inputs"]["tokens"] == 16
    assert (tmp_path / "out" / "table.txt").read_text() == text
    assert (tmp_path / "out" / "overview.png").read_bytes().startswith(b"\x89PNG")


def test_an_experiment_holds_nothing_but_its_table(capsys):
    assert main(["run", "examples/llm.toml", "--set", "llm.model=none"]) == 2
    assert "model: wanted a config.json, or one of" in capsys.readouterr().err
    assert main(["run", "examples/llm.toml", "--set", "memory.preset=hbm2"]) == 2
    assert "wanted the table llm alone, got memory" in capsys.readouterr().err
    assert main(["run", "examples/llm.toml", "--workload", "resnet50"]) == 2
    assert "run: wanted an experiment file or one of" in capsys.readouterr().err
