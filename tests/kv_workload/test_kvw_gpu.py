"""A token on the GPU: its parts, what the format saves there, and when it does not pay."""

import pytest

from hwsim.gpu import GemmShape, GpuBoard, predict
from hwsim.kv_workload.experiment import KvExperiment
from hwsim.kv_workload.gpu import COMPRESSION_SHARE, gpu_step
from mappers.kv.decode import first_below

BOARD = GpuBoard.preset("rtx6000-ada")


def experiment(model="llama2-7b", batch=1, **pruning):
    machine = {"preset": "kv-64x8" if model == "llama2-7b" else "kv-256x8"}
    return KvExperiment.from_mapping({"workload": {"kv": model, "batch": batch, "contexts": [64, 4096]},
                                      "accelerator": machine, "pruning": pruning})


def test_dense_attention_is_two_products_a_layer():
    step = gpu_step(experiment(batch=3), 0.7, "gpu dense", 1000, 0.45)
    keys, values = (predict(BOARD, "cublas", GemmShape(*shape, 1, 3 * 32)).us for shape in ((1000, 128), (128, 1000)))
    assert step.attention_seconds == pytest.approx(32e-6 * (keys + values))
    weights = sum(predict(BOARD, "cublas", GemmShape(m, k, 3)).us for m, k in (
        *[(4096, 4096)] * 4, (11008, 4096), (11008, 4096), (4096, 11008))) * 32
    weights += predict(BOARD, "cublas", GemmShape(32000, 4096, 3)).us
    assert step.seconds == pytest.approx(step.attention_seconds + weights * 1e-6)
    assert step.tokens_per_s == pytest.approx(3 / step.seconds) and step.fits
    low, nominal, high = step.joules
    assert 0.35 * 300 * step.seconds == pytest.approx(low) and low < nominal < high
    assert high == pytest.approx(300 * step.seconds)


def test_a_cache_without_compressed_tokens_costs_compression_alone():
    case = experiment()
    dense, bitmap = (gpu_step(case, 0.7, path, 100, 0.45) for path in ("gpu dense", "gpu bitmap"))
    whole = gpu_step(case, 0.7, "gpu dense", 2048, 0.45)
    assert bitmap.attention_seconds - dense.attention_seconds == pytest.approx(
        COMPRESSION_SHARE * whole.attention_seconds)


def test_batch_1_does_not_gain_and_batch_8_does():
    """The published remark: on the GPU, batch 1 is slower than dense."""
    gains = {}
    for batch in (1, 8):
        case = experiment(batch=batch)
        dense, bitmap = (gpu_step(case, 0.7, path, 4096, 0.45) for path in ("gpu dense", "gpu bitmap"))
        gains[batch] = dense.attention_seconds / bitmap.attention_seconds
    assert gains[1] < 1 < gains[8] < 1 / 0.45


def test_memory_of_the_board_decides_what_fits():
    step = {path: gpu_step(experiment(), 0.7, path, 100000, 0.45).fits for path in ("gpu dense", "gpu bitmap")}
    assert step == {"gpu dense": False, "gpu bitmap": True}


def test_first_below():
    assert first_below([1, 10, 100], lambda context: context >= 37) == 37
    assert first_below([1, 10, 100], lambda context: True) == 1
    assert first_below([1, 10, 100], lambda context: context < 50) is None
