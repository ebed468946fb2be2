"""What one instruction covers, what buffers hold, and how K is cut so that they can be filled while they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.llm.isa import BLOCK

Counts = npt.NDArray[np.int64]
DENSE = BLOCK * BLOCK
"""Bytes of a dense block of INT8."""


def ceil_div(value: int, unit: int) -> int:
    """Quotient, rounded up."""
    return -(-value // unit)


def room(buffer: str, size: int, each: int) -> int:
    """How many things of size `each` a buffer of `size` holds.

    Raises:
        InputError: not even one.
    """
    if size < each:
        raise InputError(f"engine: {buffer} buffer", f"room for {each}", size)
    return size // each


@dataclass(frozen=True)
class Geometry:
    """Sizes of one core in elements, bytes and buffer addresses.

    Attributes:
        mv_columns: columns of one MV.
        mm_rows: rows of one MM; it has one block of columns.
        channels: HBM channels of activations, of the KV cache and, in MV mode, of the weights.
        a_depth, a_width: addresses of the A buffer, and bytes of one address in the share of a channel in MV mode.
        b_depth, b_width: of the B buffer in MM mode.
        meta_depth, meta_width: of the buffer of positions.
        blocks_depth: bytes of the buffer of the block table.
        global_depth: addresses of the global buffer; one holds a row of blocks of an MM's result.
        global_width: bytes of one of its addresses in the share of a channel for the special function unit.
    """

    mv_columns: int
    mm_rows: int
    channels: int
    a_depth: int
    a_width: int
    b_depth: int
    b_width: int
    meta_depth: int
    meta_width: int
    blocks_depth: int
    global_depth: int
    global_width: int

    @property
    def mv_blocks(self) -> int:
        """Blocks side by side in one MV."""
        return self.mv_columns // BLOCK

    @property
    def mm_blocks(self) -> int:
        """Blocks of rows in one MM."""
        return self.mm_rows // BLOCK

    @property
    def a_bytes(self) -> int:
        """Bytes of the A buffer in MV mode."""
        return self.channels * self.a_depth * self.a_width

    @property
    def b_bytes(self) -> int:
        """Bytes of the B buffer in MM mode."""
        return self.b_depth * self.b_width


@dataclass(frozen=True)
class Parts:
    """K in parts of `sizes` blocks; loads run `depth` fills ahead."""

    sizes: Counts
    depth: int


def cut(blocks: int, count: int, split: Literal["even", "floor"]) -> Counts:
    """Sizes of parts of `blocks`: `count` that differ by one at most, or floor(blocks / count) each and the rest."""
    if split == "even":
        return np.diff(np.arange(count + 1) * blocks // count)
    unit = max(1, blocks // count)
    sizes = [unit] * (blocks // unit)
    return np.array([*sizes, blocks - sum(sizes)] if sum(sizes) < blocks else sizes, np.int64)


def by_capacity(blocks: int, block_bytes: int, buffer: int, fills: int, split: Literal["even", "floor"]) -> Parts:
    """Parts of K of which `fills` fit in a buffer; `block_bytes` is what one block along K takes in it.

    Raises:
        InputError: not even one block fits.
    """
    most = buffer // fills // block_bytes
    if not most:
        raise InputError("buffer", f"room for {fills} fills of {block_bytes} bytes", f"{buffer} bytes")
    count = ceil_div(blocks, most)
    while (sizes := cut(blocks, count, split)).max() > most:
        count += 1
    return Parts(sizes, fills)


def mv_as_artifact(blocks: int, g: Geometry) -> Parts:
    """Parts of K of an MV and how far loads run ahead, as the FlightLLM demo counts them.

    It cuts K so that two fills fit in the A buffer, then takes the depth from the share of one block column in A, in
    the buffer of positions and in the block table: more fills than fit (`CompilerOptions.credits`).
    """
    loops = ceil_div(g.mv_blocks, g.channels)
    addresses = DENSE * loops // g.a_width
    sizes = cut(blocks, ceil_div(blocks * addresses, g.a_depth // 2), "floor")
    most = int(sizes.max())
    meta = DENSE // 2 * loops // g.meta_width
    depth = min(g.a_depth // (most * addresses // loops), g.meta_depth // (most * meta // loops),
                g.blocks_depth // ceil_div(blocks, len(sizes)))  # fmt: skip
    return Parts(sizes, depth)


def mm_parts(blocks: int, g: Geometry, split: Literal["even", "floor"]) -> Parts:
    """Parts of K of an MM: two fills fit in the B buffer and in that of positions."""
    per_block = max(DENSE * g.b_depth // g.b_bytes, DENSE // 2 * g.b_depth // (g.meta_width * g.meta_depth), 1)
    return by_capacity(blocks, per_block, g.b_depth, 2, split)
