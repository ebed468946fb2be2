"""INT8 and INT4 products, dense and 2:4; weights in INT4; what the published points do not cover."""

import json

import pytest

from hwsim.cli import main
from hwsim.errors import InputError
from hwsim.gpu import GemmShape, GpuBoard, predict
from hwsim.gpu.calibration import ONE_POINT
from hwsim.gpu.coverage import extrapolated
from hwsim.gpu.points import points
from hwsim.workload.decoder import load_model, operators

A100, H100 = GpuBoard.preset("a100-80g"), GpuBoard.preset("h100-sxm")


def test_bytes_of_weights_at_2_4():
    ratios = {kind: GemmShape(64, 64, 8, data_type=kind) for kind in ("fp16", "int8", "int4")}
    # Half the values and two bits for each kept one; INT4 keeps pairs.
    assert {kind: one.sparse_weight_bytes / one.weight_bytes for kind, one in ratios.items()} == {
        "fp16": 0.5625, "int8": 0.625, "int4": 0.625}
    weights = [predict(A100, "marlin", GemmShape(4096, 4096, 1), zeros).parts.bytes - 4 * 4096 for zeros in (0, 0.5)]
    assert weights == pytest.approx([4096**2 * 4.125 / 8, 4096**2 * 3.125 / 8])


@pytest.mark.parametrize(("kernel", "sparsity"), [("cublas", 0.0), ("semi_structured", 0.5)])
def test_large_products_run_at_the_peak_of_their_type(kernel, sparsity):
    efficiency = ONE_POINT["sparse_efficiency" if sparsity else "dense_efficiency"][0]
    for kind, peak in (("fp16", 312e12), ("int8", 624e12), ("int4", 1248e12)):
        found = predict(A100, kernel, GemmShape(16384, 16384, 16384, data_type=kind), sparsity)
        assert found.tflops * 1e12 == pytest.approx(peak * efficiency * (2 if sparsity else 1), rel=0.04)


@pytest.mark.parametrize(("board", "kernel", "shape", "wanted"), [
    ("h100-sxm", "semi_structured", GemmShape(64, 64, 64, data_type="int4"), "INT4, got H100"),
    ("h100-sxm", "cublas", GemmShape(64, 64, 64, data_type="int4"), "INT4, got H100"),
    ("v100s-32g", "cublas", GemmShape(64, 64, 64, data_type="int8"), "INT8, got V100S"),
    ("a100-80g", "semi_structured", GemmShape(32, 64, 64, data_type="int4"), "multiples of 64, got 32 x 64"),
    ("a100-80g", "flash_llm", GemmShape(64, 64, 64, data_type="int8"), "fp16"),
    ("a100-80g", "marlin", GemmShape(64, 64, 64), "0, or 0.5")])
def test_refusals(board, kernel, shape, wanted):
    sparsity = {"marlin": 0.7, "cublas": 0.0}.get(kernel, 0.5)
    with pytest.raises(InputError, match=wanted):
        predict(GpuBoard.preset(board), kernel, shape, sparsity)


def test_sign_of_2_4_with_int4_weights():
    """Llama-3-8B decoding at batch 1 with INT4 weights: 226.0 token/s at 2:4, 180.8 dense."""
    layer = [GemmShape(op.n, op.k, op.m) for op in operators(load_model("llama-3-8b"), 1, 200) if op.kind == "linear"]
    dense, sparse = (sum(predict(A100, "marlin", shape, zeros).us for shape in layer) for zeros in (0.0, 0.5))
    assert len(layer) == 7 and 1.05 < dense / sparse < 4.125 / 3.125


def test_what_the_points_cover():
    for point in points():
        for kernel in ("cublas", "flash_llm", "sparta", "sputnik"):
            assert extrapolated(A100, kernel, point.shape, point.sparsity) == {}
    assert extrapolated(A100, "cublas", GemmShape(16384, 16384, 16384), 0.0) == {}
    assert set(extrapolated(H100, "flash_llm", GemmShape(21504, 7168, 1), 0.5)) == {"n", "sparsity", "gpu"}
    assert set(extrapolated(A100, "cublas", GemmShape(256, 7168, 8, 2, "int8"), 0.0)) == {"m", "batch", "data_type"}
    assert set(extrapolated(A100.replace(clock_hz=1e9), "cublas", GemmShape(9216, 9216, 8), 0.0)) == {"gpu"}
    assert set(extrapolated(A100, "marlin", GemmShape(9216, 9216, 8), 0.5)) == {"kernel"}


@pytest.mark.parametrize(("words", "outside"), [([], {}), (["--data-type", "int4"], {"data_type"}),
                                                (["--gpu", "rtx6000-ada"], {"gpu"})])
def test_the_command_says_so(words, outside, capfd):
    call = ["gpu", "predict", "--shape", "9216x9216x8", *words]
    assert main([*call, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["extrapolated"] is bool(outside) and set(found["extrapolated_axes"]) == set(outside)
    assert main(call) == 0
    assert capfd.readouterr().out.count("extrapolated along") == len(outside)
