"""A language model on a GPU: sums of kernels, by hand; what fits; beside a generation."""

import pytest

from hwsim.gpu import GemmShape, GpuBoard, predict
from hwsim.gpu.decoder import generation, step
from hwsim.workload.decoder import load_model

A100 = GpuBoard.preset("a100-80g")
MODEL = load_model("llama-3-8b")


def us(*shape):
    return predict(A100, "cublas", GemmShape(*shape)).us


def test_one_token_by_hand():
    weights = us(4096, 4096, 1) * 2 + us(1024, 4096, 1) * 2 + us(14336, 4096, 1) * 2 + us(4096, 14336, 1)
    attention = us(500, 128, 4, 8) + us(128, 500, 4, 8)  # four queries share each of eight heads
    seconds, low, nominal, high = step(MODEL, A100, 1, 500)
    assert seconds == pytest.approx(1e-6 * (32 * (weights + attention) + us(128256, 4096, 1)))
    assert low < nominal < high == pytest.approx(400 * seconds)


def test_a_prompt_takes_its_last_row_through_the_vocabulary():
    seconds = step(MODEL, A100, 64, 64)[0]
    assert seconds > 32e-6 * us(4096, 4096, 64) and seconds < 3 * step(MODEL, A100, 1, 64)[0]


def test_generation_sums_every_token():
    found = generation(MODEL, A100, 16, 20)
    each = sum(step(MODEL, A100, 1, context)[0] for context in range(17, 37))
    assert found.decode_seconds == pytest.approx(each, rel=1e-3)
    assert found.tokens_per_s < found.decode_tokens_per_s == pytest.approx(20 / found.decode_seconds)
    assert generation(MODEL, A100, 16, 1).decode_seconds == pytest.approx(step(MODEL, A100, 1, 17)[0])


def test_what_fits():
    assert generation(MODEL, A100, 16, 1).fits
    assert not generation(load_model("mixtral-8x7b"), A100, 16, 1).fits
