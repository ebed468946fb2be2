"""What goes into a bench and what comes out: ports, stimuli, transfers, and the rules that every engine keeps.

The handshake rules, the same in every engine:

1. Before each case the device is reset: two cycles with reset high and every ``valid`` and ``ready`` of the bench low.
   Cycle 0 is the first cycle after reset.
2. A source holds its offer. Token ``j`` is first offered in the first cycle after the transfer of token ``j - 1``
   whose ``offer`` is true (cycles beyond the array count as true); then ``valid`` and payload stay until taken. While
   ``valid`` is low the payload is all ones, so that a device that looks too early is found.
3. A sink's ``ready`` is its array (true beyond its end) and does not look at ``valid``.
4. A transfer is a cycle in which both ``valid`` and ``ready`` are high.
5. A device that withdraws an offer, or changes its payload while it is held, breaks the protocol: a violation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from hwsim.errors import InputError

RESET_CYCLES = 2
DROPPED, CHANGED = "valid fell before the token was taken", "payload changed while it was held"


@dataclass(frozen=True, kw_only=True)
class Port:
    """One stream port of a device; ``width`` is the payload in bits, ``direction`` as the device sees it."""

    name: str
    direction: str
    width: int


@dataclass(kw_only=True)
class Stimulus:
    """One case: what to offer, when the sinks are ready, and how much to wait for.

    Args:
        tokens: payloads in order, per input port.
        expect: number of transfers to wait for, per output port.
        limit: most cycles to wait until every token was taken and every expected transfer was seen.
        offer: cycles in which a source may begin an offer, per input port (bool); a port left out never stalls.
        ready: cycles in which a sink is ready, per output port (bool); a port left out never stalls.
        tail: cycles to go on after everything arrived, so that extra transfers are seen.
    """

    tokens: dict[str, list[int]]
    expect: dict[str, int]
    limit: int
    offer: dict[str, np.ndarray] = field(default_factory=dict)
    ready: dict[str, np.ndarray] = field(default_factory=dict)
    tail: int = 32


@dataclass(eq=False)
class Transfers:
    """Every transfer of one case: its cycle and payload per port (inputs too), in order.

    ``finished`` says that every token was taken and every expected transfer seen within the limit; ``cycles_run``
    includes the tail. ``violations`` counts broken protocol rules, ``violation`` describes the first.
    """

    cycle: dict[str, np.ndarray]
    value: dict[str, list[int]]
    cycles_run: int
    finished: bool
    violations: int = 0
    violation: str = ""

    def difference(self, other: Transfers) -> str:
        """First difference in one line, or an empty string when both are equal in everything."""
        for name in sorted(set(self.cycle) | set(other.cycle)):
            if name not in self.cycle or name not in other.cycle:
                return f"port {name}: recorded in one only"
            mine = list(zip(self.cycle[name].tolist(), self.value[name], strict=True))
            theirs = list(zip(other.cycle[name].tolist(), other.value[name], strict=True))
            for index, (a, b) in enumerate(zip(mine, theirs, strict=False)):
                if a != b:
                    return f"port {name}, transfer {index}: cycle {a[0]} value {a[1]:#x}, other {b[0]} value {b[1]:#x}"
            if len(mine) != len(theirs):
                return f"port {name}: {len(mine)} transfers, other {len(theirs)}"
        for key in ("cycles_run", "finished", "violations", "violation"):
            if getattr(self, key) != getattr(other, key):
                return f"{key}: {getattr(self, key)!r}, other {getattr(other, key)!r}"
        return ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transfers) and not self.difference(other)


class Bench(Protocol):
    """A device with an engine around it: give it cases, get the transfers of each."""

    ports: tuple[Port, ...]

    def run(self, stimuli: Sequence[Stimulus]) -> list[Transfers]:
        """Run the cases one after the other, with a reset before each."""


def checked(stimuli: Sequence[Stimulus], ports: tuple[Port, ...]) -> list[Stimulus]:
    """The stimuli with plain integers and full boolean arrays, or `InputError`."""
    return [_checked(stimulus, ports, f"stimuli[{index}]") for index, stimulus in enumerate(stimuli)]


def _checked(given: Stimulus, ports: tuple[Port, ...], place: str) -> Stimulus:
    sources = {port.name: port.width for port in ports if port.direction == "in"}
    sinks = [port.name for port in ports if port.direction == "out"]
    for key, mapping, names in (("tokens", given.tokens, list(sources)), ("expect", given.expect, sinks)):
        if set(mapping) != set(names):
            raise InputError(f"{place}.{key}", f"exactly the ports {sorted(names)}", sorted(mapping))
    if min(given.limit, given.tail, *given.expect.values()) < 0:
        shown = f"limit {given.limit}, tail {given.tail}, expect {given.expect}"
        raise InputError(place, "limit, tail and expect of 0 or more", shown)
    tokens = {name: [int(value) for value in given.tokens[name]] for name in sources}
    for name, values in tokens.items():
        for index, value in enumerate(values):
            if not 0 <= value < 1 << sources[name]:
                raise InputError(f"{place}.tokens[{name!r}][{index}]", f"an unsigned {sources[name]}-bit value", value)
    return Stimulus(
        tokens=tokens,
        expect={name: int(given.expect[name]) for name in sinks},
        limit=int(given.limit),
        offer={name: _pattern(given.offer, name, f"{place}.offer", list(sources)) for name in sources},
        ready={name: _pattern(given.ready, name, f"{place}.ready", sinks) for name in sinks},
        tail=int(given.tail),
    )


def _pattern(patterns: dict[str, np.ndarray], name: str, place: str, names: list[str]) -> np.ndarray:
    if not set(patterns) <= set(names):
        raise InputError(place, f"some of the ports {sorted(names)}", sorted(patterns))
    pattern = np.asarray(patterns.get(name, np.ones(0, bool)))
    if pattern.dtype != np.bool_ or pattern.ndim != 1:
        raise InputError(f"{place}[{name!r}]", "a boolean array of one dimension", f"{pattern.dtype} {pattern.shape}")
    return np.ascontiguousarray(pattern)
