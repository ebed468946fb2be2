"""Operands of a real layer in the form that its schedule asks for: windows laid out, groups packed, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.quantize import Requantization
from mappers.nm_array import Mapped
from mappers.quantized import QuantizedLayer

Array = npt.NDArray[Any]


def operands(mapped: Mapped, layer: QuantizedLayer) -> tuple[Array, Array, list[Requantization]]:
    """A, B and requantisation of the GEMMs that the array runs.

    Args:
        mapped: how the operator is mapped.
        layer: its quantised operands.

    Returns:
        a (groups, M, K) and w (groups, K, N) int8 in ``mapped.shape``, and parameters of each group.
    """
    a, w, parameters = layer.a, layer.w, layer.requantization
    if mapped.window is not None and layer.x is not None:
        a, w = mapped.window.a(layer.x, layer.input.zero_point), mapped.window.b(w)
        parameters = [_repeated(each, mapped.window.width) for each in parameters]
    count, packed = mapped.shape.groups, mapped.packed
    a = a.reshape(count, packed, *a.shape[1:]).swapaxes(1, 2).reshape(count, a.shape[1], -1)
    blocks = w.reshape(count, packed, *w.shape[1:])
    diagonal = np.zeros((count, packed, w.shape[1], packed, w.shape[2]), w.dtype)
    for i in range(packed):
        diagonal[:, i, :, i] = blocks[:, i]
    together = [_joined(parameters[g * packed:(g + 1) * packed]) for g in range(count)]
    return a, diagonal.reshape(count, packed * w.shape[1], -1), together


def results(mapped: Mapped, z: Array) -> Array:
    """The array's results in the layer's own form: ``mapped.shape`` -> (groups, M, N)."""
    count, packed = mapped.shape.groups, mapped.packed
    apart = z.reshape(count, z.shape[1], packed, -1).swapaxes(1, 2).reshape(count * packed, z.shape[1], -1)
    return apart if mapped.window is None else mapped.window.output(apart)


def _repeated(parameters: Requantization, times: int) -> Requantization:
    """One channel's parameters for each column of a window."""
    return _joined([parameters] * times)


def _joined(several: list[Requantization]) -> Requantization:
    """Parameters of packed groups, side by side; they share the output's scale and limits."""
    first = several[0]
    return replace(first, bias=np.concatenate([each.bias for each in several]),
                   multiplier=np.concatenate([each.multiplier for each in several]),
                   shift=np.concatenate([each.shift for each in several]))
