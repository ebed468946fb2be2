"""Updates: the tensors that WUVE works on, one token of hyper-parameters each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.config import Configuration, in_range, positive
from hwsim.errors import InputError
from hwsim.floats import FloatFormat, round_to, to_float32
from hwsim.wuve.config import WuveConfig

Floats = npt.NDArray[np.float32]
Bits16 = npt.NDArray[np.uint16]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Hyperparameters(Configuration):
    """Of one tensor's update; the engine takes each as the nearest FP32 number, ``gradient_scale`` in 16 bits.

    ``sparse_decay`` is the factor lambda of SR-STE (arXiv 2102.04010): weights that N:M selection dropped decay by it
    on top of ``weight_decay``. Both reach the engine as one factor for each of the two cases.
    """

    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    sparse_decay: float = 0.0
    gradient_scale: float = 1.0  # what gradients are multiplied with: 1 / loss scale; exact in the 16-bit type

    def check(self) -> None:
        """Raise `InputError` for negative values, or values above FP32's largest."""
        most = float(np.finfo(np.float32).max)
        for name in ("learning_rate", "momentum", "weight_decay", "sparse_decay"):
            in_range(name, getattr(self, name), 0.0, most)
        in_range("weight_decay + sparse_decay", self.weight_decay + self.sparse_decay, 0.0, most)
        positive("gradient_scale", self.gradient_scale)

    @property
    def decays(self) -> tuple[np.float32, np.float32]:
        """Factor of the decay of kept and of dropped weights, each rounded once."""
        return np.float32(self.weight_decay), np.float32(self.weight_decay + self.sparse_decay)

    def scale_bits(self, fmt: FloatFormat) -> int:
        """The gradient scale in the 16-bit format.

        Raises:
            InputError: the format does not hold it exactly. Powers of two down to 2^-24 (FP16) are held.
        """
        bits = round_to(fmt, np.float64(self.gradient_scale))
        if float(to_float32(bits, fmt)) != self.gradient_scale or not math.isfinite(self.gradient_scale):
            raise InputError("gradient_scale", f"a number that {fmt.name} holds exactly", self.gradient_scale)
        return int(bits)


@dataclass(frozen=True, kw_only=True, eq=False)
class Update:
    """One tensor's update, all arrays of shape (beats, lanes).

    Attributes:
        config: of the engine.
        parameters: of the update.
        gradient: uint16 bit patterns of the engine's 16-bit type, still scaled.
        weight: float32 master weights.
        momentum: float32 momentum buffer; zeros before the first update.
        dropped: which weights N:M selection did not keep; all false when the tensor is dense.
    """

    config: WuveConfig
    parameters: Hyperparameters
    gradient: Bits16
    weight: Floats
    momentum: Floats
    dropped: Bools

    def __post_init__(self) -> None:
        self.parameters.scale_bits(self.config.format)
        shape = (len(self.gradient), self.config.lanes)
        for name, dtype in (("gradient", np.uint16), ("weight", np.float32), ("momentum", np.float32),
                            ("dropped", np.bool_)):
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                raise InputError(name, f"{np.dtype(dtype)} of shape {shape}", f"{array.dtype} of shape {array.shape}")
        in_range("beats", self.beats, 1, self.config.most_beats)

    @property
    def beats(self) -> int:
        """Beats that come in, and that leave."""
        return len(self.gradient)


def update_of(config: WuveConfig, parameters: Hyperparameters, gradient: Bits16, weight: Floats, momentum: Floats,
              dropped: Bools | None = None) -> Update:
    """A tensor of any shape as an update; the last beat is filled up with zeros.

    Args:
        config: of the engine.
        parameters: of the update.
        gradient: uint16 bit patterns.
        weight: float32 of the same shape, as are the others.
        momentum: float32.
        dropped: bool; none by default.

    Raises:
        InputError: shapes that differ, other dtypes, or too many elements.
    """
    masks = np.zeros(weight.shape, bool) if dropped is None else dropped
    columns: dict[str, npt.NDArray[Any]] = {
        "gradient": gradient, "weight": weight, "momentum": momentum, "dropped": masks}
    for name, array in columns.items():
        if array.shape != weight.shape or not array.size:
            raise InputError(name, f"an array of shape {weight.shape} with elements", f"shape {array.shape}")
    missing = -weight.size % config.lanes
    beats = {name: np.pad(array.reshape(-1), (0, missing)).reshape(-1, config.lanes)
             for name, array in columns.items()}
    return Update(config=config, parameters=parameters, **beats)
