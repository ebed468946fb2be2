"""``hwsim gpu``."""

import json
import re

import pytest

from hwsim.cli import main
from hwsim.gpu.constants import PATH


def test_predict_as_json(capfd):
    assert main(["gpu", "predict", "--gpu", "a100-80g", "--kernel", "flash_llm", "--shape", "21504x7168x8",
                 "--sparsity", "0.8", "--json"]) == 0
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert err == "" and found["bound"] in ("memory", "decode") and found["tflops"] == pytest.approx(22.1, rel=0.1)
    assert found["ms"] == pytest.approx(2 * 21504 * 7168 * 8 / found["tflops"] / 1e9)
    assert found["joules"]["low"] < found["joules"]["nominal"] < found["joules"]["high"]


def test_predict_as_text_with_another_board(capfd):
    words = ["gpu", "predict", "--kernel", "semi_structured", "--shape", "4096x4096x4096"]
    assert main(words) == 0
    assert "x over cublas" in capfd.readouterr().out
    assert main([*words, "--set", "bytes_per_s=1e12", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["sparsity"] == 0.5


def test_printed_parts_add_up_to_the_printed_time(capfd):
    for shape in ("21504x7168x8", "8x8x8", "1000000x1000000x10000"):
        assert main(["gpu", "predict", "--kernel", "flash_llm", "--shape", shape, "--sparsity", "0.8"]) == 0
        lines = capfd.readouterr().out.splitlines()
        assert " 0.0 TFLOP/s" not in lines[1]
        time, unit = lines[1].split(",  ")[0].split()[0:2]
        numbers = [float(text.replace(",", "")) for text in re.findall(r" ([\d,]+\.\d+)", lines[2])]
        assert lines[2].endswith(unit.strip(","))
        assert sum(numbers[:-1]) - numbers[-1] == pytest.approx(float(time.replace(",", "")), rel=2e-3)
        assert lines[3].strip().startswith("launch + max((memory^")


def test_calibrate(tmp_path, capfd):
    file = tmp_path / "constants.toml"
    assert main(["gpu", "calibrate", "-o", str(file)]) == 0
    assert "held out" in capfd.readouterr().out
    assert file.read_text().splitlines()[:3] == PATH.read_text().splitlines()[:3]
    assert main(["gpu", "calibrate", "-o", str(file)]) == 2
    assert str(file) in capfd.readouterr().err


@pytest.mark.parametrize(("words", "wanted"), [
    (["predict"], "--shape: wanted MxKxN, got none"),
    (["predict", "--shape", "8x8"], "--shape: wanted MxKxN"),
    (["predict", "--shape", "8x8x8", "--gpu", "a200"], "--gpu: wanted one of"),
    (["predict", "--shape", "8x8x8", "--kernel", "cusparse"], "--kernel: wanted one of"),
    (["predict", "--shape", "8x8x8", "--sparsity", "2"], "sparsity: wanted 0.0 to 1.0, got 2.0"),
    (["predict", "--shape", "8x8x8", "--set", "clock=3"], "--set"),
    (["predict", "--shape", "8x8x8", "--gpu", "v100s-32g", "--kernel", "sparta"], "sparse tensor cores"),
    (["predict", "--shape", "8x8x8", "--data-type", "fp8"], "--data-type: wanted one of fp16, int8, int4"),
    (["calibrate", "--data-type", "int8"], "--data-type: wanted predict, got calibrate"),
    (["fit"], "one of predict, calibrate, measure")])
def test_bad_input_is_one_line(words, wanted, capfd):
    assert main(["gpu", *words]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and wanted in err
