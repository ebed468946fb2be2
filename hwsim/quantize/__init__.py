"""INT8 quantisation of weights and activations, and the integer requantisation that the hardware does, exactly."""

from hwsim.quantize.requantize import (
    LARGEST_SHIFT,
    Requantization,
    accumulator_bound,
    check_accumulator,
    multiplier_and_shift,
    requantization_from_scales,
    requantize,
)
from hwsim.quantize.scales import (
    LARGEST_WEIGHT,
    ActivationScale,
    QuantizedWeights,
    calibrate_activations,
    quantize_weights,
)

__all__ = [
    "LARGEST_SHIFT",
    "LARGEST_WEIGHT",
    "ActivationScale",
    "QuantizedWeights",
    "Requantization",
    "accumulator_bound",
    "calibrate_activations",
    "check_accumulator",
    "multiplier_and_shift",
    "quantize_weights",
    "requantization_from_scales",
    "requantize",
]
