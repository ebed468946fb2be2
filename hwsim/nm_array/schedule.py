"""What the array is told to do: passes and fills in order, of one program or of several joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.rings import freeing_pass

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """Passes and fills. All arrays of passes have shape (passes,), of fills (fills of that port,).

    Fills are numbered from the last reset on; fill f of a ring goes into slot f modulo the ring's slots.
    """

    config: NmArrayConfig
    mode_number: Ints  # of `NmArrayConfig.modes`; may change from pass to pass
    output_stationary: Bools  # by pass: os, else ws; may change too
    beats: Ints   # ws rows of A, os units of K
    rows: Ints    # ws: weight beats to load; os: result rows
    first: Bools
    last: Bools
    a_fill: Ints  # fill that the pass reads
    w_fill: Ints
    q_fill: Ints  # -1 unless last
    a_pass: Ints = field(repr=False)  # by fill: first pass that reads it
    w_pass: Ints = field(repr=False)
    q_pass: Ints = field(repr=False)

    @property
    def passes(self) -> int:
        """Number of passes."""
        return len(self.beats)

    @cached_property
    def steps(self) -> Ints:
        """Cycles for which each beat of operands is used, by pass."""
        return np.array([mode.steps for mode in self.config.modes], np.int64)[self.mode_number]

    @cached_property
    def a_beats(self) -> Ints:
        """Beats of each activation fill: ws rows of A, os units of K for each of the interleaved outputs."""
        beats = np.where(self.output_stationary, self.beats * self.config.interleaved, self.beats)
        return beats[self.a_pass]

    @cached_property
    def w_beats(self) -> Ints:
        """Beats of each weight fill: PE rows (ws) or units (os) that the tile's K needs."""
        return np.where(self.output_stationary, self.beats, self.rows)[self.w_pass]

    @cached_property
    def results(self) -> Ints:
        """Result beats of each pass; 0 unless last."""
        return np.where(self.last, np.where(self.output_stationary, self.rows, self.beats), 0)

    @cached_property
    def a_freed(self) -> Ints:
        """By activation fill: the pass after which its slot is free."""
        return freeing_pass(self.a_fill, len(self.a_pass))

    @cached_property
    def w_freed(self) -> Ints:
        """By weight fill: the pass after which its slot is free."""
        return freeing_pass(self.w_fill, len(self.w_pass))

    @cached_property
    def q_freed(self) -> Ints:
        """By parameter fill: the pass after which its slot is free."""
        return freeing_pass(self.q_fill, len(self.q_pass))


def join(parts: Sequence[Schedule]) -> Schedule:
    """Schedules one after the other without a reset between: fills go on where those before ended.

    Raises:
        InputError: nothing to join, or schedules of different arrays.
    """
    if not parts or any(part.config != parts[0].config for part in parts):
        raise InputError("programs to join", "at least one, all of the same array", f"{len(parts)} programs")
    joined = {name: np.concatenate([getattr(part, name) for part in parts])
              for name in ("mode_number", "output_stationary", "beats", "rows", "first", "last")}
    passes = _starts([part.passes for part in parts])
    for port in "awq":
        fills = _starts([len(getattr(part, f"{port}_pass")) for part in parts])
        read = [getattr(part, f"{port}_fill") for part in parts]
        joined[f"{port}_fill"] = np.concatenate([np.where(f >= 0, f + s, -1) for f, s in zip(read, fills, strict=True)])
        joined[f"{port}_pass"] = np.concatenate(
            [getattr(part, f"{port}_pass") + s for part, s in zip(parts, passes, strict=True)])
    return Schedule(config=parts[0].config, **joined)


def _starts(counts: list[int]) -> list[int]:
    """How many there are before each."""
    return [sum(counts[:i]) for i in range(len(counts))]
