"""The parts of a network as plain data: processes, arcs between them, channels made of arcs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Duration = int | Ints
Stall = Literal["starved", "blocked"]


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """One process: ``firings`` firings in order, at least ``interval`` cycles apart.

    Attributes:
        name: unique in its network.
        firings: how often it fires (>= 0).
        interval: cycles from a firing to the earliest next one; one number or shape (firings,).
        latency: cycles from a firing's start until its token is there; one number or shape (firings,).
        offer: shape (cycles,): when a source's environment offers; None = always.
        accept: shape (cycles,): when a sink's environment accepts; None = always.
    """

    name: str
    firings: int
    interval: Duration
    latency: Duration
    offer: Bools | None = None
    accept: Bools | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Arc:
    """Firing ``k`` of ``target`` waits for a firing ``j`` of ``source``, plus a delay in cycles.

    ``j`` is ``index[k]``, or ``k - shift`` where ``index`` is None; ``j < 0`` is no constraint. The delay is
    ``delay + per_target[k] + per_source[j]``; at most one of the two arrays is there.

    Attributes:
        name: unique in its network.
        source, target: names of the processes.
        index: shape (firings of target,) or None.
        shift: distance between the firings where ``index`` is None.
        delay: constant part of the delay (cycles).
        per_target: shape (firings of target,) or None.
        per_source: shape (firings of source,) or None.
        stall: what the target is while it waits here: "starved" (no input) or "blocked" (no room).
    """

    name: str
    source: str
    target: str
    index: Ints | None
    shift: int
    delay: int
    per_target: Ints | None
    per_source: Ints | None
    stall: Stall

    def waits_for(self, k: int) -> int:
        """Return the source's firing that the target's firing ``k`` waits for; negative = none."""
        return k - self.shift if self.index is None else int(self.index[k])

    def shortest(self) -> int:
        """Return the smallest delay of any firing (cycles)."""
        part = self.per_target if self.per_target is not None else self.per_source
        return self.delay + (int(part.min()) if part is not None and len(part) else 0)

    def raise_to_ready(self, ready: Ints, start: Ints) -> None:
        """Raise ``ready[k]`` to the cycle at which this arc lets the target's firing ``k`` go (in place).

        Args:
            ready: shape (firings of target,), cycles.
            start: shape (firings of source,), start cycles of the source.
        """
        if self.index is None:
            first, last = max(0, self.shift), min(len(ready), len(start) + self.shift)
            if last <= first:
                return
            k, j = slice(first, last), slice(first - self.shift, last - self.shift)
            there = start[j] + self._delays(k, j)
            np.maximum(ready[k], there, out=ready[k])
            return
        waiting = np.flatnonzero(self.index >= 0)
        given = self.index[waiting]
        ready[waiting] = np.maximum(ready[waiting], start[given] + self._delays(waiting, given))

    def _delays(self, k: slice | Ints, j: slice | Ints) -> Duration:
        if self.per_target is not None:
            return self.per_target[k] + self.delay
        if self.per_source is not None:
            return self.per_source[j] + self.delay
        return self.delay


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """A FIFO between two processes; the arcs of the same name (and ``name + ".room"``) hold its timing.

    Tokens are numbered in order: first the ``initial`` ones, then those that the source puts.

    Attributes:
        name: unique in its network.
        source, target: names of the processes.
        depth: entries, or None for no bound.
        initial: tokens that are there at cycle 0.
        tokens: how many tokens pass in all, the initial ones included.
        put: shape (tokens - initial,): the source's firing that puts each token; None = token i by firing i.
        released: shape (tokens,): the target's firing that releases each token, -1 = never;
            None = token i by firing i.
        release: cycles from that firing's start to the release; one number or shape (firings of target,).
    """

    name: str
    source: str
    target: str
    depth: int | None
    initial: int
    tokens: int
    put: Ints | None
    released: Ints | None
    release: Duration
