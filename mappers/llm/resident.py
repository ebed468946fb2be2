"""Decoding with activations always on the chip: no stage reads or writes HBM but for weights, cache and logits, and no
barrier stands between stages, so that loads run ahead through the whole program.

What the barrier did, tokens do: a stage waits for the stages whose results it reads, where the order of its queue does
not say so already. With several cores, a stage that reads a whole vector waits at a SYS, where the cores' shares are
joined; what a core computes from its own share (heads, columns) does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from hwsim.llm.isa import Instructions, Opcode
from hwsim.workload.decoder.operators import INPUT
from mappers.llm.fusion import Stage
from mappers.llm.matvec import Stored, Target, matvec, spread
from mappers.llm.rows import LD, MV, ST, SYS, block
from mappers.llm.step import Machine, matrix
from mappers.llm.surround import biased
from mappers.llm.vector import on_chip

Named = tuple[str, Instructions]
_BEFORE = -1  # number of the stage that made the block's input
_NEVER = -2


def target(machine: Machine) -> Target:
    """For stages without barriers."""
    plain = machine.target
    return Target(plain.geometry, plain.options, endless=True, resident=True)


@dataclass
class _Chain:
    """Stages of a block so far, and which results each queue is known to have seen.

    Attributes:
        rows: names and instructions in program order.
        last: by stage, its instructions; the last of them ends it.
        seen: by the maker's queue and the reader's, the newest stage; `shared`: the same, of all cores.
        joined: by the maker's queue, the newest stage that a SYS has waited for.
    """

    rows: list[Named] = field(default_factory=list)
    last: dict[int, Instructions] = field(default_factory=dict)
    seen: dict[tuple[int, int], int] = field(default_factory=dict)
    shared: dict[tuple[int, int], int] = field(default_factory=dict)
    joined: dict[int, int] = field(default_factory=dict)

    def queue(self, maker: int) -> int:
        """Where a stage's last instruction runs."""
        return int(self.last[maker]["op"][-1])

    def token(self, maker: int, reader: Instructions) -> None:
        """Let one instruction begin after a stage of the same core."""
        queue, waiting = self.queue(maker), int(reader["op"])
        if queue == waiting or self.seen.get((queue, waiting), _NEVER) >= maker:
            return
        self.seen[queue, waiting] = maker
        self.last[maker]["release"][-1] |= 1 << waiting
        reader["wait"] |= 1 << queue

    def join(self, maker: int, reader: Instructions, name: str) -> None:
        """Let one instruction begin after a stage of all cores."""
        queue, waiting = self.queue(maker), int(reader["op"])
        if self.shared.get((queue, waiting), _NEVER) >= maker:
            return
        self.shared[queue, waiting] = maker
        fresh = self.joined.get(queue, _NEVER) < maker
        if fresh:
            self.joined[queue] = maker
            self.last[maker]["release"][-1] |= SYS
        self.rows.append((name, block(Opcode.SYS, (1,), wait=1 << queue if fresh else 0, release=1 << waiting)))
        reader["wait"] |= SYS


def chained(stages: Sequence[Stage], stored: Callable[[Stage], Stored], machine: Machine) -> list[Named]:
    """A decoder block's stages with their tokens. Its input comes from a MISC, as that of any block behind a sum.

    With several cores its first instruction is a SYS that waits for that MISC in the block before; so the block ends
    with one that releases the SYS behind it, but for the head (`logits`).
    """
    chain, number_of = _Chain(), {INPUT: _BEFORE}
    chain.last[_BEFORE] = block(Opcode.MISC, (1,))
    for number, stage in enumerate(stages):
        makers = [number_of[name] for name in stage.op.inputs]
        number_of.update(dict.fromkeys(stage.produces, number))
        if stage.kind == "append":
            _append(chain, number, makers[0], stage, machine)
        else:
            _compute(chain, number, makers, stage, stored(stage), machine)
    last = chain.rows[-1][1]
    if machine.cores > 1 and last["op"][-1] == Opcode.MISC:
        last["release"][-1] |= SYS
    return chain.rows


def _append(chain: _Chain, number: int, maker: int, stage: Stage, machine: Machine) -> None:
    """A new row of keys or values goes to HBM; loads of the cache wait for it."""
    rows = block(Opcode.ST, (1,), release=LD, length=machine.heads(stage.op.heads) * stage.op.n)
    chain.token(maker, rows[0])
    chain.last[number] = rows
    chain.rows.append((stage.name, rows))


def _compute(chain: _Chain, number: int, makers: Sequence[int], stage: Stage, stored: Stored,
             machine: Machine) -> None:
    """A matrix product with its functions, or functions alone."""
    rows = _body(stage, stored, machine)
    first = rows[int(np.argmax(np.isin(rows["op"], (Opcode.MV, Opcode.MISC))))]
    for maker in makers:
        if chain.queue(maker) == Opcode.ST:
            rows["wait"][0] |= ST
        elif stage.kind == "values":
            _by_head(chain, maker, rows, stage, machine)
        elif machine.cores > 1 and stage.kind in ("linear", "vector"):
            chain.join(maker, first, stage.name)
        else:
            chain.token(maker, first)
    if rows["op"][-1] == Opcode.MISC and stage.kind != "vector":
        chain.seen[Opcode.MV, Opcode.MISC] = number  # each function has waited for its own product
    chain.last[number] = rows
    chain.rows.append((stage.name, rows))


def _body(stage: Stage, stored: Stored, machine: Machine) -> Instructions:
    if stage.kind == "vector":
        return on_chip(stage.op.n, stage.passes)
    source, aim = matrix(stage.op, stored, machine), target(machine)
    return biased(matvec(source, stage.passes, aim).copy(), stored.bias, source.n, aim)


def _by_head(chain: _Chain, maker: int, rows: Instructions, stage: Stage, machine: Machine) -> None:
    """Values of each head after its own softmax."""
    made = chain.last[maker]
    made["release"][made["op"] == Opcode.MISC] |= MV
    source = spread(matrix(stage.op, Stored(), machine), target(machine))
    products = np.flatnonzero(rows["op"] == Opcode.MV).reshape(source.batch, -1)
    rows["wait"][products[:, :source.users]] |= 1 << Opcode.MISC
    chain.seen[Opcode.MISC, Opcode.MV] = maker


def logits(head: Sequence[Named], columns: int) -> list[Named]:
    """The end of a program, behind the stages of its head: logits stored, all cores joined."""
    name, last = head[-1]
    last["release"][-1] |= ST
    store = block(Opcode.ST, (1,), wait=1 << int(last["op"][-1]), release=SYS, length=columns)
    return [(name, store), (name, block(Opcode.SYS, (1,), wait=ST))]


def begin(rows: Instructions, machine: Machine) -> None:
    """Begin a whole program, in place: its first join waits for nothing, its first fills find an empty buffer, and its
    last products give room back to nobody.
    """
    if machine.cores > 1:
        rows["wait"][0] = 0
    fills = machine.options.fills
    waits = np.flatnonzero((rows["op"] == Opcode.LD) & (rows["wait"] & MV > 0))[:fills]
    gives = np.flatnonzero((rows["op"] == Opcode.MV) & (rows["release"] & LD > 0))[-fills:]
    rows["wait"][waits] &= ~np.uint8(MV)
    rows["release"][gives] &= ~np.uint8(LD)
