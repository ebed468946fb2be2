"""Instructions in blocks: whole arrays of one opcode at once, tokens as masks."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.llm.isa import INSTRUCTION, Instructions, Opcode, instructions

LD, ST, MM, MV, MISC, SYS = (1 << op for op in Opcode)
"""Tokens of each queue in a mask."""


def block(op: Opcode, shape: tuple[int, ...], **fields: npt.ArrayLike) -> Instructions:
    """Instructions of one opcode, shape `shape`; each field is broadcast to it."""
    flat = {name: np.broadcast_to(value, shape).ravel() if np.ndim(value) else value for name, value in fields.items()}
    return instructions(op, prod(shape), **flat).reshape(shape)


def tokens(mask: int, where: npt.ArrayLike = True) -> npt.NDArray[np.uint8]:
    """`mask` where the condition holds, else no token."""
    return np.where(np.asarray(where), np.uint8(mask), np.uint8(0)).astype(np.uint8)


def joined(parts: Sequence[Instructions], axes: int) -> Instructions:
    """Blocks with the same first `axes` axes, one behind the other within them; flat."""
    lead = parts[0].shape[:axes]
    return np.concatenate([part.reshape(*lead, -1) for part in parts], axis=axes).ravel()


def flat(parts: Sequence[Instructions]) -> Instructions:
    """Blocks one behind the other."""
    return np.concatenate([part.ravel() for part in parts]) if parts else np.zeros(0, INSTRUCTION)


def ordered(parts: Sequence[tuple[Instructions, npt.NDArray[Any]]]) -> Instructions:
    """Blocks of instructions with a sort key each, in the order of the keys; equal keys keep their order."""
    rows = np.concatenate([rows.ravel() for rows, _ in parts])
    keys = np.concatenate([np.broadcast_to(key, rows.shape).ravel() for rows, key in parts])
    return rows[np.argsort(keys, kind="stable")]


def without_empty_loads(rows: Instructions) -> Instructions:
    """Rows less the LDs of no byte."""
    return rows[(rows["op"] != Opcode.LD) | (rows["length"] > 0)]
