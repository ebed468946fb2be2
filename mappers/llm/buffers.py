"""Which part of the A buffer each fill of a program takes, counted through the whole program."""

from __future__ import annotations

import numpy as np

from hwsim.llm.isa import Buffer, Instructions, Opcode
from mappers.llm.matvec import Target
from mappers.llm.rows import LD, MV


def fills_in_turn(rows: Instructions, target: Target) -> None:
    """Give fill *i* of the MVs the part *i mod fills* of A, and its MVs the same address, in place.

    Fill *i* waits until fill *i - fills* has been read, or follows a barrier, so consecutive numbers never meet. Only
    with one load a fill and exact credits; the demo's credits promise more fills than the buffer has room for.
    """
    options = target.options
    if options.loads != "group" or options.credits != "exact":
        return
    part = target.geometry.a_depth // options.fills
    fill = (rows["op"] == Opcode.LD) & (rows["buffer"] == Buffer.A) & (rows["release"] & MV > 0)
    read = rows["op"] == Opcode.MV
    number = np.cumsum(read & (rows["wait"] & LD > 0)) - 1  # the first MV of a fill waits for it
    rows["bank"][fill] = np.arange(np.count_nonzero(fill)) % options.fills * part
    rows["a"][read] = number[read] % options.fills * part
