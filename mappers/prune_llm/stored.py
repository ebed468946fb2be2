"""Pruned and quantised layers as a file (``.npz``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError
from hwsim.workload.decoder.block_ratio import BLOCK, GROUPS, WIDTHS
from mappers.prune_llm.blocks import BlockMap

_M, _VALUES, _SCALES, _BLOCKS, _BITS = "m", "values", "scales", "blocks", "bits"


@dataclass(frozen=True, eq=False)
class StoredLayer:
    """A layer as a file holds it: whole numbers (k, n), scales (n,), N of the blocks, bits, M."""

    integers: NDArray[np.int8]
    scales: NDArray[np.float16]
    blocks: BlockMap
    bits: int
    m: int

    @property
    def value(self) -> NDArray[np.float64]:
        """What a layer multiplies by."""
        return self.integers.astype(np.float64) * self.scales


def file_bytes(layers: Mapping[str, StoredLayer]) -> bytes:
    """The file of some layers: equal layers, equal bytes."""
    arrays: dict[str, NDArray] = {}
    for name, layer in layers.items():
        parts = {_VALUES: layer.integers, _SCALES: layer.scales, _BLOCKS: layer.blocks, _BITS: np.uint8(layer.bits),
                 _M: np.uint8(layer.m)}  # fmt: skip
        arrays |= {f"{name}.{part}": np.asarray(value) for part, value in parts.items()}
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def load_pruned(path: str | Path) -> dict[str, StoredLayer]:
    """Layers of a file that `file_bytes` made.

    Raises:
        InputError: no such file, another file, or weights that break their own N:M or bits.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        names = [key.removesuffix(f".{_BITS}") for key in arrays if key.endswith(f".{_BITS}")]
        layers = {name: StoredLayer(
            arrays[f"{name}.{_VALUES}"], arrays[f"{name}.{_SCALES}"], arrays[f"{name}.{_BLOCKS}"],
            int(arrays[f"{name}.{_BITS}"]), int(arrays[f"{name}.{_M}"])) for name in names}  # fmt: skip
    except OSError as error:
        raise InputError(str(path), "a readable file of pruned weights", error.strerror or str(error)) from None
    except (KeyError, ValueError, TypeError, EOFError, AttributeError, BadZipFile) as error:
        raise InputError(str(path), "a file of pruned weights", str(error) or type(error).__name__) from None
    if not layers:
        raise InputError(str(path), "a file of pruned weights", "no layer")
    for name, layer in layers.items():
        _check(layer, f"{path}: {name}")
    return layers


def _check(layer: StoredLayer, place: str) -> None:
    if layer.integers.ndim != 2 or layer.integers.dtype != np.int8:
        given = f"{layer.integers.dtype} of shape {layer.integers.shape}"
        raise InputError(place, "a matrix of int8", given)
    if layer.bits not in WIDTHS:
        raise InputError(place, "2, 3, 4 or 8 bits", layer.bits)
    k, n = layer.integers.shape
    if layer.blocks.shape != (k // BLOCK, n // BLOCK) or layer.scales.shape != (n,) or layer.m not in GROUPS:
        raise InputError(place, f"scales, blocks and M of a {k} x {n} weight",
                         f"shapes {layer.scales.shape} and {layer.blocks.shape}, M = {layer.m}")  # fmt: skip
    limit = 2 ** (layer.bits - 1)
    if layer.integers.min() < -limit or layer.integers.max() >= limit:
        raise InputError(place, f"whole numbers of {layer.bits} bits", int(np.abs(layer.integers).max()))
    counts = np.count_nonzero(layer.integers.reshape(k // layer.m, layer.m, n), axis=1)
    allowed = np.repeat(np.repeat(layer.blocks, BLOCK // layer.m, axis=0), BLOCK, axis=1)
    if (counts > allowed).any():
        row, column = (int(i) for i in np.argwhere(counts > allowed)[0])
        raise InputError(f"{place}: group {row} of column {column}", f"at most {allowed[row, column]} weights",
                         int(counts[row, column]))  # fmt: skip
