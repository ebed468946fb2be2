"""Metrics beside a GPU: those of `hwsim run`, on the first board, and none where there is no board with room."""

import pytest

from hwsim.cli.evaluate import evaluate
from hwsim.cli.simulate import run_experiment
from hwsim.experiment import Experiment
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.gpu import gpu_step
from hwsim.llm_workload.experiment import LlmExperiment
from hwsim.sweep.measure import gpu_metrics
from hwsim.sweep.rows import METRICS, Point


def metrics(experiment, family="nm_array"):
    return evaluate(Point(name="p", space="s", family=family, inputs=experiment.to_mapping())).metrics


@pytest.mark.slow
def test_of_a_network_they_are_those_of_run():
    mapping = {"workload": {"gemm": "64x64x64"}, "pruning": {"ratio": "2:4"}, "accelerator": {"preset": "small-4x4"}}
    for boards in (["h100-sxm", "a100-80g"], ["v100s-32g"]):
        experiment = Experiment.from_mapping({**mapping, "gpu": {"boards": boards}})
        run = run_experiment(experiment).runs[0]
        found, wanted = metrics(experiment), run.beside(run.gpus[0], None)
        assert found["speedup_gpu"] == pytest.approx(wanted["speedup"])
        assert found["energy_gain_gpu"] == pytest.approx(wanted["energy_gain"])
    assert "speedup_gpu" not in metrics(Experiment.from_mapping({**mapping, "gpu": {"boards": []}}))


@pytest.mark.slow
def test_of_a_cache_the_faster_way_that_fits_counts():
    mapping = {"workload": {"kv": "llama2-7b", "contexts": [4096]}, "pruning": {"sparsities": [0.7]}}
    experiment = KvExperiment.from_mapping(mapping)
    found, steps = metrics(experiment, "bitmap_decoder"), [
        gpu_step(experiment, 0.7, path, 4096, 0.5) for path in ("gpu dense", "gpu bitmap")]
    best = min(steps, key=lambda step: step.seconds)
    assert found["speedup_gpu"] == pytest.approx(best.seconds / found["seconds"])
    assert found["energy_gain_gpu"] == pytest.approx(best.joules[1] / found["energy_joules"])
    small = experiment.replace(gpu=experiment.gpu.replace(memory_bytes=1e9))
    assert "speedup_gpu" not in metrics(small, "bitmap_decoder")


def test_of_a_generation_prompt_and_tokens_count():
    (gpu,) = LlmExperiment(model="llama2-7b", prompt=128, tokens=8, gpus=("a100-80g",)).on_gpus()
    assert gpu.prefill_joules[0] < gpu.prefill_joules[1] < gpu.prefill_joules[2] == pytest.approx(
        400 * gpu.prefill_seconds)


def test_the_fastest_counts():
    ours = {"seconds": 2.0, "energy_joules": 5.0}
    assert gpu_metrics(ours, [(8.0, 10.0), (4.0, 100.0)]) == {**ours, "speedup_gpu": 2.0, "energy_gain_gpu": 20.0}
    assert gpu_metrics(ours, []) == ours
    assert {"speedup_gpu", "energy_gain_gpu"} <= set(METRICS)
