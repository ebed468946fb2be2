"""The size and data type of a product, and what follows from them alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self

from hwsim.config import in_range, one_of
from hwsim.errors import InputError

HALF = 2
"""Bytes of an FP16 number."""
DataType = Literal["fp16", "int8", "int4"]
"""Of weights, activations and results alike."""
BITS: Mapping[DataType, int] = {"fp16": 16, "int8": 8, "int4": 4}
META_BITS: Mapping[DataType, float] = {"fp16": 1.0, "int8": 1.0, "int4": 0.5}
"""Bits of position for each weight, kept or not, at 2:4: two for each kept value. INT4 keeps two of four *pairs* (PTX
ISA, ``mma.sp``: pair-wise 4:8), two bits for each kept pair; so weights must obey that narrower pattern."""
COLUMNS = 8
"""Columns of a tensor-core instruction: narrower products are padded to it."""


@dataclass(frozen=True)
class GemmShape:
    """``m x k`` weights times ``k x n``, ``batch`` times side by side.

    ``operands``: elements of B and C together over the batch where they are not ``n (k + m)`` each: a convolution's
    input is read once, not once for each place of its kernel.
    """

    m: int
    k: int
    n: int
    batch: int = 1
    data_type: DataType = "fp16"
    operands: int | None = None

    def __post_init__(self) -> None:
        for name in ("m", "k", "n", "batch"):
            in_range(name, getattr(self, name), 1, 1 << 31)
        one_of("data_type", self.data_type, BITS)

    @classmethod
    def parse(cls, text: str, place: str = "shape", data_type: DataType = "fp16") -> Self:
        """From ``MxKxN`` or ``MxKxNxBATCH``.

        Raises:
            InputError: other text, or a size below 1.
        """
        if not re.fullmatch(r"\d+(x\d+){2,3}", text):
            raise InputError(place, "MxKxN or MxKxNxBATCH, whole numbers", text)
        m, k, n, *batch = map(int, text.split("x"))
        return cls(m, k, n, batch[0] if batch else 1, data_type)

    def in_type(self, data_type: DataType) -> Self:
        """The same product in another data type."""
        return replace(self, data_type=data_type)

    @property
    def columns(self) -> int:
        """Columns of B, padded to what a tensor core takes."""
        return -(-self.n // COLUMNS) * COLUMNS

    @property
    def flops(self) -> float:
        """Two for each multiply-accumulate of the dense product."""
        return 2.0 * self.m * self.k * self.n * self.batch

    @property
    def operand_bytes(self) -> float:
        """Of B and C."""
        elements = self.n * (self.k + self.m) * self.batch if self.operands is None else self.operands
        return BITS[self.data_type] / 8 * elements

    @property
    def weights(self) -> float:
        """Elements of A."""
        return float(self.m * self.k * self.batch)

    @property
    def weight_bytes(self) -> float:
        """Of A, dense."""
        return BITS[self.data_type] / 8 * self.weights

    @property
    def sparse_weight_bytes(self) -> float:
        """Of A at 2:4, with positions."""
        return (BITS[self.data_type] / 2 + META_BITS[self.data_type]) / 8 * self.weights

    @property
    def step(self) -> int:
        """Ranks of one dense tensor-core instruction: k is padded to it. One at 2:4 takes twice as many."""
        return 256 // BITS[self.data_type]
