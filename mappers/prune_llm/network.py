"""A whole network pruned and quantised: its layers, and the assignment they follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.errors import InputError
from hwsim.workload.decoder.assignment import Assignment
from mappers.prune_llm.blocks import shares_of
from mappers.prune_llm.gram import Gram, check_inputs
from mappers.prune_llm.methods import Method, PrunedWeight, prune_weight
from mappers.prune_llm.sensitivity import Choice
from mappers.prune_llm.stored import StoredLayer, file_bytes


@dataclass(frozen=True, eq=False)
class PrunedNetwork:
    """Layers after pruning, and what was measured.

    Args:
        name: short name.
        method: that pruned it.
        layers: by name.
        errors: relative output error of each layer on the calibration activations.
        source: of weights and activations.
    """

    name: str
    method: Method
    layers: dict[str, PrunedWeight]
    errors: dict[str, float]
    source: str

    @property
    def weights(self) -> dict[str, NDArray[np.float64]]:
        """What each layer multiplies by, (k, n)."""
        return {name: layer.value for name, layer in self.layers.items()}

    def assignment(self) -> Assignment:
        """N:M and bits of each layer as rules, for `hwsim.workload.decoder.assignment.write_assignment`.

        Raises:
            InputError: layers without bits.
        """
        rules = [{"match": name, "bits": _bits(name, layer), "m": layer.m, "n": shares_of(layer.blocks)}
                 for name, layer in self.layers.items()]  # fmt: skip
        return Assignment.from_mapping({"name": self.name, "rules": rules, "source": "pruned",
                                        "note": f"{self.method}; {self.source}"})  # fmt: skip

    def file_bytes(self) -> bytes:
        """The layers as an ``.npz``: whole numbers, scales, N of the blocks and bits; equal layers, equal bytes."""
        return file_bytes({
            name: StoredLayer(integers=layer.integers, scales=layer.scales.astype(np.float16), blocks=layer.blocks,
                              bits=_bits(name, layer), m=layer.m)
            for name, layer in self.layers.items()
        })  # fmt: skip


def _bits(name: str, layer: PrunedWeight) -> int:
    if layer.bits is None:
        raise InputError(f"layer {name}: bits", "a quantised weight", "none")
    return layer.bits


def prune_network(name: str, weights: Mapping[str, NDArray[np.floating]], grams: Mapping[str, Gram],
                  choices: Mapping[str, Choice], method: Method, source: str) -> PrunedNetwork:  # fmt: skip
    """Prune every layer by its choice, each on the activations of the dense network.

    Raises:
        InputError: a layer without choice or activations, or as `prune_weight`.
    """
    check_inputs(weights, grams)
    layers, errors = {}, {}
    for layer, weight in weights.items():
        if layer not in choices:
            raise InputError("choices", f"one for {layer}", "none")
        choice = choices[layer]
        layers[layer] = prune_weight(weight, grams[layer], choice.blocks, method, choice.bits, choice.m)
        errors[layer] = grams[layer].output_error(weight, layers[layer].value)
    return PrunedNetwork(name, method, layers, errors, source)
