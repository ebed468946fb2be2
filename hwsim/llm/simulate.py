"""Runs a program: six in-order queues with tokens between them, a timed process network solved exactly.

The network is that of `hwsim.network` with one process a queue and one unbounded channel of tokens for each pair; a
solver of its own takes millions of instructions a second and reports programs whose tokens never come. Time is int64
picoseconds: durations are no whole cycles where memory and engine have different rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.llm.assembly import line_of
from hwsim.llm.deadlock import ProgramDeadlock, waits
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import QUEUES, Opcode
from hwsim.llm.program import Program
from hwsim.llm.timing import Picoseconds, Traffic, durations, macs, traffic

PS_PER_MS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class QueueTime:
    """Where the time of one queue went; busy, starved and idle add up to the total. Picoseconds.

    Attributes:
        instructions: how many it ran.
        busy: within instructions.
        starved: free, waiting for a token; by the queue whose token came last.
        idle: after its last instruction.
    """

    instructions: int
    busy: int
    starved: Mapping[Opcode, int]
    idle: int


@dataclass(frozen=True, eq=False)
class Run:
    """A program that ran on an engine. Bytes and MACs are those of one core; all cores do the same.

    Attributes:
        program, config: what ran on what.
        duration: ps, shape (instructions,).
        start: ps, shape (instructions,).
        starved: ps, shape (queues, queues): [who waited, for whom].
        tokens_left: tokens that nobody took.
    """

    program: Program
    config: EngineConfig
    duration: Picoseconds
    start: Picoseconds
    starved: npt.NDArray[np.int64]
    tokens_left: int

    @cached_property
    def end(self) -> Picoseconds:
        """End of each instruction, ps."""
        return self.start + self.duration

    @cached_property
    def total(self) -> int:
        """Until the last instruction has ended, ps."""
        return int(self.end.max(initial=0))

    @property
    def total_ms(self) -> float:
        """The same in milliseconds."""
        return self.total / PS_PER_MS

    @cached_property
    def queues(self) -> dict[Opcode, QueueTime]:
        """By queue: what it ran and where its time went."""
        ops = self.program.instructions["op"]
        counts = np.bincount(ops, minlength=QUEUES)
        found = {}
        for queue in Opcode:
            busy = int(self.duration[ops == queue].sum())
            starved = {by: int(time) for by, time in zip(Opcode, self.starved[queue], strict=True) if time}
            idle = self.total - busy - sum(starved.values())
            found[queue] = QueueTime(int(counts[queue]), busy, starved, idle)
        return found

    @property
    def busy_ms(self) -> dict[str, float]:
        """Milliseconds that each queue was busy, by name."""
        return {queue.name: times.busy / PS_PER_MS for queue, times in self.queues.items()}

    @cached_property
    def traffic(self) -> Traffic:
        """What it moved over the pins, its words not included."""
        return traffic(self.program.instructions, self.config)

    @cached_property
    def macs(self) -> dict[Opcode, float]:
        """MACs of MM and MV."""
        return macs(self.program.instructions, self.config)

    @property
    def hbm_utilization(self) -> float:
        """Bytes over the pins of HBM / what its peak would have moved in the same time, all cores."""
        moved = self.config.slrs * (self.traffic.hbm_read + self.traffic.hbm_written)
        peak = self.config.memory.bytes_per_s * self.total * 1e-12
        return moved / peak if peak else 0.0

    @property
    def fetch_ms(self) -> float:
        """Time in which every core reads the program once, at the memory's sustained rate; not part of the total.

        Instructions come ahead of their use and beside the data: from DDR, which the cores share, or from an HBM
        channel of the core's own.
        """
        memory = self.config.memory
        rate = memory.channel_bytes_per_s
        if memory.tables == "ddr" and memory.ddr_bytes_per_s is not None:
            rate = memory.ddr_bytes_per_s / self.config.slrs
        return 1e3 * self.program.nbytes / (memory.efficiency_same * rate)

    @cached_property
    def layer_ms(self) -> dict[str, float]:
        """Milliseconds by kind of layer; they add up to the total.

        A layer's time runs from the end of everything before it in the program to its own end: what it does while
        earlier layers still run is not counted for it.
        """
        layers = self.program.instructions["layer"]
        if not len(layers):
            return {}
        first = np.concatenate([[0], np.flatnonzero(np.diff(layers)) + 1])
        reached = np.maximum.accumulate(np.maximum.reduceat(self.end, first))
        spent = np.diff(reached, prepend=0)
        times = np.zeros(len(self.program.layers), np.int64)
        np.add.at(times, layers[first], spent)
        kinds: dict[str, int] = {}
        for layer, time in zip(self.program.layers, times.tolist(), strict=True):
            kind = layer.rpartition("/")[2]
            kinds[kind] = kinds.get(kind, 0) + time
        return {kind: time / PS_PER_MS for kind, time in kinds.items()}


def simulate(program: Program, config: EngineConfig) -> Run:
    """Run a program on an engine.

    Raises:
        InputError: an instruction names HBM channels that a core does not have.
        ProgramDeadlock: a token never comes; the report names each queue that stands still.
    """
    from hwsim.llm.kernel import run_queues

    rows = program.instructions
    _check_channels(program, config)
    ops, wait, release = (np.ascontiguousarray(rows[name]) for name in ("op", "wait", "release"))
    duration = durations(rows, config)
    order = np.argsort(ops, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(ops, minlength=QUEUES))])
    released = np.array([np.bincount(ops[release >> to & 1 != 0], minlength=QUEUES) for to in range(QUEUES)]).T
    token_first = (np.cumsum(released.ravel()) - released.ravel()).reshape(QUEUES, QUEUES)
    tokens = np.zeros(int(released.sum()), np.int64)
    done, start = np.zeros(QUEUES, np.int64), np.zeros(len(rows), np.int64)
    given, taken, starved = (np.zeros((QUEUES, QUEUES), np.int64) for _ in range(3))
    run_queues(order, first, wait, release, duration, token_first, tokens, done, given, taken, start, starved)
    heads = first[:-1] + done
    if (heads < first[1:]).any():
        standing = {queue: int(order[heads[queue]]) for queue in Opcode if heads[queue] < first[queue + 1]}
        raise ProgramDeadlock(program.name, waits(rows, standing, given, taken))
    return Run(program, config, duration, start, starved, int((given - taken).sum()))


def _check_channels(program: Program, config: EngineConfig) -> None:
    """Refuse loads and stores beyond a core's channels: words can name more than this board gives a core."""
    rows = program.instructions
    moves = (rows["op"] == Opcode.LD) | (rows["op"] == Opcode.ST)
    over = np.flatnonzero(moves & (rows["channel"].astype(np.int64) + rows["channels"] > config.core_channels))
    if len(over):
        row = rows[over[0]]
        first, count = int(row["channel"]), int(row["channels"])
        raise InputError(f"{program.name}: instruction {over[0]} ({line_of(row)})",
                         f"some of the {config.core_channels} HBM channels of a core",
                         f"channels {first} to {first + count - 1}")
