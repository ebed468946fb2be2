"""Reference: the specification of the values, in plain NumPy integers, with no time and no packing in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hwsim.dsp_chain.config import ROWS
from hwsim.dsp_chain.work import Block, Column, Int8s, same_device

Sums = npt.NDArray[np.int64]


def dense_weights(block: Block) -> Sums:
    """(sets, m, length): every weight at its input; weights of the same input are added up."""
    config, n = block.config, block.n
    full = np.zeros((*block.weights.shape[:3], config.m), np.int64)
    places = np.arange(n) if n == config.m else block.indices
    sets, outputs, blocks = (np.arange(size).reshape([-1 if i == axis else 1 for i in range(4)])
                             for axis, size in enumerate(block.weights.shape[:3]))
    np.add.at(full, (sets, outputs, blocks, places), block.weights)
    return full.reshape(*full.shape[:2], -1)


def block_sums(block: Block, activations: Int8s) -> Sums:
    """(chains, 2, m): what each chain's outputs get of a block; of a single row, the second one is 0.

    Args:
        block: weights.
        activations: of that block: its own, or those that are held.
    """
    rows = np.zeros((activations.shape[0], ROWS, activations.shape[2]), np.int64)
    rows[:, :activations.shape[1]] = activations
    return np.matmul(rows, dense_weights(block).transpose(0, 2, 1))


def sums_of(columns: Sequence[Column]) -> list[list[Sums]]:
    """`block_sums` of each block of each column."""
    found: list[list[Sums]] = []
    held: Int8s = np.zeros((1, 1, same_device(columns).length), np.int8)  # the first block brings its own
    for column in columns:
        found.append([])
        for block in column.blocks:
            held = held if block.activations is None else block.activations
            found[-1].append(block_sums(block, held))
    return found


def totals_of(columns: Sequence[Column]) -> list[npt.NDArray[np.int32]]:
    """(chains, 2, m) int32 of each column: its blocks added up, wrapping as 32 bits do."""
    return [np.sum(sums, axis=0).astype(np.int32) for sums in sums_of(columns)]
