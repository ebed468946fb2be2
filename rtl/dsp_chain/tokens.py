"""Columns and what comes of them as stream tokens, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hwsim.dsp_chain.config import SparseChainConfig
from hwsim.dsp_chain.model import port_names
from hwsim.dsp_chain.reference import sums_of, totals_of
from hwsim.dsp_chain.work import Block, Column, Int8s
from rtl.dsp_chain import layouts
from rtl.parts.tokens import pack

Ints = npt.NDArray[np.int64]


def slice_tokens(block: Block, chain: int, unused: Int8s) -> list[int]:
    """A port ``a``: the block's slice, if the port brings one.

    Args:
        block: with its activations, or without.
        chain: number of the port.
        unused: (length,) int8: what stands in the second row where there is one row only.
    """
    if block.activations is None or (block.single and chain):
        return []
    rows = block.activations[chain]
    both = np.concatenate([rows, unused[None]])[:2] if block.single else rows
    return pack([(column, 8) for column in both.reshape(1, -1).astype(np.int64).T])


def weight_tokens(block: Block, chain: int, first: bool, last: bool, unused: int) -> list[int]:
    """A port ``w``: the beats of a block, if the port brings them.

    Args:
        block: weights.
        chain: number of the port.
        first: whether the block is the first of its column.
        last: whether it is the last.
        unused: what stands in the control of ports other than the first.
    """
    config, n = block.config, block.n
    if chain and not block.single:
        return []
    number = chain if block.single else 0
    values, indices = (part[number].reshape(n, config.length).astype(np.int64)
                       for part in (block.weights, block.indices))
    pairs = [column for p in range(config.length) for column in ((values[:, p], 8), (indices[:, p], config.index_bits))]
    return pack([*pairs, *_control(block, first, last, unused if chain else None)])


def _control(block: Block, first: bool, last: bool, unused: int | None) -> list[tuple[Ints, int]]:
    """Fields of the control, in the order of the layout."""
    config, n = block.config, block.n
    load = np.zeros(n, np.int64)
    load[0] = block.activations is not None
    fields = {"mode": config.modes.index(n), "single": block.single, "load": load, "first": first, "last": last}
    bits = [(name, field.width) for name, field in layouts.control(config)]
    if unused is not None:
        return [(np.full(n, unused & ((1 << width) - 1)), width) for _, width in bits]
    return [(np.broadcast_to(np.asarray(fields[name], np.int64), n), width) for name, width in bits]


def input_tokens(columns: Sequence[Column], config: SparseChainConfig,
                 rng: np.random.Generator) -> dict[str, list[int]]:
    """All input ports; what does not count is drawn."""
    tokens: dict[str, list[int]] = {name: [] for port in "aw" for name in port_names(config, port)}
    for column in columns:
        for number, block in enumerate(column.blocks):
            ends = number == 0, number == len(column.blocks) - 1
            for chain, (a, w) in enumerate(zip(port_names(config, "a"), port_names(config, "w"), strict=True)):
                unused = rng.integers(-128, 128, config.length).astype(np.int8)
                tokens[a] += slice_tokens(block, chain, unused)
                tokens[w] += weight_tokens(block, chain, *ends, int(rng.integers(256)))
    return tokens


def sum_tokens(columns: Sequence[Column], config: SparseChainConfig) -> list[int]:
    """Port ``o`` of a chain: the sums of each beat."""
    tokens = []
    for column, sums in zip(columns, sums_of(columns), strict=True):
        for block, outputs in zip(column.blocks, sums, strict=True):
            lanes = np.zeros((block.n, config.lanes, 2), np.int64)
            lanes[:, :config.m // block.n] = outputs[0].T.reshape(block.n, -1, 2)
            tokens += pack([(field, config.sum_bits) for field in lanes.reshape(block.n, -1).T])
    return tokens


def total_tokens(columns: Sequence[Column], config: SparseChainConfig) -> list[int]:
    """Port ``o`` of a unit: the results of each column, output by output."""
    tokens = []
    last = np.arange(config.m) == config.m - 1
    for totals in totals_of(columns):
        fields = totals.transpose(2, 0, 1).reshape(config.m, -1).astype(np.int64)
        tokens += pack([*((field, layouts.SUM_BITS) for field in fields.T), (last.astype(np.int64), 1)])
    return tokens
