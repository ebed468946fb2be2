"""A training step as data: layers and task that go in, GEMMs and trained layers that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.nm_array.float_reference import BiasRelu
from hwsim.nm_array.program import Program
from hwsim.sore.reference import Beats
from hwsim.sore.slices import Slice
from hwsim.sparsity.nm import NmTensor
from hwsim.sparsity.ratio import Ratio
from hwsim.training_core.config import TrainingCoreConfig
from hwsim.wuve.reference import Updated
from hwsim.wuve.update import Hyperparameters, Update

Bits = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float32]
Kind = Literal["FF", "BP", "WU"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """A linear layer without a bias; all but the last of a network are followed by a ReLU.

    Args:
        weight: (inputs, outputs) float32 master weights.
        momentum: of the same shape, float32.
        ratio: N:M of both directions; one of the core's.
    """

    weight: Floats
    momentum: Floats
    ratio: Ratio

    def __post_init__(self) -> None:
        for name in ("weight", "momentum"):
            array = getattr(self, name)
            if array.dtype != np.float32 or array.ndim != 2 or array.shape != self.weight.shape or not array.size:
                raise InputError(name, "float32 (inputs, outputs)", f"{array.dtype} of shape {array.shape}")
            if np.isnan(array).any():
                raise InputError(name, "numbers", f"NaN at {tuple(int(i) for i in np.argwhere(np.isnan(array))[0])}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Gemm:
    """One GEMM of the step with its data.

    Attributes:
        kind: FF, BP or WU.
        layer: its number.
        program: its passes.
        a: (1, M, K) bit patterns.
        w: (1, K, N) bit patterns.
        parameters: of the results.
        results: (beats, columns) bit patterns, as the array sends them.
        after: number of the GEMM whose results it needs; -1 for none.
    """

    kind: Kind
    layer: int
    program: Program
    a: Bits
    w: Bits
    parameters: BiasRelu
    results: Bits
    after: int

    @property
    def update(self) -> bool:
        """Whether the results go to WUVE."""
        return self.kind == "WU"


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """What a step makes of one layer.

    Attributes:
        update: what WUVE gets, in slices of the core's columns one below the other, and ``result`` what it gives.
        slices: what SORE gets; ``selected`` what it gives for each, by port.
        weight, momentum: (inputs, outputs) float32.
        forward, backward: the new N:M codes, along inputs and along outputs; values are bit patterns.
    """

    update: Update
    result: Updated
    slices: Sequence[Slice]
    selected: Sequence[dict[str, Beats]]
    weight: Floats
    momentum: Floats
    forward: NmTensor
    backward: NmTensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """A whole step: the GEMMs in the order in which they run, and what comes of each updated layer, in that order."""

    config: TrainingCoreConfig
    gemms: Sequence[Gemm]
    outputs: Bits  # (batch, outputs of the last layer)
    trained: Sequence[Trained]


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What to train on.

    Args:
        x: (batch, inputs) bit patterns of the core's data type.
        target: (batch, outputs) float32.
        parameters: of the weight update; its ``gradient_scale`` is the inverse of the loss scale.
    """

    x: Bits
    target: Floats
    parameters: Hyperparameters
