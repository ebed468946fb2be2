"""Training steps on GPUs: kernels by hand, and the order of a published rate."""

import pytest

from hwsim.gpu import GemmShape, GpuBoard, predict
from hwsim.gpu.constants import default_constants
from hwsim.gpu.training import training_step
from hwsim.workload import Workload
from hwsim.workload.builder import NetworkBuilder
from hwsim.workload.zoo_training import NETWORKS, TrainingNetwork

A100 = GpuBoard.preset("a100-80g")


def two_layers(batch: int) -> Workload:
    net = NetworkBuilder("two")
    hidden = net.linear("first", net.flatten(net.image(batch, 32, 32)), 4096)
    net.linear("second", hidden, 512)
    return net.build()


def test_two_linear_layers_by_hand():
    network = TrainingNetwork(name="two", data="", build=two_layers, batch_norm=False, assumed="")
    found = training_step(network, 8192, A100)
    shapes = [(4096, 3072, 8192), (512, 4096, 8192), (4096, 512, 8192),  # FF of both; BP of the second alone
              (512, 8192, 4096), (4096, 8192, 3072)]                     # WU
    c = default_constants()
    update = 20 * 4096 * (3072 + 512) / (A100.bytes_per_s * c.memory_efficiency) + 1e-6 * c.cublas_launch_us
    kernels = sum(predict(A100, "cublas", GemmShape(*shape)).us for shape in shapes)
    assert found.seconds == pytest.approx(1e-6 * kernels + update)
    low, nominal, high = found.joules
    assert low < nominal < high == pytest.approx(A100.board_watts * found.seconds)


def test_order_of_a_published_rate():
    """2,470 images/s, ResNet-50 in mixed precision (NVIDIA/DeepLearningExamples); norms and host make us too fast."""
    found = training_step(NETWORKS["resnet50"], 256, A100)
    assert 2470 < found.batch / found.seconds < 2 * 2470
