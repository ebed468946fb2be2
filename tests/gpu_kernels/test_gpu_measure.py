"""``hwsim gpu measure``: the whole path in the interpreter, and what it says without a GPU."""

import json
from importlib.util import find_spec

import pytest

from hwsim.cli import main

HAS_EXTRA = all(find_spec(name) for name in ("torch", "triton"))


def test_without_the_extra(capfd, monkeypatch):
    monkeypatch.setattr("hwsim.gpu.measure.run.find_spec", lambda name: None)
    assert main(["gpu", "measure", "--interpret"]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and "pip install 'hwsim[gpu]', got no torch and no triton" in err


def test_help_tells_of_a_real_run(capfd):
    assert main(["gpu", "measure", "--help"]) == 0
    out = capfd.readouterr().out
    assert all(word in out for word in ("hwsim gpu measure -o points.json", "NVML", "nvidia-smi -lgc", "--points"))


@pytest.mark.slow
@pytest.mark.skipif(not HAS_EXTRA, reason="needs the extra gpu: torch and triton")
class TestDryRun:
    def test_without_a_gpu(self, capfd):
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
        assert main(["gpu", "measure"]) == 2
        out, err = capfd.readouterr()
        assert out == "" and err.count("\n") == 1 and "or --interpret for a dry run, got none" in err

    def test_all_kernels(self, tmp_path, capfd):
        from hwsim.gpu.kernels.cases import CASES

        file = tmp_path / "dry.json"
        assert main(["gpu", "measure", "--interpret", "-o", str(file), "--json"]) == 0
        printed, data = json.loads(capfd.readouterr().out), json.loads(file.read_text())
        assert printed == data and data["timing"] == "interpreter"
        assert {point["kernel"] for point in data["points"]} == {*CASES, "cublas"}
        for point in data["points"]:
            times = point["times"]
            assert point["right"] and times["us"] > 0 and times["kept"] + times["outliers"] == 3
            assert point["error"] == 0 or point["kernel"] == "attention"
            assert point["power"] is None and point["bytes"] > 0
        assert main(["gpu", "calibrate", "--points", str(file)]) == 2
        assert "got interpreter timing" in capfd.readouterr().err

    def test_chosen_kernels(self, capfd):
        assert main(["gpu", "measure", "--interpret", "--kernel", "bitmap,cublas", "--shape", "20x70x3,16x64x1",
                     "--sparsity", "0.8", "--set", "repeats=4", "--set", "dtype=bfloat16", "--json"]) == 0
        data = json.loads(capfd.readouterr().out)
        assert [(point["kernel"], point["shape"]["m"]) for point in data["points"]] == [
            ("bitmap", 20), ("bitmap", 16), ("cublas", 20), ("cublas", 16)]
        assert data["points"][0]["sparsity"] == pytest.approx(0.8, abs=1e-3)
        assert data["points"][2]["sparsity"] == 0 and data["settings"]["repeats"] == 4

    def test_energy_of_a_call(self):
        """With a sensor that always tells 200 W, a call takes 200 W times its share of the block."""
        from dataclasses import replace

        from hwsim.gpu.measure.config import MeasureConfig
        from hwsim.gpu.measure.run import Job, measure, open_bench
        from hwsim.gpu.shape import GemmShape

        bench = replace(open_bench(True), sensor=lambda: (200.0, 1500.0))
        config = MeasureConfig(warm_up=1, repeats=5, power_seconds=0.1)
        (point,) = measure(config, [Job("dense", GemmShape(16, 16, 16), 0.0)], bench).points
        assert point.power.watts == pytest.approx(200) and point.power.mhz == (1500, 1500, 1500)
        calls = round(1e5 / point.times.us) or 1
        assert point.joules == pytest.approx(200 * point.power.seconds / calls)

    def test_a_wrong_kernel_is_found(self, capfd, monkeypatch):
        from hwsim.gpu.kernels import cases

        right = cases.Ready
        monkeypatch.setattr(cases, "Ready", lambda product, reference, zeros: right(product, reference * 1.01, zeros))
        assert main(["gpu", "measure", "--interpret", "--kernel", "dense", "--shape", "16x16x1"]) == 1
        assert "WRONG: error 0.0099 of the largest element" in capfd.readouterr().out

    @pytest.mark.parametrize(("words", "wanted"), [
        (["--kernel", "spmm"], "--kernel: wanted one of dense, 2:4"),
        (["--kernel", "dense", "--shape", "3x3"], "--shape: wanted MxKxN"),
        (["--kernel", "int4", "--shape", "16x64x2"], "shape: wanted N = 1 for int4, got 2"),
        (["--kernel", "compiled", "--shape", "16x64x2"], "kernel: wanted a GPU for it, got compiled"),
        (["--kernel", "semi_structured", "--shape", "64x64x1"], "kernel: wanted a GPU for it"),
        (["--kernel", "attention", "--set", "dtype=int8"], "dtype: wanted one of float16"),
        (["--kernel", "bitmap", "--sparsity", "1.5"], "sparsity: wanted 0.0 to 1.0"),
        (["--set", "repeats=2"], "repeats"), (["--set", "speed=2"], "--set")])
    def test_bad_input_is_one_line(self, words, wanted, capfd):
        assert main(["gpu", "measure", "--interpret", *words]) == 2
        out, err = capfd.readouterr()
        assert out == "" and err.count("\n") == 1 and wanted in err
