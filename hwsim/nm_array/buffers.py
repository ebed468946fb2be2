"""The operand buffers as the networks see them: who reads which tile, and when its slot is free again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwsim.nm_array.schedule import Bools, Ints, Schedule
from hwsim.nm_array.times import Times


@dataclass(frozen=True, eq=False)
class Reader:
    """The engine that reads a buffer, in all passes or (``passes``: (passes,)) in those of one dataflow."""

    engine: str
    passes: Bools | None = None

    @property
    def suffix(self) -> str:
        """Tells the arcs of several readers apart."""
        return "" if self.passes is None else f" ({self.engine})"

    def own(self, by_pass: Ints) -> Ints:
        """What each pass waits for, -1 in passes that do not read by this engine: (passes,)."""
        return by_pass if self.passes is None else np.where(self.passes, by_pass, -1)

    def of(self, passes: Ints) -> Ints:
        """Those of the given pass numbers that read by this engine, else -1; any shape."""
        return passes if self.passes is None else np.where((passes >= 0) & self.passes[passes], passes, -1)


@dataclass(frozen=True, eq=False)
class Buffer:
    """One operand buffer: by pass the fill it reads; by fill the pass that frees its slot; release delays by pass."""

    port: str
    readers: tuple[Reader, ...]
    fill: Ints
    freed: Ints
    release: Ints
    slots: int

    @cached_property
    def freeing(self) -> Ints:
        """By fill: the pass that frees the slot it goes into; -1 for the first round."""
        return slot_arc(self.freed, self.slots)


def slot_arc(freed: Ints, slots: int) -> Ints:
    """By fill: the pass that frees the slot it goes into; -1 for the first round."""
    index = np.full(len(freed), -1, np.int64)
    index[slots:] = freed[: max(0, len(freed) - slots)]
    return index


def buffers(program: Schedule, times: Times) -> list[Buffer]:
    """The three operand buffers."""
    config, compute = program.config, (Reader("compute"),)
    of_weights = {"ws": (Reader("load"),), "os": compute,
                  "both": (Reader("load", ~program.output_stationary), Reader("compute", program.output_stationary))}
    return [Buffer("a", compute, program.a_fill, program.a_freed, times.a_release, config.a_slots),
            Buffer("w", of_weights[config.dataflow], program.w_fill, program.w_freed, times.w_release, config.w_slots),
            Buffer("q", compute, program.q_fill, program.q_freed, times.q_release, config.q_slots)]
