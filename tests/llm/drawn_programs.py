"""Random instructions with legal fields, and random programs whose tokens come (or, on request, do not)."""

import numpy as np

from hwsim.llm.encoding import LAYOUT
from hwsim.llm.isa import Flag, Function, Opcode, instructions

SIX = 6
CORE_CHANNELS = 10


def legal(rng, count):
    """Instructions of all opcodes with fields over their whole range."""
    ops = rng.integers(0, SIX, count)
    rows = np.concatenate([instructions(op) for op in Opcode])[ops]
    for op in Opcode:
        mine = np.flatnonzero(ops == op)
        size = len(mine)
        others = ((1 << SIX) - 1) & ~(1 << op)
        rows["wait"][mine] = rng.integers(0, 1 << SIX, size) & others
        rows["release"][mine] = rng.integers(0, 1 << SIX, size) & others
        bits = {}
        for name, _, _, width, _ in LAYOUT[op]:
            bits[name] = bits.get(name, 0) + width
        for name, width in bits.items():
            rows[name][mine] = rng.integers(0, 1 << width, size) + (name in ("channels", "loops"))
        if op in (Opcode.LD, Opcode.ST):
            rows["channels"][mine] = rng.integers(1, 33 - rows["channel"][mine].astype(int))
            rows["cross"][mine] &= rows["channels"][mine] == 1
        if op == Opcode.LD:
            rows["buffer"][mine] = rng.integers(0, 6, size)
            rows["ratio"][mine] = rng.uniform(0.1, 8, size)
            rows["zero"][mine] &= rows["cross"][mine] == 0
            rows["ratio"][mine[rows["zero"][mine] != 0]] = 1
        if op == Opcode.MISC:
            rows["function"][mine] = rng.integers(0, len(Function), size)
        if op in (Opcode.MM, Opcode.MV):
            sparse = rows["flags"][mine] & Flag.SPARSE != 0
            rows["work"][mine] = np.where(sparse, rng.uniform(0, 1, size), 1)
    rows["layer"] = rng.integers(0, 5, count)
    return rows


def with_tokens(rng, count, lost=0.0):
    """Legal instructions whose tokens come in program order; then a share `lost` of the releases is taken out.

    Channels are those that a core of any preset has.
    """
    rows = legal(rng, count)
    rows["channel"] %= CORE_CHANNELS
    rows["channels"] = np.minimum(rows["channels"], CORE_CHANNELS - rows["channel"])
    for name in ("length", "loops", "k"):
        rows[name] = np.minimum(rows[name], rng.integers(0, 60, count) + (name == "loops"))
    rows["loops"] = np.where(rows["op"] <= Opcode.ST, np.maximum(rows["loops"], 1), 0)
    left = np.zeros((SIX, SIX), int)
    share = rng.uniform(0.1, 0.9)
    for row in rows:
        op = int(row["op"])
        wait = [queue for queue in range(SIX) if left[queue, op] and rng.random() < share]
        give = [queue for queue in range(SIX) if queue != op and rng.random() < share / 2]
        row["wait"], row["release"] = sum(1 << queue for queue in wait), sum(1 << queue for queue in give)
        left[wait, op] -= 1
        left[op, give] += 1
    if lost:
        rows["release"][rng.random(count) < lost] = 0
    return rows
