"""One training step as a timed process network: array, DRAM channel, weight-update engine, sparse-weight engine.

Each stage is drained before the next, and takes on the array the cycles of its own network with DRAM. It is cut into
`SLICES` slices, in each of which it moves its share of bytes. The update of a layer may start when its WU has ended;
its commands are put, offline, into the cycles of later slices that the channel would idle in, so that the update never
slows the array; what is left runs after the last stage. On-line generation stands before the stage that needs it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwsim.network import Network, Timeline
from hwsim.training.stages import PARTS, Part
from hwsim.training.update import Work

SLICES = 16
"""Parts that a stage is cut into for sharing the channel; the step's cycles do not depend on it without updates."""


@dataclass(frozen=True, kw_only=True)
class StageTime:
    """A stage as the step sees it: cycles on the array with its own DRAM traffic, and cycles the channel is busy."""

    layer: str
    part: Part
    cycles: int
    dram: int


@dataclass(frozen=True)
class _Command:
    """One command of the channel: for a slice of the array, for a part of an update, or for generating weights."""

    kind: str    # "array", "wuve" or "sore"
    dram: int    # cycles of the channel
    engine: int  # cycles of whom it is for
    after: int   # firing of the array that must have ended; -1 none


class _Plan:
    """The fixed order of the channel's commands."""

    def __init__(self, stages: Sequence[StageTime], updates: Mapping[str, Work], online: Mapping[str, Work],
                 overlap: bool):
        self.commands: list[_Command] = []
        self.slice_cycles: list[int] = []
        self.needs_sore: list[int] = []  # by slice: firing of sore that it waits for
        self._waiting: deque[tuple[Work, int, int]] = deque()  # update, cycles left, WU's last slice
        self._overlap = overlap
        generations = 0
        for stage in stages:
            if stage.part in ("FF", "BP") and stage.layer in online and stage.cycles:
                work = online[stage.layer]
                self.commands.append(_Command("sore", work.dram, work.cycles, len(self.slice_cycles) - 1))
                generations += 1
            self._stage(stage, generations - 1)
            if stage.part == "WU" and stage.layer in updates:
                work = updates[stage.layer]
                self._waiting.append((work, work.cycles, len(self.slice_cycles) - 1))
        self._fill(None)

    def _stage(self, stage: StageTime, generation: int) -> None:
        for cycles, dram in _cut(stage):
            self.commands.append(_Command("array", dram, cycles, len(self.slice_cycles) - 1))
            self.slice_cycles.append(cycles)
            self.needs_sore.append(generation)
            if self._overlap:
                self._fill(max(0, cycles - dram))

    def _fill(self, room: int | None) -> None:
        """Put updates into so many idle cycles of the channel; all that wait when there is no limit."""
        while self._waiting and (room is None or room > 0):
            work, left, after = self._waiting.popleft()
            part = left if room is None else min(left, room)
            done = work.cycles - left
            dram = _share(work.dram, done + part, work.cycles) - _share(work.dram, done, work.cycles)
            self.commands.append(_Command("wuve", dram, part, after if self._overlap else len(self.slice_cycles) - 1))
            if part < left:
                self._waiting.appendleft((work, left - part, after))
            room = None if room is None else room - part


def _cut(stage: StageTime) -> list[tuple[int, int]]:
    """Cycles and busy cycles of the channel of each slice; the channel is never busy longer than the slice is."""
    ends = [stage.cycles * i // SLICES for i in range(SLICES + 1)]
    moved = [_share(stage.dram, end, stage.cycles) if stage.cycles else 0 for end in ends]
    return [(ends[i + 1] - ends[i], moved[i + 1] - moved[i]) for i in range(SLICES)]


def _share(total: int, done: int, of: int) -> int:
    return total * done // of


def step_network(stages: Sequence[StageTime], updates: Mapping[str, Work], online: Mapping[str, Work],
                 overlap: bool = True) -> Network:
    """The step's network.

    Args:
        stages: in running order.
        updates: WUVE's run of each layer that has a WU stage.
        online: SORE's run of the layers whose weights are generated on line, before FF and before BP.
        overlap: updates may use the channel's idle cycles; else all run after the last stage.
    """
    plan = _Plan(stages, updates, online, overlap)
    net = Network("training step")
    dram = np.array([command.dram for command in plan.commands], np.int64)
    net.process("array", firings=len(plan.slice_cycles), interval=plan.slice_cycles, latency=plan.slice_cycles)
    net.process("dram", firings=len(dram), interval=dram, latency=dram)
    ended = np.array([command.after for command in plan.commands], np.int64)
    cycles = np.array([*plan.slice_cycles, 0], np.int64)
    net.depend("dram", on="array", index=ended, delay=cycles[ended] * (ended >= 0), name="slice before")
    for kind in ("array", "wuve", "sore"):
        at = np.array([i for i, command in enumerate(plan.commands) if command.kind == kind], np.int64)
        if kind != "array":
            engine = np.array([plan.commands[i].engine for i in at], np.int64)
            net.process(kind, firings=len(at), interval=engine, latency=engine)
            # An engine's next command waits until the engine is done with the one before.
            before = np.full(len(dram), -1, np.int64)
            before[at[1:]] = np.arange(len(at) - 1)
            wait = np.zeros(len(dram), np.int64)
            wait[at[1:]] = engine[:-1]
            net.depend("dram", on=kind, index=before, delay=wait, stall="blocked", name=f"{kind} busy")
        net.depend(kind, on="dram", index=at, name=f"{kind} data")
    sore = np.array(plan.needs_sore, np.int64)
    if len(sore) and sore.max() >= 0:
        engine = np.array([command.engine for command in plan.commands if command.kind == "sore"], np.int64)
        net.depend("array", on="sore", index=sore, delay=engine[np.maximum(sore, 0)], name="weights generated")
    return net


def time_split(stages: Sequence[StageTime], timeline: Timeline) -> dict[str, int]:
    """Cycles of the step by FF, BP, WU (array, with their element-wise work), SORE and update.

    SORE and update count only where the array waits for them: SORE between stages, the update after the last stage.
    """
    split: dict[str, int] = {part: sum(stage.cycles for stage in stages if stage.part == part) for part in PARTS}
    stalls = timeline.stalls("array")
    return {**split, "SORE": stalls.starved, "update": timeline.cycles - stalls.busy - stalls.starved}
