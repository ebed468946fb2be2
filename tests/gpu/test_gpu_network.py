"""Networks on GPUs: operators as kernels, by hand; beside a run; what is refused."""

import json

import pytest

from hwsim.cli import main
from hwsim.errors import InputError
from hwsim.gpu import GemmShape, GpuBoard, predict
from hwsim.gpu.choice import GpuChoice
from hwsim.gpu.constants import default_constants
from hwsim.gpu.network import obeys_2_4, on_gpus
from hwsim.sparsity.ratio import Ratio
from hwsim.workload import ConvGeometry, Operator, Workload, zoo

A100 = GpuBoard.preset("a100-80g")
ONE = GpuChoice(boards=("a100-80g",))


def alone(op, ratio="1:1", choice=ONE, data_type="fp16"):
    (found,) = on_gpus(Workload(name="one", operators=(op,)), choice, {op.name: Ratio.parse(ratio)}, data_type)
    return found.layers[0]


def test_linear_layer_is_a_product_with_its_weights_as_a():
    found = alone(Operator(name="fc", kind="linear", m=7, k=2048, n=1000))
    assert found.kernel == "gemm" and found.seconds == 1e-6 * predict(A100, "cublas", GemmShape(1000, 2048, 7)).us
    assert set(found.outside) == {"m", "k", "n"}


def test_attention_is_a_product_a_head():
    found = alone(Operator(name="scores", kind="matmul", m=128, k=64, n=96, groups=12))
    assert found.seconds == pytest.approx(1e-6 * predict(A100, "cublas", GemmShape(96, 64, 128, 12)).us, rel=1e-12)


def test_convolution_reads_its_input_once():
    conv = ConvGeometry(in_channels=16, out_channels=128, height=512, width=512, padding=(1, 1, 1, 1), batch=4)
    found, c = alone(Operator.of_conv("conv", conv)), default_constants()
    bytes_ = 2 * (16 * 128 * 9 + 4 * 512 * 512 * (16 + 128))
    assert found.kernel == "implicit gemm" and found.bound == "memory"
    assert found.seconds == pytest.approx(1e-6 * c.cublas_launch_us + bytes_ / (2039e9 * c.memory_efficiency))


def test_depthwise_convolution_has_no_tensor_cores():
    conv = ConvGeometry(in_channels=512, out_channels=512, height=224, width=224, kernel=(15, 15),
                        padding=(7, 7, 7, 7), groups=512)
    found = alone(Operator.of_conv("dw", conv))
    flops = 2 * 64 * 108 * 1.41e9  # FP32 lanes
    assert found.kernel == "depthwise" and found.bound == "compute" and "kernel" in found.outside
    assert found.seconds == pytest.approx(1e-6 * default_constants().cublas_launch_us
                                          + 2 * 512 * 224 * 224 * 225 / flops)


def test_what_is_fused_is_no_kernel_and_is_not_counted():
    ops = (Operator(name="fc", kind="linear", m=8, k=9216, n=9216),
           Operator(name="dw", kind="linear", m=7, k=2048, n=1000),
           Operator(name="sum", kind="traffic", input_elements=9, output_elements=9))
    (found,) = on_gpus(Workload(name="three", operators=ops), ONE, {}, "fp16")
    told = found.to_dict()
    assert (told["kernels"], len(told["layers"])) == (2, 3) and told["extrapolated_kernels"] == {"k": 1, "m": 1, "n": 1}


def test_2_4_is_taken_where_it_is_faster():
    large, small = (Operator(name="fc", kind="linear", m=m, k=4096, n=4096) for m in (4096, 1))
    assert alone(large, "2:4").kernel == "gemm 2:4" and alone(large, "2:4").seconds < alone(large).seconds
    assert alone(small, "2:4").kernel == "gemm"
    assert alone(large, "2:4", ONE.replace(sparse=False)).kernel == "gemm"
    assert alone(large, "4:8").kernel == "gemm" and alone(large, "2:8").kernel == "gemm 2:4"
    assert alone(large, "2:4", GpuChoice(boards=("v100s-32g",))).kernel == "gemm"
    assert [obeys_2_4(Ratio.parse(text)) for text in ("1:2", "1:16", "4:16", "1:1", "2:2")] == [1, 1, 0, 0, 0]


