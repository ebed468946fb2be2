"""What surrounds the instructions of a stage: its input and output in HBM, its bias, and the barrier behind it."""

from __future__ import annotations

import numpy as np

from hwsim.llm.isa import Buffer, Instructions, Opcode
from mappers.llm.matvec import Target
from mappers.llm.rows import LD, MISC, MV, ST, SYS, block, flat

BIAS_BYTES = 4
"""Of one bias, INT32."""


def biased(body: Instructions, bias: bool, outputs: int, target: Target) -> Instructions:
    """A layer's instructions, behind the load of its biases where it has some."""
    if not bias:
        return body
    load = block(Opcode.LD, (1,), buffer=Buffer.BIAS, channel=target.geometry.channels, length=BIAS_BYTES * outputs)
    return flat([load, body])


def through_memory(body: Instructions, inputs: int, outputs: int) -> Instructions:
    """A stage of MV mode whose vectors come from HBM and go there: bytes of its input and of its output."""
    last = body.copy()
    last["release"][-1] |= ST
    waits = MISC if last["op"][-1] == Opcode.MISC else MV
    source = block(Opcode.LD, (1,), buffer=Buffer.B, cross=1, length=inputs)
    return flat([source, last, block(Opcode.ST, (1,), wait=waits, length=outputs)])


def with_barrier(body: Instructions) -> Instructions:
    """A stage that ends with a SYS behind its last store."""
    rows = flat([body, block(Opcode.SYS, (1,), wait=ST)])
    rows["release"][-2] |= SYS
    return rows


def link(rows: Instructions, ends: np.ndarray) -> None:
    """Let what follows each of these ends (of stages that end in a SYS) begin when that SYS has ended; in place."""
    rows["release"][ends - 1] |= LD
    rows["wait"][ends] |= SYS
