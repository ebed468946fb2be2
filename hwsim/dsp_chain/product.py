"""A pruned matrix times activations on a processing unit: blocks, columns, values and cycles."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hwsim.dsp_chain.config import ROWS, MpuConfig
from hwsim.dsp_chain.model import device_network
from hwsim.dsp_chain.reference import totals_of
from hwsim.dsp_chain.work import Block, Column, Int8s, pack_block
from hwsim.errors import InputError


class Product:
    """Z = X · Wᵀ on an `Mpu`, each block of M outputs by ``length`` inputs at the least legal N that its zeros obey.

    MM mode works on ``2 * vpus`` rows at a time, MV mode on one row and ``vpus`` blocks of outputs at a time, which
    share the largest N among them. Blocks without non-zeros take no beat, outputs without any no column.

    Args:
        config: of the unit.
        x: (rows, inputs) int8.
        w: (outputs, inputs) int8; what is pruned is 0.
        single: MV mode.

    Attributes:
        columns: in the order in which the unit works on them; empty if all weights are zero.

    Raises:
        InputError: other types or shapes.
    """

    def __init__(self, config: MpuConfig, x: Int8s, w: Int8s, *, single: bool = False):
        for name, array in (("x", x), ("w", w)):
            if array.dtype != np.int8 or array.ndim != 2 or not array.size:
                raise InputError(name, "a matrix of int8", f"{array.dtype} {array.shape}")
        if x.shape[1] != w.shape[1]:
            raise InputError("w", f"(outputs, {x.shape[1]}), as x has so many inputs", w.shape)
        self.config, self.single, self.shape = config, single, (x.shape[0], w.shape[0])
        self._rows = 1 if single else ROWS * config.vpus
        self._sets = config.vpus if single else 1
        slices = -(-x.shape[1] // config.length)
        self._x = _filled(x, self._rows, config.length).reshape(-1, self._rows, slices, config.length)
        shape = (-1, self._sets, config.m, slices, config.length)
        self._w = _filled(w, self._sets * config.m, config.length).reshape(shape)
        self._n = np.array([[self._least_n(part[:, :, s]) for s in range(slices)] for part in self._w])
        self._places = [place for place in np.ndindex(len(self._x), len(self._w)) if self._n[place[1]].any()]
        self.columns = list(self._columns())

    @cached_property
    def z(self) -> npt.NDArray[np.int32]:
        """(rows, outputs) int32."""
        config = self.config
        found = np.zeros((len(self._x), self._rows, len(self._w), self._sets * config.m), np.int32)
        for (rows, outputs), totals in zip(self._places, totals_of(self.columns) if self.columns else [], strict=True):
            if self.single:
                found[rows, 0, outputs] = totals[:, 0].reshape(-1)
            else:
                found[rows, :, outputs] = totals.reshape(self._rows, config.m)
        return found.reshape(len(self._x) * self._rows, -1)[:self.shape[0], :self.shape[1]]

    @cached_property
    def cycles(self) -> int:
        """From the first transfer to the last, when no port stalls; 0 without columns."""
        return device_network(self.columns).solve().cycles if self.columns else 0

    @property
    def beats(self) -> int:
        """Weight beats: the least number of cycles."""
        return sum(block.n for column in self.columns for block in column.blocks)

    def _least_n(self, weights: Int8s) -> int:
        """The least legal N for (sets, m, length); 0 for no non-zeros at all."""
        blocks = weights.reshape(*weights.shape[:2], -1, self.config.m)
        most = int((blocks != 0).sum(3).max())
        return min(n for n in self.config.modes if n >= most) if most else 0

    def _columns(self) -> Iterator[Column]:
        """Columns; a slice that is still held is not sent again."""
        held = None
        for rows, outputs in self._places:
            blocks = []
            for s in np.flatnonzero(self._n[outputs]).tolist():
                blocks.append(self._block(rows, outputs, s, held == (rows, s)))
                held = (rows, s)
            yield Column(blocks=blocks)

    def _block(self, rows: int, outputs: int, s: int, held: bool) -> Block:
        config, n = self.config, int(self._n[outputs, s])
        packed = [pack_block(config, part[:, s], n) for part in self._w[outputs]]
        weights, indices = (np.stack(arrays) for arrays in zip(*packed, strict=True))
        shape = (1, 1, -1) if self.single else (config.vpus, ROWS, -1)
        activations = None if held else self._x[rows, :, s].reshape(shape)
        return Block(config=config, weights=weights, indices=indices, activations=activations, single=self.single)


def _filled(array: Int8s, rows: int, columns: int) -> Int8s:
    """Zeros behind its ends, to multiples of these."""
    return np.pad(array, ((0, -array.shape[0] % rows), (0, -array.shape[1] % columns)))
