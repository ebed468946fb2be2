"""Real layers as the array sees them: INT8 operands and requantisation, calibrated on real input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.nm_array.reference import reference
from hwsim.quantize import (
    ActivationScale,
    Requantization,
    calibrate_activations,
    quantize_weights,
    requantization_from_scales,
)
from hwsim.sparsity.nm import nm_mask
from hwsim.sparsity.ratio import Ratio
from hwsim.workload import Operator, im2col
from hwsim.workload.networks.real import RealNetwork, Recording

Floats = npt.NDArray[np.floating[Any]]
Int8 = npt.NDArray[np.int8]
CLAMPS: Mapping[str, tuple[float | None, float | None]] = {
    "none": (None, None), "relu": (0.0, None), "relu6": (0.0, 6.0)}
"""Activation functions that requantisation does on its way; others are left to a later operator."""
LARGEST_BIAS = 2**28
"""Bias in accumulator units that a channel may need; leaves INT32 room for the sums and the folded zero point."""


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantizedLayer:
    """One GEMM operator with INT8 operands.

    Args:
        name: of the operator.
        a: activations (groups, M, K).
        w: weights (groups, K, N).
        requantization: parameters of each group.
        x: of a convolution, the whole input (batch, channels, height, width) int8.
        input: scale and zero point of the activations.
        output: scale and zero point of the results.
        exact: float32 results with the same (pruned) weights, after the clamp: (groups, M, N).
    """

    name: str
    a: Int8
    w: Int8
    requantization: list[Requantization]
    x: Int8 | None
    input: ActivationScale
    output: ActivationScale
    exact: Floats

    def results(self) -> Int8:
        """What the array must give: (groups, M, N) int8."""
        return reference(self.a, self.w, self.requantization)

    def error(self) -> float:
        """Root mean square error of the INT8 results, relative to the root mean square of the exact ones."""
        difference = self.output.dequantize(self.results()) - self.exact
        size = float(np.sqrt(np.mean(np.square(self.exact, dtype=np.float64))))
        return float(np.sqrt(np.mean(np.square(difference)))) / size if size else 0.0


def quantize_layer(network: RealNetwork, recording: Recording, name: str) -> QuantizedLayer:
    """Quantise one operator: weights per output channel, activations per tensor from the recorded input.

    Args:
        network: holds the weights, pruned or not.
        recording: of a run of the network on real input; calibrates input and output.
        name: conv or linear operator.

    Raises:
        InputError: no such operator, or one without weights.
    """
    if name not in network.weights:
        raise InputError("layer", f"one of {', '.join(network.weights)}", name)
    a, w = recording.a(name), network.weights[name]
    bias = network.bias[name].reshape(len(w), -1)
    lowest, highest = CLAMPS.get(network.activation(name), (None, None))
    exact = np.clip(a @ w + bias[:, None, :], lowest, highest) if (lowest, highest) != (None, None) else (
        a @ w + bias[:, None, :])
    scale_in, scale_out = calibrate_activations(a, place=name), calibrate_activations(exact, place=name)
    low, high = scale_out.limits(lowest, highest)
    weights = [quantize_weights(group, f"{name} weights", np.abs(bias[g]) / (LARGEST_BIAS * scale_in.scale))
               for g, group in enumerate(w)]
    parameters = [
        requantization_from_scales(scale_in.scale, scale_in.zero_point, group.scales, group.values, bias[g],
                                   scale_out.scale, scale_out.zero_point, low, high, name)
        for g, group in enumerate(weights)]
    x = scale_in.quantize(recording[name], name) if network.workload[name].conv else None
    return QuantizedLayer(name=name, a=scale_in.quantize(a, name), w=np.stack([group.values for group in weights]),
                          requantization=parameters, x=x, input=scale_in, output=scale_out, exact=exact)


def random_layer(operator: Operator, w: npt.NDArray[Any] | None, ratio: Ratio, seed: int) -> QuantizedLayer:
    """An operator with drawn INT8 values, for shapes without a real input.

    Args:
        operator: conv, linear or matmul.
        w: its weights (groups, K, N) where they are known; drawn otherwise.
        ratio: N:M that drawn weights keep along K.
        seed: the same seed gives the same values.
    """
    rng = np.random.default_rng(seed)
    if w is None:
        w = rng.normal(size=operator.weight_shape)
        w = np.where(nm_mask(w, ratio, 1), w, 0)
    x = None if operator.conv is None else rng.integers(-128, 128, operator.conv.input_shape).astype(np.int8)
    scale = ActivationScale(1.0, int(rng.integers(-20, 20)))
    if operator.conv is None or x is None:
        a = rng.integers(-128, 128, (operator.groups, operator.m, operator.k)).astype(np.int8)
    else:
        a = im2col(x, operator.conv, pad_value=scale.zero_point)
    weights = [quantize_weights(group, operator.name) for group in w]
    values = np.stack([group.values for group in weights])
    exact = np.stack([(scale.dequantize(each) @ group.dequantize()) for each, group in zip(a, weights, strict=True)])
    output = calibrate_activations(exact, place=operator.name)
    parameters = [requantization_from_scales(scale.scale, scale.zero_point, group.scales, group.values, None,
                                             output.scale, output.zero_point, place=operator.name)
                  for group in weights]
    return QuantizedLayer(name=operator.name, a=a, w=values, requantization=parameters, x=x, input=scale,
                          output=output, exact=exact)
