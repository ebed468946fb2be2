"""The instruction set of an LLM accelerator: six queues, tokens between them, one NumPy row an instruction.

Six opcodes, one in-order queue each: LD and ST move data between HBM and the buffers, MM and MV multiply on the matrix
engine (many rows, or one), MISC runs the special function unit, SYS joins the parts. An instruction starts when its
queue is free and every token that it waits for is there; it releases its tokens at its end. The k-th wait of queue j
for queue i takes the k-th token that i released to j.

Opcodes, their words and what one instruction covers follow the FlightLLM artifact
(github.com/FlightLLM/flightllm_test_demo, ``inst_gen/isa.py``); the layout of the fields is our own
(`hwsim.llm.encoding`).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.fields import nearest

Instructions = npt.NDArray[np.void]
"""Structured array of `INSTRUCTION`, shape (instructions,), in program order."""

BLOCK = 16
"""Side of a weight block, and elements of one step along K."""


class Opcode(IntEnum):
    """Opcodes, and the queues by the same number."""

    LD = 0
    ST = 1
    MM = 2
    MV = 3
    MISC = 4
    SYS = 5


class Function(IntEnum):
    """What a MISC instruction computes."""

    ADD = 0
    MUL = 1
    SOFTMAX = 2
    LAYERNORM = 3
    RMSNORM = 4
    SILU = 5
    GELU = 6
    ROPE = 7
    RELU = 8


class Buffer(IntEnum):
    """Where an LD writes."""

    B = 0
    META = 1
    BIAS = 2
    BLOCKS = 3
    A = 4
    GLOBAL = 5


class Flag(IntFlag):
    """Flags of MM and MV."""

    SPARSE = 1  # N of each block from the block table
    BIAS = 2    # sums begin at the bias
    RELU = 4
    OUTPUT = 8  # sums leave for the global buffer; without it they stay for the next part of K


TWO_PASSES = (Function.SOFTMAX, Function.LAYERNORM, Function.RMSNORM)
"""Functions that read their vector twice."""

INSTRUCTION = np.dtype([
    ("op", "u1"),        # Opcode
    ("wait", "u1"),      # bit j: takes a token of queue j; the own bit is illegal
    ("release", "u1"),   # bit j: gives a token to queue j at its end
    ("buffer", "u1"),    # LD: Buffer
    ("cross", "u1"),     # LD, ST: the transfer crosses HBM channels
    ("zero", "u1"),      # LD: zeros are written, nothing is read
    ("channel", "u1"),   # LD, ST: first HBM channel
    ("channels", "u1"),  # LD, ST: this many channels work on it in parallel, each on its share of `length`
    ("bank", "u2"),      # LD, ST: address in the buffer
    ("hbm", "u8"),       # LD, ST: byte address, the same in every channel that takes part
    ("length", "u4"),    # LD, ST: bytes of one loop, all channels together
    ("loops", "u2"),     # LD, ST: how often
    ("stride", "u4"),    # LD: bytes between the loops in HBM
    ("k", "u4"),         # MM, MV: blocks of 16 along K; MISC: blocks of 16 elements
    ("flags", "u1"),     # MM, MV: Flag
    ("function", "u1"),  # MISC: Function
    ("a", "u2"),         # MM, MV: address in A; MISC: first operand in the global buffer
    ("b", "u2"),         # MM, MV: address in B; MISC: second operand
    ("out", "u2"),       # MM, MV, MISC: address of the result in the global buffer
    ("meta", "u2"),      # MM, MV: addresses of positions,
    ("blocks", "u2"),    # of the block table,
    ("bias", "u2"),      # and of the bias
    ("work", "f4"),      # MM, MV: mean N/M of its blocks, 1 = dense (on hardware: from the block table)
    ("ratio", "f4"),     # LD: dense INT8 bytes per stored byte: `length` counts dense bytes
    ("layer", "u4"),     # index of Program.layers
])
"""One instruction. Fields that an opcode does not use are 0; `instructions` fills in what they are otherwise."""

SIDE = ("work", "ratio", "layer")
"""Fields that are not in the words: the hardware takes them from tables in memory, or needs them not at all."""

WORDS = np.array([7, 3, 4, 4, 3, 1], np.int64)
"""32-bit words of an instruction by opcode."""

QUEUES = len(Opcode)


def instructions(op: Opcode, count: int = 1, **fields: npt.ArrayLike) -> Instructions:
    """`count` instructions of one opcode; each field is one value or an array of shape (count,).

    Fields that are not given are 0, but for one channel, one loop, work 1 and ratio 1 where the opcode has them.
    """
    rows = np.zeros(count, INSTRUCTION)
    rows["op"] = op
    if op in (Opcode.LD, Opcode.ST):
        rows["channels"] = rows["loops"] = 1
    if op == Opcode.LD:
        rows["ratio"] = 1
    if op in (Opcode.MM, Opcode.MV):
        rows["work"] = 1
    for name, value in fields.items():
        known = named_field(name)
        rows[known] = _fitting(f"{op.name} {name}", known, value)
    return rows


def named_field(name: str) -> str:
    """`name` when it is a field that may be set, else `InputError`."""
    fields = [field for field in INSTRUCTION.names or () if field != "op"]
    if name not in fields:
        raise InputError("instruction", f"one of the fields {', '.join(fields)}{nearest(name, fields)}", name)
    return name


def _fitting(place: str, name: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    """`value` as an array that the field holds without loss; NumPy would wrap a number that is too large."""
    given = np.asarray(value)
    kind = INSTRUCTION[name]
    if kind.kind == "f":
        return given
    if given.dtype.kind not in "iub":
        raise InputError(place, "whole numbers", f"numbers of type {given.dtype}")
    most = int(np.iinfo(kind).max)
    if given.size and (int(given.min()) < 0 or int(given.max()) > most):
        raise InputError(place, f"0 to {most}", int(given.min()) if int(given.min()) < 0 else int(given.max()))
    return given


def mask(*queues: Opcode) -> int:
    """Token mask of some queues: what `wait` and `release` hold."""
    return sum(1 << queue for queue in set(queues))


def instruction_bytes(ops: npt.ArrayLike) -> int:
    """Bytes of the words of instructions with these opcodes."""
    counts = np.bincount(np.asarray(ops, np.int64).ravel(), minlength=QUEUES)
    return 4 * int(counts @ WORDS)
