"""Networks as they are trained: the five of the SAT paper at the resolution of a data set, with their batch norms.

The paper names networks and data sets, not which goes with which, nor ViT's size or any batch: those are our
assumptions, named in ``assumed``. Batch norms follow every convolution of the CNNs (VGG-19 in its batch-norm form).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hwsim.workload.builder import NetworkBuilder
from hwsim.workload.graph import Workload
from hwsim.workload.zoo_cnn import resnet9, resnet18, resnet50
from hwsim.workload.zoo_transformer import vit_b16

_VGG19_CHANNELS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))


@dataclass(frozen=True, kw_only=True)
class TrainingNetwork:
    """A network with the data it is trained on.

    Args:
        name: as tables show it.
        data: data set and resolution.
        build: its workload for a batch (images).
        batch_norm: whether a batch norm follows each convolution.
        assumed: what of it is our assumption.
    """

    name: str
    data: str
    build: Callable[[int], Workload]
    batch_norm: bool
    assumed: str


def vgg19_cifar(batch: int = 1, resolution: int = 32, classes: int = 100) -> Workload:
    """VGG-19's convolutions (Simonyan and Zisserman, ICLR 2015, configuration E) and one linear layer, for CIFAR."""
    net = NetworkBuilder("vgg19_cifar")
    x = net.image(batch, resolution, resolution)
    for stage, (repeats, channels) in enumerate(_VGG19_CHANNELS, start=1):
        for index in range(1, repeats + 1):
            x = net.conv(f"conv{stage}_{index}", x, channels, activation="relu")
        x = net.pool(f"pool{stage}", x, 2)
    net.linear("fc", net.flatten(x), classes)
    return net.build()


NETWORKS: dict[str, TrainingNetwork] = {
    "resnet9": TrainingNetwork(
        name="ResNet-9", data="CIFAR-10, 32x32", build=lambda batch: resnet9(batch), batch_norm=True,
        assumed="the DAWNBench network; data set"),
    "vit": TrainingNetwork(
        name="ViT-B/16", data="ImageNet, 224x224", build=lambda batch: vit_b16(batch), batch_norm=False,
        assumed="size of the network; data set"),
    "vgg19": TrainingNetwork(
        name="VGG-19", data="CIFAR-100, 32x32", build=lambda batch: vgg19_cifar(batch), batch_norm=True,
        assumed="one linear layer, as usual for CIFAR; data set"),
    "resnet18": TrainingNetwork(
        name="ResNet-18", data="Tiny ImageNet, 64x64", build=lambda batch: resnet18(batch, 64, 200), batch_norm=True,
        assumed="ImageNet's stem; data set"),
    "resnet50": TrainingNetwork(
        name="ResNet-50", data="ImageNet, 224x224", build=lambda batch: resnet50(batch), batch_norm=True,
        assumed="data set"),
}
"""By the name that commands use."""
