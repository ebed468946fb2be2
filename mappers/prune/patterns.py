"""Trained weights and both masks of a network as one small file, for the simulator and the RTL (NumPy only).

A file holds, for each N:M layer, the master weight rounded to float16, and the masks of FF and BP packed to bits. The
masks are those of the rounded weights, so that they follow from the file alone by `hwsim.sparsity.nm.nm_mask`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import Ratio
from hwsim.sparsity.size import Array
from mappers.prune.methods import BP_AXIS, FF_AXIS

_RATIO, _WEIGHT, _FF, _BP = "ratio", "weight", "mask_ff", "mask_bp"


@dataclass(frozen=True, eq=False)
class TrainedLayer:
    """One layer after training.

    Args:
        name: of the layer.
        ratio: N:M of both masks.
        weight: master weight, (out, in) or (out, in, height, width), floats.
        mask_ff: what FF keeps, bool of the same shape: N of M neighbours along the input channels.
        mask_bp: what BP keeps: N of M neighbours along the output channels.
    """

    name: str
    ratio: Ratio
    weight: Array
    mask_ff: Array
    mask_bp: Array

    def ff_matrix(self) -> Array:
        """B of FF's GEMM, (K, N): pruned; K = (kernel row, kernel column, input channel), N = output channel."""
        return self._matrix(np.where(self.mask_ff, self.weight, 0), reduced=FF_AXIS)

    def bp_matrix(self) -> Array:
        """B of BP's GEMM, (K, N): pruned; K = (kernel row, kernel column, output channel), N = input channel.

        BP of a convolution is a convolution of the output's gradient with the kernel turned by 180 degrees.
        """
        pruned = np.where(self.mask_bp, self.weight, 0)
        return self._matrix(pruned[:, :, ::-1, ::-1] if pruned.ndim == 4 else pruned, reduced=BP_AXIS)

    def _matrix(self, w: Array, reduced: int) -> Array:
        """Reduced channels fastest in K. Groups must not run from one kernel position into the next."""
        if w.ndim == 4 and w.shape[2] * w.shape[3] > 1 and w.shape[reduced] % self.ratio.m:
            raise InputError(f"layer {self.name}", f"channels that {self.ratio.m} divides", w.shape[reduced])
        order = (2, 3, reduced, 1 - reduced) if w.ndim == 4 else (reduced, 1 - reduced)
        return np.ascontiguousarray(w.transpose(order)).reshape(-1, w.shape[1 - reduced])


def trained_layer(name: str, weight: Array, ratio: Ratio) -> TrainedLayer:
    """A layer of a master weight, with the masks that the common rule gives. Raises InputError as ``nm_mask``."""
    return TrainedLayer(name, ratio, weight, nm_mask(weight, ratio, FF_AXIS, f"layer {name}"),
                        nm_mask(weight, ratio, BP_AXIS, f"layer {name}"))  # fmt: skip


def pattern_bytes(weights: Mapping[str, Array], ratio: Ratio) -> bytes:
    """The file of a network's master weights: equal weights, equal bytes.

    Args:
        weights: by layer, (out, in) or (out, in, height, width); rounded to float16 first.
        ratio: N:M of every layer.
    """
    arrays: dict[str, Array] = {_RATIO: np.array([ratio.n, ratio.m], np.uint8)}
    for name, weight in weights.items():
        layer = trained_layer(name, weight.astype(np.float16), ratio)
        arrays[f"{name}.{_WEIGHT}"] = layer.weight
        arrays[f"{name}.{_FF}"], arrays[f"{name}.{_BP}"] = np.packbits(layer.mask_ff), np.packbits(layer.mask_bp)
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def load_patterns(path: str | Path) -> dict[str, TrainedLayer]:
    """The layers of a file that ``pattern_bytes`` made, by name.

    Raises:
        InputError: no such file, another file, or masks that do not follow from the weights.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        ratio = Ratio(*arrays.pop(_RATIO).tolist())
        names = [key.removesuffix(f".{_WEIGHT}") for key in arrays if key.endswith(f".{_WEIGHT}")]
        return {name: _checked(name, arrays, ratio, str(path)) for name in names}
    except InputError:
        raise
    except OSError as error:
        raise InputError(str(path), "a file of trained patterns", error.strerror or "another file") from None
    except (KeyError, ValueError, TypeError, AttributeError, EOFError, BadZipFile):
        raise InputError(str(path), "a file of trained patterns", "another file") from None


def _checked(name: str, arrays: Mapping[str, Array], ratio: Ratio, place: str) -> TrainedLayer:
    layer = trained_layer(name, arrays[f"{name}.{_WEIGHT}"], ratio)
    for key, mask in ((_FF, layer.mask_ff), (_BP, layer.mask_bp)):
        if not np.array_equal(arrays[f"{name}.{key}"], np.packbits(mask)):
            raise InputError(f"{place}: {name}.{key}", "the mask that the weights give", "another")
    return layer
