"""Functions that stand alone (norms), each line loaded, computed and stored; and the cache of a token that is joined
to the old ones the way the demo does it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.llm.isa import BLOCK, Buffer, Instructions, Opcode
from mappers.llm.fusion import Pass
from mappers.llm.matvec import Target
from mappers.llm.rows import LD, MISC, ST, block, flat, joined, tokens
from mappers.llm.tiling import ceil_div, room


def lines(rows: int, elements: int, passes: Sequence[Pass], target: Target, cross: bool = False) -> Instructions:
    """`rows` lines of `elements`, one after the other through the global buffer: loads, functions, a store each.

    ``cross``: parts of a line were made by other cores and lie in their channels.
    """
    g = target.geometry
    number, loads = np.arange(rows)[:, None], 1 + sum(step.operands for step in passes)
    depth = room("global", g.global_depth // loads, ceil_div(elements, g.global_width * g.channels))
    waits, gives = number >= depth, number + depth < rows
    load, step = np.arange(loads), np.arange(len(passes))
    first, last = step == 0, step == len(passes) - 1
    made = [
        block(Opcode.LD, (rows, loads), wait=tokens(MISC, waits & (load == 0)),
              release=tokens(MISC, load == loads - 1), buffer=Buffer.GLOBAL, length=elements, cross=cross,
              hbm=number * elements),
        block(Opcode.MISC, (rows, len(passes)), wait=tokens(LD, first) | tokens(ST, waits & first),
              release=tokens(ST, last) | tokens(LD, gives & last), k=ceil_div(elements, BLOCK),
              function=np.array([int(each.function) for each in passes])),
        block(Opcode.ST, (rows, 1), wait=MISC, release=tokens(MISC, gives), length=elements, hbm=number * elements),
    ]  # fmt: skip
    return joined(made, 1)


def on_chip(elements: int, passes: Sequence[Pass]) -> Instructions:
    """Functions of one line that lies in the global buffer."""
    return block(Opcode.MISC, (len(passes),), k=ceil_div(elements, BLOCK),
                 function=np.array([int(each.function) for each in passes]))  # fmt: skip


def reload(elements: int, target: Target) -> Instructions:
    """The demo's join of a cache of `elements` with a new row: all of the old cache is loaded, nothing stored."""
    channels = target.geometry.channels
    share = ceil_div(elements, channels)
    old = block(Opcode.LD, (channels,), buffer=Buffer.GLOBAL, channels=channels, length=share,
                hbm=np.arange(channels) * ceil_div(share, channels))  # fmt: skip
    return flat([old, block(Opcode.ST, (1,))])
