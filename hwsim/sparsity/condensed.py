"""Condensed constant fan-in of SRigL (arXiv 2305.02299): equally many weights for every neuron, and their inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.errors import InputError
from hwsim.sparsity.size import Array, Bits, matrix, numeric, whole


@dataclass(frozen=True, eq=False)
class CondensedTensor:
    """A (K, N) matrix of N neurons with K inputs each, of which every neuron that is left keeps ``fan_in``.

    Neurons without any weight (ablated, in the paper's word) are left out; one bit per neuron says which. Indices have
    16 bits as in the authors' fastest kernels. A neuron with fewer weights than the largest fan-in is filled up with
    zeros at its lowest free inputs, so that any mask can be stored. [bit per neuron and filling are our choice]

    Args:
        values: (neurons left, fan_in).
        inputs: (neurons left, fan_in) int64, ascending, each once.
        kept: (N,) bool, the neurons that are left.
        shape: (K, N).
        index_bits: bits of one input's index.
    """

    values: Array
    inputs: Array
    kept: Array
    shape: tuple[int, int]
    index_bits: int = 16

    def validate(self, place: str = "condensed tensor") -> None:
        """Refuse a tensor that no matrix can have.

        Raises:
            InputError: shapes that disagree, inputs out of range or not ascending, an index width too small.
        """
        numeric(self.values, f"{place} values")
        k, n = self.shape
        if self.kept.dtype != bool or self.kept.shape != (n,):
            raise InputError(f"{place} kept", f"bool of shape ({n},)", f"{self.kept.dtype} of shape {self.kept.shape}")
        left = int(np.count_nonzero(self.kept))
        if self.values.ndim != 2 or len(self.values) != left or self.inputs.shape != self.values.shape:
            given = f"shapes {self.values.shape} and {self.inputs.shape}"
            raise InputError(place, f"values and inputs of {left} neurons", given)
        if np.any((self.inputs < 0) | (self.inputs >= k)) or np.any(np.diff(self.inputs, axis=1) <= 0):
            raise InputError(f"{place} inputs", f"ascending inputs from 0 to {k - 1}", self.inputs.tolist())
        whole(self.index_bits, f"{place} index_bits", max(k - 1, 0).bit_length(), 64)

    def decode(self) -> Array:
        """The dense matrix, of ``shape`` and the values' dtype. Raises InputError as ``validate``."""
        self.validate()
        dense = np.zeros(self.shape, self.values.dtype)
        dense[self.inputs, np.flatnonzero(self.kept)[:, None]] = self.values
        return dense

    def bits(self, value_bits: int) -> Bits:
        """Exact size: neurons left·fan_in·value_bits, as many indices, one bit per neuron."""
        values = self.values.size * whole(value_bits, "value_bits", 1)
        return Bits(values, self.values.size * self.index_bits, self.shape[1])

    def size_bits(self, value_bits: int) -> int:
        """Total size in bits."""
        return self.bits(value_bits).total


def encode_condensed(w: object, index_bits: int = 16, place: str = "weights") -> CondensedTensor:
    """Encode a (K, N) matrix by neurons; the fan-in is the largest of its columns. Nothing is lost but ``-0.0``.

    Raises:
        InputError: not a matrix, NaN, or an index width too small for K.
    """
    array = matrix(w, place)
    flags = array != 0
    counts = np.count_nonzero(flags, axis=0)
    kept, fan_in = counts > 0, int(counts.max(initial=0))
    # A stable sort by "is zero" puts a neuron's weights first and then its free inputs, both ascending.
    chosen = np.sort(np.argsort(~flags[:, kept], axis=0, kind="stable")[:fan_in], axis=0).T
    values = array[chosen, np.flatnonzero(kept)[:, None]] + array.dtype.type(0)
    code = CondensedTensor(values, chosen, kept, array.shape, index_bits)
    code.validate(place)
    return code