def test_data_type_is_that_of_the_accelerator_where_the_board_has_it():
    workload = zoo.build("resnet18", batch=64)
    a100, v100 = on_gpus(workload, GpuChoice(boards=("a100-80g", "v100s-32g")), {}, "int8")
    assert (a100.data_type, v100.data_type) == ("int8", "fp16")
    (half,) = on_gpus(workload, ONE, {}, "fp16")
    assert half.data_type == "fp16" and half.seconds > 1.3 * a100.seconds
    assert a100.inputs == 64 and a100.unit == "images" and a100.fits


@pytest.mark.parametrize("name", ["mobilenet_v1", "efficientnet_lite0"])
def test_small_networks_at_batch_1_are_bound_by_launches(name):
    """EfficientNet-B0 in PyTorch on an A100 of 80 GB takes 9.33, 9.39, 9.68 and 9.85 ms at batch 1, 2, 4 and 8
    (NVIDIA/DeepLearningExamples): the host's dispatch, no work of the GPU. Without a host a launch a kernel is left.
    """
    found = {batch: on_gpus(zoo.build(name, batch=batch), ONE, {}, "int8")[0] for batch in (1, 4, 512)}
    kernels = sum(layer.kernel != "fused" for layer in found[1].layers)
    assert found[1].bound == "launch" and 3e-4 < found[1].seconds < 9e-3
    assert 1 < found[1].seconds / (1e-6 * kernels * default_constants().cublas_launch_us) < 1.1
    assert found[4].seconds < 1.15 * found[1].seconds and found[512].bound != "launch"


@pytest.mark.slow
def test_run_shows_them(tmp_path, capfd):
    keys = ["rows=8", "cols=8", "n=2", "m=4", 'gpu.boards=["a100-80g", "h100-sxm"]', "gpu.dollars=1000",
            "gpu.prices.h100-sxm=30000"]
    words = [word for key in keys for word in ("--set", key)]
    assert main(["run", "--gemm", "256x512x128", *words, "-o", str(tmp_path)]) == 0
    out = capfd.readouterr().out
    assert "GPU (model)" in out and "H100 SXM" in out and "predicted, not measured" in out
    result = json.loads((tmp_path / "result.json").read_text())
    boards, ours = result["gpus"]["boards"], result["seconds"]
    assert result["gpus"]["held_out_error"]["worst"] == pytest.approx(0.05, abs=0.002)
    assert [one["dollars"] for one in boards] == [17000, 30000]
    for one in boards:
        assert one["speedup"] == pytest.approx(one["seconds"] / ours)
        assert one["cost_gain"] == pytest.approx(one["speedup"] * one["dollars"] / 1000)
        assert one["energy_gain"] == pytest.approx(one["joules"]["nominal"] / result["energy_joules"])
        assert one["seconds"] == pytest.approx(sum(layer["seconds"] for layer in one["layers"]))


@pytest.mark.parametrize(("table", "wanted"), [
    ({"boards": ["a200"]}, r"gpu.boards\[0\]: wanted one of"), ({"boards": ["a100-80g"] * 2}, "each board once"),
    ({"data_type": "int8"}, "int8 with V100S"), ({"dollars": 0}, "gpu.dollars"), ({"price": 3}, "price"),
    ({"prices": {"a200": 3}}, "gpu.prices"), ({"prices": {"a100-80g": "x"}}, "gpu.prices.a100-80g: wanted dollars")])
def test_bad_tables(table, wanted):
    from hwsim.experiment import Experiment

    with pytest.raises(InputError, match=wanted):
        Experiment.from_mapping({"workload": {"gemm": "8x8x8"}, "gpu": table})


def test_no_boards_no_columns():
    assert on_gpus(zoo.build("resnet9"), GpuChoice(boards=()), {}, "int8") == ()
