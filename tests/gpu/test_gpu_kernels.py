"""The model of GPU kernels: parts, limits, and what no kernel can do."""

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.errors import InputError
from hwsim.gpu import KERNELS, GemmShape, GpuBoard, predict
from hwsim.gpu.model import excess_of_2_4, waves

A100 = GpuBoard.preset("a100-80g")
SIDES = st.integers(1, 40000)


@settings(deadline=None)  # the first call of some kernels imports SciPy
@given(st.sampled_from(sorted(KERNELS)), SIDES, SIDES, st.integers(1, 600), st.sampled_from([0.0, 0.5, 0.7, 0.9, 1.0]))
def test_time_is_never_below_bytes_or_multiplications(kernel, m, k, n, sparsity):
    if kernel in ("semi_structured", "marlin"):
        m, k, sparsity = 16 * math.ceil(m / 16), 16 * math.ceil(k / 16), 0.5
    found = predict(A100, kernel, GemmShape(m, k, n), sparsity)
    assert found.us * 1e-6 >= found.parts.bytes / A100.bytes_per_s
    if kernel in ("cublas", "flash_llm", "bitmap"):
        assert found.tflops * 1e12 <= A100.tensor_flops
    if kernel in ("semi_structured", "marlin"):
        assert found.tflops * 1e12 <= A100.sparse_tensor_flops
    assert found.us >= found.parts.launch + max(found.parts.memory, found.parts.compute, found.parts.decode)
    parts = found.to_dict()["parts_ms"]
    assert sum(parts.values()) - 2 * parts["overlap"] == pytest.approx(found.us / 1e3) and parts["overlap"] >= 0
    low, nominal, high = found.joules
    assert 0 < low <= nominal <= high


@pytest.mark.parametrize("kernel", ["flash_llm", "sparta", "sputnik", "bitmap"])
def test_fewer_non_zeros_never_take_longer(kernel):
    shape = GemmShape(8192, 8192, 16)
    times = [predict(A100, kernel, shape, s / 20).us for s in range(21)]
    assert all(later <= earlier for earlier, later in zip(times, times[1:], strict=False)) and times[-1] < times[0]


def test_dense_time_by_hand():
    constants = dict.fromkeys(("memory_efficiency", "dense_efficiency", "sparse_efficiency"), 1.0)
    board = A100.replace(multiprocessors=4, bytes_per_s=1e9, tensor_flops=1e12)
    from hwsim.gpu.constants import default_constants

    whole = default_constants().replace(cublas_launch_us=3.0, **constants)
    found = predict(board, "cublas", GemmShape(128, 64, 8), constants=whole)
    assert found.parts.bytes == 2 * (128 * 64 + 8 * (128 + 64)) and found.parts.memory == pytest.approx(19.456)
    # One tile of 128 x 8 columns; k split over the four multiprocessors.
    assert found.parts.compute == pytest.approx(1e6 * 2 * 128 * 8 * 64 / 1e12)
    assert found.us == pytest.approx(22.456) and found.bound == "memory"


def test_waves_and_what_two_of_four_cannot_hold():
    assert waves(108, 108) == 1 and waves(109, 108) == pytest.approx(2 * 108 / 109) and waves(27, 108) == 4
    assert excess_of_2_4(0.0) == 0.5 and excess_of_2_4(1.0) == 0
    density = 0.3
    by_hand = (4 * density**3 * 0.7 + 2 * density**4) / 4
    assert excess_of_2_4(0.7) == pytest.approx(by_hand)


def test_narrow_products_are_padded_to_eight_columns():
    times = {n: predict(A100, "flash_llm", GemmShape(8192, 8192, n), 0.8).parts.decode for n in (1, 8, 9, 16)}
    assert times[1] == times[8] < times[9] == times[16]


@pytest.mark.parametrize(("change", "part"), [({"bytes_per_s": 4e12}, "memory"), ({"clock_hz": 3e9}, "decode")])
def test_a_better_board_shortens_its_part_alone(change, part):
    shape = GemmShape(8192, 8192, 16)
    before, after = (predict(board, "flash_llm", shape, 0.8).parts for board in (A100, A100.replace(**change)))
    assert getattr(after, part) < getattr(before, part)
    others = {"memory", "decode", "compute", "launch"} - {part}
    assert all(math.isclose(getattr(after, other), getattr(before, other)) for other in others)


@pytest.mark.parametrize(("text", "wanted"), [
    ("3x4", "MxKxN"), ("3x4x0", "1"), ("3xax4", "MxKxN"), ("1x2x3x4x5", "MxKxN"), ("", "MxKxN")])
def test_shapes_that_are_none(text, wanted):
    with pytest.raises(InputError, match=wanted):
        GemmShape.parse(text)


def test_refusals():
    shape = GemmShape.parse("8x8x8x2")
    assert shape.batch == 2
    for kernel, sparsity, board in (("nope", 0.5, A100), ("cublas", 1.5, A100), ("cublas", math.nan, A100),
                                    ("semi_structured", 0.7, A100), ("sparta", 0.7, GpuBoard.preset("v100s-32g"))):
        with pytest.raises(InputError):
            predict(board, kernel, shape, sparsity)
    with pytest.raises(InputError, match="idle_share"):
        A100.replace(idle_share=1.2)
    assert set(dataclasses.asdict(predict(A100, "cublas", shape).parts)) >= {"launch", "memory", "compute", "decode"}
