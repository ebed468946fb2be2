"""What a chain or a unit works on: blocks of weights with their activations, and the columns that they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.config import shared
from hwsim.dsp_chain.config import ROWS, SparseChainConfig
from hwsim.errors import InputError

Int8s = npt.NDArray[np.int8]
Indices = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Weights of M outputs by one slice (``length`` inputs), N of each M kept: N beats.

    MM mode: one set of weights, each chain two rows of activations. MV mode (``single``): a set of weights for each
    chain, one row of activations for all.

    Attributes:
        config: of the device.
        weights: (sets, m, blocks, n) int8: by output, block of M inputs, and place among the kept ones.
        indices: the same shape, uint8: which input of its block each belongs to. Dense (n = m) it does not count, the
            weights are in order. An input may come twice.
        activations: (chains, 2, length) int8, for MV (1, 1, length); None: those of the block before.
        single: MV mode.
    """

    config: SparseChainConfig
    weights: Int8s
    indices: Indices
    activations: Int8s | None
    single: bool = False

    def __post_init__(self) -> None:
        config = self.config
        shape = self.weights.shape
        if self.weights.dtype != np.int8 or len(shape) != 4 or shape[3] not in config.modes:
            wanted = f"int8 of shape (sets, m, blocks, N), N one of {list(config.modes)}"
            raise InputError("weights", wanted, f"{self.weights.dtype} {shape}")
        sets = config.chains if self.single else 1
        _shaped("weights", self.weights, np.int8, (sets, config.m, config.blocks, self.n))
        _shaped("indices", self.indices, np.uint8, shape)
        if self.indices.max(initial=0) >= config.m:
            raise InputError("indices", f"below m ({config.m})", int(self.indices.max()))
        if self.activations is not None:
            sources, rows = (1, 1) if self.single else (config.chains, ROWS)
            _shaped("activations", self.activations, np.int8, (sources, rows, config.length))

    @property
    def n(self) -> int:
        """Weights kept of each M; also the block's beats."""
        return self.weights.shape[3]


def _shaped(place: str, array: npt.NDArray[np.generic], dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise InputError(place, f"{np.dtype(dtype)} of shape {shape}", f"{array.dtype} {array.shape}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """Blocks of the same M outputs over as many slices, in order, whose sums are added up. N may differ between them.

    A block whose weights are all zero (N = 0) is left out: it takes no beat, and its slice is not sent.
    """

    blocks: Sequence[Block]

    def __post_init__(self) -> None:
        if not self.blocks:
            raise InputError("blocks", "at least one", "none")
        if any(block.single != self.blocks[0].single for block in self.blocks):
            raise InputError("blocks", "blocks of one mode, MM or MV", "both")


def same_device(columns: Sequence[Column]) -> SparseChainConfig:
    """The configuration that all columns share.

    Raises:
        InputError: no column, columns of different configurations, or a block that goes on with the activations of a
            block that is not there, or that was of the other mode.
    """
    blocks = blocks_of(columns)
    config = shared("columns", blocks)
    before = None
    for number, block in enumerate(blocks):
        if block.activations is None and (before is None or before.single != block.single):
            raise InputError(f"block {number}", "activations, as none of its mode are held", "none")
        before = block
    return config


def blocks_of(columns: Sequence[Column]) -> list[Block]:
    """All blocks, in order."""
    return [block for column in columns for block in column.blocks]


def pack_block(config: SparseChainConfig, dense: Int8s, n: int) -> tuple[Int8s, Indices]:
    """Weights and indices of a pruned matrix, as `Block` takes them for one set.

    Args:
        config: of the device.
        dense: (m, length) int8: M outputs by the inputs of a slice.
        n: one of the legal values; places that are not needed hold zeros.

    Returns:
        Two arrays (m, blocks, n).

    Raises:
        InputError: another shape or type, an N that the device does not know, or a block with more than N non-zeros.
    """
    _shaped("dense", dense, np.int8, (config.m, config.length))
    if n not in config.modes:
        raise InputError("n", f"one of {list(config.modes)}", n)
    blocks = dense.reshape(config.m, config.blocks, config.m)
    most = int((blocks != 0).sum(2).max())
    if most > n:
        raise InputError("dense", f"at most {n} non-zeros in each block of {config.m}", most)
    order = np.argsort(blocks == 0, axis=2, kind="stable")[:, :, :n]
    kept = np.sort(order, axis=2)
    return np.take_along_axis(blocks, kept, axis=2), kept.astype(np.uint8)
