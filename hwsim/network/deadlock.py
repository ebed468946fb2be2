"""The report of a network in which some process can never fire again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hwsim.network.parts import Arc, Process

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Wait:
    """One process that stands still, and one firing that it waits for.

    Attributes:
        process, firing: who waits, at which of its firings.
        on, on_firing: for whom, and for which firing of that one.
        arc: name of the arc or channel (a channel's room is ``name + ".room"``).
        stall: "starved" or "blocked".
    """

    process: str
    firing: int
    on: str
    on_firing: int
    arc: str
    stall: str

    def __str__(self) -> str:
        return (
            f"{self.process!r} is {self.stall} at firing {self.firing}: waits for firing {self.on_firing} "
            f"of {self.on!r} over {self.arc!r}"
        )


class Deadlock(RuntimeError):
    """No process can fire and not all are done.

    Attributes:
        network: name of the network.
        fired: how often each process fired.
        waits: every wait of every process that is not done.
        cycle: a closed chain of waits: each waits for the next one's process, the last for the first.
    """

    def __init__(self, network: str, fired: Mapping[str, int], waits: Sequence[Wait]):
        self.network, self.fired, self.waits = network, dict(fired), tuple(waits)
        self.cycle = _cycle(waits)
        super().__init__(self._message())

    def __reduce__(self) -> tuple[type[Deadlock], tuple[str, dict[str, int], tuple[Wait, ...]]]:
        return Deadlock, (self.network, self.fired, self.waits)

    def _message(self) -> str:
        lines = [f"network {self.network!r} is deadlocked: {len({w.process for w in self.waits})} processes wait"]
        lines += [f"  {wait}" for wait in self.waits[:_SHOWN]]
        if len(self.waits) > _SHOWN:
            lines.append(f"  … and {len(self.waits) - _SHOWN} more waits")
        if self.cycle:
            chain = " -> ".join([wait.process for wait in self.cycle] + [self.cycle[0].process])
            lines.append(f"  cycle of waiting: {chain}")
            lines += [f"    {wait}" for wait in self.cycle]
        return "\n".join(lines)


def waits(processes: Mapping[str, Process], arcs: Sequence[Arc], fired: Mapping[str, int]) -> list[Wait]:
    """Return every arc that holds back a process that is not done, given how often each fired."""
    found = []
    for arc in arcs:
        k = fired[arc.target]
        if k < processes[arc.target].firings:
            j = arc.waits_for(k)
            if j >= fired[arc.source]:
                found.append(Wait(arc.target, k, arc.source, j, arc.name, arc.stall))
    return found


def _cycle(waits: Sequence[Wait]) -> tuple[Wait, ...]:
    """Return one closed chain of waits, or () when there is none."""
    import networkx as nx

    graph = nx.DiGraph()
    for wait in waits:
        if not graph.has_edge(wait.process, wait.on):
            graph.add_edge(wait.process, wait.on, wait=wait)
    names: list[str] = next(iter(nx.simple_cycles(graph)), [])
    return tuple(graph.edges[a, b]["wait"] for a, b in zip(names, [*names[1:], *names[:1]], strict=True))
