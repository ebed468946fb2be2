"""Convolutional networks of the zoo, batch-norm folded and activations fused into the convolutions.

Only shapes: no weights. All take ``batch`` and ``resolution`` (pixels, square images of 3 channels).
"""

from __future__ import annotations

from .builder import Features, NetworkBuilder
from .graph import Workload

EFFICIENTNET_LITE0_STAGES = (  # (expansion, kernel, first stride, channels, repeats)
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)  # fmt: skip
_VGG19 = (2, 2, 4, 4, 4)
_MOBILENET = (  # (channels, stride) of each depthwise-separable pair
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip


def resnet9(batch: int = 1, resolution: int = 32, classes: int = 10) -> Workload:
    """ResNet-9 for CIFAR (the DAWNBench network of D. Page, "How to train your ResNet", 2018), all convolutions 3x3:

    prep 3-64; layer1 64-128, pool 2, residual of two 128-128; layer2 128-256, pool 2; layer3 256-512, pool 2, residual
    of two 512-512; max-pool over the rest (4x4 at 32 pixels); linear 512-classes.
    """
    net = NetworkBuilder("resnet9")
    x = net.conv("prep", net.image(batch, resolution, resolution), 64, activation="relu")
    for index, (channels, residual) in enumerate(((128, True), (256, False), (512, True)), start=1):
        x = net.conv(f"layer{index}.conv", x, channels, activation="relu")
        x = net.pool(f"layer{index}.pool", x, 2)
        if residual:
            y = net.conv(f"layer{index}.res1", x, channels, activation="relu")
            y = net.conv(f"layer{index}.res2", y, channels, activation="relu")
            x = net.add(f"layer{index}.add", x, y)
    net.linear("fc", net.global_pool("pool", x), classes)
    return net.build()


def _resnet_stem(net: NetworkBuilder, batch: int, resolution: int) -> Features:
    x = net.conv("conv1", net.image(batch, resolution, resolution), 64, 7, stride=2, activation="relu")
    return net.pool("maxpool", x, 3, stride=2, padding=1)


def resnet18(batch: int = 1, resolution: int = 224, classes: int = 1000) -> Workload:
    """ResNet-18 (He et al., CVPR 2016, table 1), projection shortcuts where the shape changes."""
    net = NetworkBuilder("resnet18")
    x = _resnet_stem(net, batch, resolution)
    for stage, channels in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            place, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = net.conv(f"{place}.conv1", x, channels, stride=stride, activation="relu")
            y = net.conv(f"{place}.conv2", y, channels)
            if stride > 1:
                x = net.conv(f"{place}.shortcut", x, channels, 1, stride=stride)
            x = net.add(f"{place}.add", y, x)
    net.linear("fc", net.global_pool("avgpool", x), classes)
    return net.build()


def resnet50(batch: int = 1, resolution: int = 224, classes: int = 1000) -> Workload:
    """ResNet-50 (He et al., CVPR 2016, table 1), stride in the 3x3 convolution ("v1.5", as most frameworks ship it)."""
    net = NetworkBuilder("resnet50")
    x = _resnet_stem(net, batch, resolution)
    for stage, (channels, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
        for block in range(blocks):
            place, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = net.conv(f"{place}.conv1", x, channels, 1, activation="relu")
            y = net.conv(f"{place}.conv2", y, channels, stride=stride, activation="relu")
            y = net.conv(f"{place}.conv3", y, 4 * channels, 1)
            if block == 0:
                x = net.conv(f"{place}.shortcut", x, 4 * channels, 1, stride=stride)
            x = net.add(f"{place}.add", y, x)
    net.linear("fc", net.global_pool("avgpool", x), classes)
    return net.build()


def vgg19(batch: int = 1, resolution: int = 224, classes: int = 1000) -> Workload:
    """VGG-19 (Simonyan and Zisserman, ICLR 2015, table 1, configuration E)."""
    net = NetworkBuilder("vgg19")
    x = net.image(batch, resolution, resolution)
    for stage, (repeats, channels) in enumerate(zip(_VGG19, (64, 128, 256, 512, 512), strict=True), start=1):
        for index in range(1, repeats + 1):
            x = net.conv(f"conv{stage}_{index}", x, channels, activation="relu")
        x = net.pool(f"pool{stage}", x, 2)
    y = net.linear("fc6", net.flatten(x), 4096, activation="relu")
    y = net.linear("fc7", y, 4096, activation="relu")
    net.linear("fc8", y, classes)
    return net.build()


def mobilenet_v1(batch: int = 1, resolution: int = 224, classes: int = 1000) -> Workload:
    """MobileNet-v1, width 1.0 (Howard et al., arXiv:1704.04861, table 1; ReLU6 as in the released models)."""
    net = NetworkBuilder("mobilenet_v1")
    x = net.image(batch, resolution, resolution)
    x = net.conv("conv1", x, 32, stride=2, padding="same", activation="relu6")
    for index, (channels, stride) in enumerate(_MOBILENET, start=1):
        x = net.depthwise(f"block{index}.dw", x, stride=stride, padding="same", activation="relu6")
        x = net.conv(f"block{index}.pw", x, channels, 1, activation="relu6")
    net.linear("fc", net.global_pool("avgpool", x), classes)
    return net.build()


def efficientnet_lite0(
    batch: int = 1, resolution: int = 224, classes: int = 1000, *, padding: str | None = "same"
) -> Workload:
    """EfficientNet-Lite0: EfficientNet-B0 (Tan and Le, ICML 2019, table 1) without squeeze-excitation, ReLU6.

    ``padding``: ``"same"`` = TensorFlow's (the released models); None = symmetric, as in ports to PyTorch.
    """
    net = NetworkBuilder("efficientnet_lite0")
    x = net.image(batch, resolution, resolution)
    x = net.conv("stem", x, 32, stride=2, padding=padding, activation="relu6")
    index = 0
    for expansion, kernel, first_stride, channels, repeats in EFFICIENTNET_LITE0_STAGES:
        for repeat in range(repeats):
            place, stride, y = f"block{index}", first_stride if repeat == 0 else 1, x
            if expansion > 1:
                y = net.conv(f"{place}.expand", x, x.channels * expansion, 1, activation="relu6")
            y = net.depthwise(f"{place}.dw", y, kernel, stride=stride, padding=padding, activation="relu6")
            y = net.conv(f"{place}.project", y, channels, 1)
            x = net.add(f"{place}.add", y, x) if repeat else y
            index += 1
    x = net.conv("head", x, 1280, 1, activation="relu6")
    net.linear("fc", net.global_pool("avgpool", x), classes)
    return net.build()
