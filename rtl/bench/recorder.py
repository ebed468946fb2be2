"""Sources, sinks and the record of one case, one cycle at a time: the rules of `rtl.bench.transfers` as Python.

Engines whose loop runs in Python (Amaranth's simulator, cocotb) share this. It needs nothing but NumPy, because it is
also imported inside a simulator process.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rtl.bench.transfers import CHANGED, DROPPED, Port, Stimulus, Transfers


class Case:
    """One case in progress.

    Per cycle call `drive` before the logic settles and `observe` after. Input and output ports are numbered in the
    order of ``ports``, each direction for itself; bit ``p`` of a mask belongs to port ``p``.

    Attributes:
        valid: mask of the sources that offer in this cycle.
        payload: what each source drives in this cycle.
        ready: mask of the sinks that are ready in this cycle.
    """

    def __init__(self, ports: tuple[Port, ...], stimulus: Stimulus):
        sources = [port for port in ports if port.direction == "in"]
        sinks = [port for port in ports if port.direction == "out"]
        self._sources, self._sinks = [port.name for port in sources], [port.name for port in sinks]
        self._tokens = [stimulus.tokens[name] for name in self._sources]
        self._expect = [stimulus.expect[name] for name in self._sinks]
        self._offer = [stimulus.offer[name].tolist() for name in self._sources]
        self._ready_masks = _masks([stimulus.ready[name] for name in self._sinks])
        self._all_ready = (1 << len(sinks)) - 1
        self._garbage = [(1 << port.width) - 1 for port in sources]
        self._tail = stimulus.tail
        self._taken: list[list[int]] = [[] for _ in sources]
        self._seen: list[list[int]] = [[] for _ in sinks]
        self._values: list[list[int]] = [[] for _ in sinks]
        self._held: list[int | None] = [None] * len(sinks)
        self._violations, self._violation = 0, ""
        self._missing = sum(map(len, self._tokens)) + sum(self._expect)
        self._finished = not self._missing
        self._stop = self._tail if self._finished else stimulus.limit
        self.cycle, self.valid, self.ready, self.payload = 0, 0, 0, list(self._garbage)

    def drive(self) -> bool:
        """Set `valid`, `payload` and `ready` for the next cycle; false when the case is over."""
        cycle = self.cycle
        if cycle >= self._stop:
            return False
        for p, offer in enumerate(self._offer):
            if not self.valid >> p & 1:
                index = len(self._taken[p])
                if index < len(self._tokens[p]) and (cycle >= len(offer) or offer[cycle]):
                    self.valid |= 1 << p
                    self.payload[p] = self._tokens[p][index]
        self.ready = self._ready_masks[cycle] if cycle < len(self._ready_masks) else self._all_ready
        return True

    def observe(self, ready: int, valid: int, payload: Callable[[int], int]) -> None:
        """Record the settled cycle.

        Args:
            ready: mask of the device's ``ready`` on its inputs.
            valid: mask of the device's ``valid`` on its outputs.
            payload: reads the payload of an output port; called only where the port is valid.
        """
        taken = self.valid & ready
        for p in range(len(self._sources)) if taken else ():
            if taken >> p & 1:
                self._taken[p].append(self.cycle)
                self._missing -= 1
                self.payload[p] = self._garbage[p]
        self.valid &= ~taken
        for p, held in enumerate(self._held):
            if valid >> p & 1:
                self._observe_offer(p, payload(p), held)
            elif held is not None:
                self._break(p, DROPPED)
                self._held[p] = None
        self.cycle += 1
        if not self._missing and not self._finished:
            self._finished, self._stop = True, self.cycle + self._tail

    def _observe_offer(self, p: int, value: int, held: int | None) -> None:
        if held is not None and held != value:
            self._break(p, CHANGED)
        if not self.ready >> p & 1:
            self._held[p] = value
            return
        self._held[p] = None
        self._seen[p].append(self.cycle)
        self._values[p].append(value)
        if len(self._seen[p]) <= self._expect[p]:
            self._missing -= 1

    def _break(self, p: int, what: str) -> None:
        self._violations += 1
        self._violation = self._violation or violation_text(self._sinks[p], self.cycle, what)

    def transfers(self) -> Transfers:
        """The record so far."""
        names = [*self._sources, *self._sinks]
        values = [tokens[: len(taken)] for tokens, taken in zip(self._tokens, self._taken, strict=True)] + self._values
        return Transfers(
            cycle={name: np.array(at, np.int64) for name, at in zip(names, self._taken + self._seen, strict=True)},
            value=dict(zip(names, values, strict=True)),
            cycles_run=self.cycle,
            finished=self._finished,
            violations=self._violations,
            violation=self._violation,
        )


def violation_text(port: str, cycle: int, what: str) -> str:
    """One line for a broken rule, the same in every engine."""
    return f"port {port}, cycle {cycle}: {what}"


def _masks(patterns: list[np.ndarray]) -> list[int]:
    """One integer per cycle with bit p from pattern p; patterns are padded with true to the longest."""
    length = max((len(pattern) for pattern in patterns), default=0)
    masks = np.zeros(length, object)
    for p, pattern in enumerate(patterns):
        padded = np.ones(length, bool)
        padded[: len(pattern)] = pattern
        masks += padded.astype(object) * (1 << p)
    return masks.tolist()
