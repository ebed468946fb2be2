"""What a layer's inputs tell a pruner: the Gram matrix of its calibration activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from hwsim.errors import InputError

Floats = NDArray[np.float64]

DAMPING = 0.01
"""Share of the mean diagonal that is added to it before the inverse is taken, as GPTQ and SparseGPT do."""


@dataclass(frozen=True, eq=False)
class Gram:
    """Second moments of a layer's inputs X (rows x k).

    Args:
        matrix: X^T X / rows, (k, k) float64.
        rows: tokens seen.
    """

    matrix: Floats
    rows: int

    @staticmethod
    def of(x: NDArray[np.floating], place: str = "activations") -> Gram:
        """From activations, (rows, k).

        Raises:
            InputError: another number of axes, no row, or a value that is not finite.
        """
        if x.ndim != 2 or not len(x):
            raise InputError(place, "a matrix of at least one row", f"shape {x.shape}")
        matrix = (x.T @ x).astype(np.float64) / len(x)
        if not np.isfinite(matrix).all():
            raise InputError(place, "finite numbers", "a NaN or an infinity")
        return Gram(matrix, len(x))

    @property
    def size(self) -> int:
        """Inputs k."""
        return len(self.matrix)

    @cached_property
    def power(self) -> Floats:
        """Mean square of each input, (k,): the squared norms that Wanda weighs by, over the rows."""
        return np.diag(self.matrix).copy()

    @cached_property
    def inverse_root(self) -> Floats:
        """Upper triangular U with U^T U = the inverse of the damped matrix; inputs that are always 0 count as 1."""
        damped = self.matrix.copy()
        dead = self.power == 0
        damped[dead, dead] = 1.0
        damped[np.diag_indices(self.size)] += DAMPING * damped.diagonal().mean()
        inverse = linalg.cho_solve(linalg.cho_factor(damped, lower=True), np.eye(self.size))
        return linalg.cholesky((inverse + inverse.T) / 2, lower=False)

    @cached_property
    def inverse_power(self) -> Floats:
        """Diagonal of the damped matrix's inverse, (k,)."""
        return np.square(self.inverse_root).sum(axis=0)

    def output_error(self, weight: NDArray[np.floating], pruned: NDArray[np.floating]) -> float:
        """``|X W - X W'|^2 / |X W|^2`` of weights (k, n); 0 for outputs that are all 0 anyway."""
        change = np.asarray(pruned, np.float64) - weight
        whole = self._energy(np.asarray(weight, np.float64))
        return self._energy(change) / whole if whole else 0.0

    def _energy(self, w: Floats) -> float:
        return float(np.einsum("kn,kn->", w, self.matrix @ w))


def check_inputs(weights: Mapping[str, NDArray[np.floating]], grams: Mapping[str, Gram]) -> None:
    """Raise `InputError` for a weight without activations, or with another k."""
    for name, weight in weights.items():
        if name not in grams:
            raise InputError("activations", f"those of {name}", "none")
        if grams[name].size != weight.shape[0]:
            raise InputError(f"activations of {name}", f"{weight.shape[0]} inputs", grams[name].size)
