"""A slow, literal machine: cycle after cycle, every process looks whether it may fire now.

Written from the words of the contract, not from the solver's recurrence: FIFOs count entries, tokens carry the cycle
at which they can be seen, released entries come back in order. Shares no code with ``hwsim.network``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


def _of(value, k):
    """One number for all firings, or a list with one each."""
    return value if isinstance(value, int) else int(value[k])


@dataclass
class Fifo:
    """A FIFO as hardware has it: a head, a tail, a count of entries in use.

    ``peek[k]`` tokens must be visible at the head (the last of them counts), ``pop[k]`` are then taken off;
    ``push[j]`` tokens are put by firing j of the source.
    """

    source: str
    target: str
    depth: int | None
    push: list[int]
    peek: list[int]
    pop: list[int]
    forward: int = 0
    backward: int = 1
    release: object = 0
    initial: int = 0
    visible: deque = field(default_factory=deque)
    returning: deque = field(default_factory=deque)
    used: int = 0
    most: int = 0

    def __post_init__(self):
        self.visible.extend([0] * self.initial)
        self.used = self.most = self.initial

    def settle(self, cycle):
        """Give back, in order, the entries whose release has arrived."""
        while self.returning and self.returning[0] <= cycle:
            self.returning.popleft()
            self.used -= 1

    def has_token(self, k, cycle):
        count = self.peek[k]
        return count == 0 or (len(self.visible) >= count and self.visible[count - 1] <= cycle)

    def has_room(self, j, cycle):
        self.settle(cycle)
        return self.depth is None or self.push[j] == 0 or self.used + self.push[j] <= self.depth

    def send(self, j, cycle, latency):
        for _ in range(self.push[j]):
            self.visible.append(cycle + latency + self.forward)
            self.used += 1
        self.most = max(self.most, self.used)

    def take(self, k, cycle):
        for _ in range(self.pop[k]):
            self.visible.popleft()
            self.returning.append(cycle + _of(self.release, k) + self.backward)


@dataclass
class Rule:
    """Firing k of ``target`` not before ``delay`` cycles after firing ``index[k]`` of ``source``."""

    source: str
    target: str
    index: list[int]
    delay: object = 0
    is_input: bool = True  # waiting here is starving, not blocking

    def holds(self, k, cycle, logs):
        log, j = logs[self.source], self.index[k]
        return j < 0 or (j < len(log) and log[j] + _of(self.delay, k) <= cycle)


@dataclass
class Machine:
    name: str
    firings: int
    interval: object = 1
    latency: object = 1
    offer: list[bool] | None = None
    accept: list[bool] | None = None
    log: list[int] = field(default_factory=list)
    rest: int = 0  # cycle from which on it is ready for its next firing
    valid: bool = False  # the environment has offered the next firing
    starved: int = 0
    blocked: int = 0


def _open(pattern, cycle):
    return pattern is None or cycle >= len(pattern) or bool(pattern[cycle])


def _may_fire(m, cycle, logs, fifos, rules):
    k = len(m.log)
    if k == m.firings or cycle < m.rest:
        return False
    m.valid = m.valid or _open(m.offer, cycle)
    if not m.valid or not _open(m.accept, cycle):
        return False
    for fifo in fifos:
        if fifo.target == m.name and not fifo.has_token(k, cycle):
            return False
        if fifo.source == m.name and not fifo.has_room(k, cycle):
            return False
    for rule in rules:
        if rule.target == m.name and not rule.holds(k, cycle, logs):
            return False
    return True


def _note_stall(m, cycle, logs, fifos, rules):
    """Count a cycle in which ``m`` was ready but did not fire."""
    k = len(m.log)
    if k == m.firings or cycle < m.rest:
        return
    inputs = [fifo.has_token(k, cycle) for fifo in fifos if fifo.target == m.name]
    inputs += [rule.holds(k, cycle, logs) for rule in rules if rule.target == m.name and rule.is_input]
    if m.valid and all(inputs):
        m.blocked += 1
    else:
        m.starved += 1


def _fire(m, cycle, fifos):
    k = len(m.log)
    m.log.append(cycle)
    m.rest, m.valid = cycle + _of(m.interval, k), False
    for fifo in fifos:
        if fifo.target == m.name:
            fifo.take(k, cycle)
        if fifo.source == m.name:
            fifo.send(k, cycle, _of(m.latency, k))


def simulate(machines, fifos=(), rules=(), limit=5000):
    """Return the start cycles per machine; stops when all are done or after ``limit`` cycles (deadlock)."""
    logs = {m.name: m.log for m in machines}
    for cycle in range(limit):
        moved = True
        while moved:  # wires without delay settle within the cycle
            moved = False
            for m in machines:
                if _may_fire(m, cycle, logs, fifos, rules):
                    _fire(m, cycle, fifos)
                    moved = True
        for m in machines:
            _note_stall(m, cycle, logs, fifos, rules)
        if all(len(m.log) == m.firings for m in machines):
            break
    return logs
