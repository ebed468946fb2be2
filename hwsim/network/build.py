"""The network builder: processes, arcs, channels, instruction-queue tokens; then check, draw or solve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.network import arrays, check, fifo
from hwsim.network.parts import Arc, Channel, Duration, Ints, Process, Stall
from hwsim.network.solve import start_times
from hwsim.network.timeline import Timeline

if TYPE_CHECKING:
    import networkx


class Network:
    """Processes that fire in order, and what each firing waits for. All times are int64 cycles.

    Firing ``k`` of a process starts at the first cycle that is at least ``interval[k-1]`` after its previous
    firing, at which its ``offer`` pattern has come, every arc into it is satisfied, and its ``accept`` pattern is
    true. Declare processes before the arcs between them. Arrays are not copied: leave them as they are until
    the network is solved.

    Attributes:
        processes: by name, in order of declaration.
        arcs: by name, in order of declaration.
        channels: by name.
    """

    def __init__(self, name: str = "network"):
        self.name = name
        self.processes: dict[str, Process] = {}
        self.arcs: dict[str, Arc] = {}
        self.channels: dict[str, Channel] = {}

    def process(
        self,
        name: str,
        *,
        firings: int,
        interval: int | npt.ArrayLike = 1,
        latency: int | npt.ArrayLike = 1,
        offer: npt.ArrayLike | None = None,
        accept: npt.ArrayLike | None = None,
    ) -> None:
        """Add a process.

        Args:
            name: unique name.
            firings: how often it fires.
            interval: cycles from a firing's start to the earliest next start; one or shape (firings,).
            latency: cycles from a firing's start until its token is there; one or shape (firings,).
            offer: bool, shape (cycles,): a source's stall pattern. A firing is offered at the first true cycle
                from when the process is ready on, and stays offered (valid is held). True beyond the end.
            accept: bool, shape (cycles,): a sink's ready; the firing starts in a true cycle. True beyond the end.

        Raises:
            InputError: the name is taken; a negative or fractional number; an array of another length.
        """
        place = f"network {self.name!r}, process {name!r}"
        if name in self.processes:
            raise InputError(place, "a new name", "a process of that name is there already")
        count = arrays.whole(f"{place}: firings", firings)
        self.processes[name] = Process(
            name,
            count,
            arrays.duration(f"{place}: interval", interval, count),
            arrays.duration(f"{place}: latency", latency, count),
            arrays.gate(f"{place}: offer", offer),
            arrays.gate(f"{place}: accept", accept),
        )

    def depend(
        self,
        process: str,
        *,
        on: str,
        index: npt.ArrayLike | None = None,
        shift: int = 0,
        delay: int | npt.ArrayLike = 0,
        stall: Stall = "starved",
        name: str | None = None,
    ) -> None:
        """Let firing ``k`` of ``process`` start no sooner than ``delay[k]`` cycles after a firing of ``on``.

        Args:
            process: the process that waits.
            on: the process that it waits for; may be itself (an earlier firing).
            index: shape (firings of process,): which firing of ``on``; -1 = none.
            shift: in place of ``index``: firing ``k - shift``; none where that is negative. Stores no array.
            delay: cycles; one or shape (firings of process,).
            stall: what ``process`` is while it waits: "starved" (input) or "blocked" (room).
            name: unique name; by default "on -> process".

        Raises:
            InputError: unknown process, index out of range, wrong shape, negative delay.
        """
        name = self._new_name(name, f"{on} -> {process}")
        place = self._place("arc", name)
        firings = self._process(place, process).firings
        source = self._process(place, on)
        if stall not in ("starved", "blocked"):
            raise InputError(f"{place}: stall", "'starved' or 'blocked'", stall)
        if index is not None and shift != 0:
            raise InputError(place, "index or shift", "both")
        given = None if index is None else arrays.index(f"{place}: index", index, firings, source.firings)
        cycles = arrays.duration(f"{place}: delay", delay, firings)
        self.arcs[name] = self._arc(name, on, process, given, _shift(place, shift), 0, stall, per_target=cycles)

    def channel(
        self,
        name: str,
        source: str,
        target: str,
        *,
        depth: int | None,
        need: npt.ArrayLike | None = None,
        free: npt.ArrayLike | None = None,
        forward: int = 0,
        backward: int = 1,
        release: int | npt.ArrayLike = 0,
        put: npt.ArrayLike | None = None,
        initial: int = 0,
    ) -> None:
        """Add a FIFO from ``source`` to ``target``: an arc for its tokens, and one for its room.

        The target's firing k starts no sooner than ``latency + forward`` cycles after the source's firing that
        puts token ``need[k]`` (stall "starved"). The source's firing j starts no sooner than
        ``release + backward`` cycles after the target's firing ``free[j]`` (stall "blocked").

        Args:
            name: unique name.
            source: the process that puts tokens.
            target: the process that takes them.
            depth: entries (>= 1), or None for no bound. An entry is held from the start of the source's firing.
            need: shape (firings of target,): the last token that each firing needs, -1 = none; default token k.
                A token is released by the last firing that needs it, skipped ones with the next one needed.
            free: shape (firings of source,): the target's firing whose release gives firing j its room, -1 = none.
                By default it follows from ``need``, ``put`` and ``depth``; ``j - depth`` for a plain FIFO.
            forward: cycles from a token's end of latency until the target can take it.
            backward: cycles from a release until the source can use the room.
            release: cycles from the start of a target's firing to its release; one or shape (firings of target,).
            put: shape (tokens,), in order: the source's firing that puts each token (several, or none, per
                firing; several wait for the room of the last); default token j by firing j.
            initial: tokens that are there at cycle 0; they come first in the numbering of ``need``.

        Raises:
            InputError: unknown process, depth below 1, index out of range, a token that is never put, room that
                never comes, an order of ``need`` from which ``free`` does not follow.
        """
        name, place = self._new_name(name, name), self._place("channel", name)
        sender, taker = self._process(place, source), self._process(place, target)
        plan = fifo.plan(place, (sender.firings, taker.firings), depth, initial, need, free, put)
        ahead, back = arrays.whole(f"{place}: forward", forward), arrays.whole(f"{place}: backward", backward)
        cycles = arrays.duration(f"{place}: release", release, taker.firings)
        arcs = [self._arc(name, source, target, plan.data, plan.initial, ahead, "starved", per_source=sender.latency)]
        if plan.depth is not None:
            room, shift = f"{name}.room", plan.depth - plan.initial
            arcs.append(self._arc(room, target, source, plan.room, shift, back, "blocked", per_source=cycles))
        self.arcs.update({arc.name: arc for arc in arcs})
        self.channels[name] = Channel(
            name, source, target, plan.depth, plan.initial, plan.tokens, plan.put, plan.released, cycles
        )

    def tokens(
        self,
        name: str,
        source: str,
        target: str,
        *,
        give: npt.ArrayLike | None = None,
        take: npt.ArrayLike | None = None,
        depth: int | None = None,
        initial: int = 0,
        forward: int = 0,
        backward: int = 1,
        release: int | npt.ArrayLike = 0,
    ) -> None:
        """Let listed firings of ``source`` each give one token, and listed firings of ``target`` each wait for one.

        The i-th token given (after ``initial`` ones) goes to the i-th firing listed in ``take``: the wait and
        release flags of in-order instruction queues. Times are those of :meth:`channel`.

        Args:
            name: unique name.
            source: the process that gives.
            target: the process that takes; may be the same.
            give: firings of source, in order; default all.
            take: firings of target, in order; default all.
            depth: how many tokens may be under way, or None for no bound.
            initial: tokens that are there at cycle 0.
            forward: see :meth:`channel`.
            backward: see :meth:`channel`.
            release: see :meth:`channel`.

        Raises:
            InputError: as :meth:`channel`; a firing takes a token that is never given.
        """
        place = self._place("tokens", name)
        taker = self._process(place, target)
        need = None
        if take is not None:
            need = fifo.last_put(fifo.listed(f"{place}: take", take, taker.firings), 0, taker.firings)
        self.channel(
            name, source, target, depth=depth, need=need, put=give, initial=initial,
            forward=forward, backward=backward, release=release,
        )  # fmt: skip

    def check(self) -> list[check.Finding]:
        """Return what looks wrong; nothing is raised, and :meth:`solve` does not ask.

        Errors: processes that wait for each other with no delay at all (a combinational loop). Warnings: a
        process without arcs, tokens of a channel that are never taken (rates that do not match).
        """
        return check.findings(self.processes, self.arcs, self.channels)

    def graph(self) -> networkx.MultiDiGraph:
        """Return a networkx MultiDiGraph: a node per process, an edge (keyed by its name) per arc."""
        return check.graph(self.name, self.processes, self.arcs)

    def solve(self) -> Timeline:
        """Return the start cycles of all firings.

        Raises:
            Deadlock: some process can never finish; the report says who waits for whom.
        """
        start = start_times(self.name, self.processes, list(self.arcs.values()))
        return Timeline(self.name, dict(self.processes), tuple(self.arcs.values()), dict(self.channels), start)

    def _arc(
        self,
        name: str,
        source: str,
        target: str,
        index: Ints | None,
        shift: int,
        delay: int,
        stall: Stall,
        *,
        per_target: Duration = 0,
        per_source: Duration = 0,
    ) -> Arc:
        whole = delay + sum(part for part in (per_target, per_source) if isinstance(part, int))
        by_target = None if isinstance(per_target, int) else per_target
        by_source = None if isinstance(per_source, int) else per_source
        arc = Arc(name, source, target, index, shift, whole, by_target, by_source, stall)
        check.in_range(self._place("arc", name), arc, self.processes)
        return arc

    def _place(self, kind: str, name: str) -> str:
        return f"network {self.name!r}, {kind} {name!r}"

    def _process(self, place: str, name: str) -> Process:
        if name not in self.processes:
            raise InputError(place, f"one of the processes {list(self.processes)}", repr(name))
        return self.processes[name]

    def _new_name(self, name: str | None, default: str) -> str:
        if name is None:
            name, number = default, 2
            while name in self.arcs:
                name, number = f"{default} #{number}", number + 1
        if name in self.arcs or name in self.channels or f"{name}.room" in self.arcs:
            raise InputError(f"network {self.name!r}", "a new name", f"two arcs or channels {name!r}")
        return name


def _shift(place: str, shift: int) -> int:
    if isinstance(shift, bool) or not isinstance(shift, (int, np.integer)) or abs(shift) > arrays.LONGEST:
        raise InputError(f"{place}: shift", "a whole number", shift)
    return int(shift)
