"""Cycle model of the training core: the networks of its three engines, joined where their ports meet.

Ports: those of the array ``d``, ``a``, ``w``, ``q``; ``r`` says where the array's results go: out at ``o``, or as
gradients into WUVE, together with the state at port ``s``. ``h`` are WUVE's hyper-parameters. Updated weights leave at
``u``, and go into SORE in the same cycle; ``k`` are SORE's slices, ``f`` and ``b`` its results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hwsim.network import Network, Timeline
from hwsim.network.embed import embed
from hwsim.nm_array.model import beat_network as array_network
from hwsim.nm_array.schedule import Schedule, join
from hwsim.sore.model import beat_network as sore_network
from hwsim.training_core.work import Step
from hwsim.wuve.model import beat_network as wuve_network

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
INPUTS = ("d", "a", "w", "q", "r", "h", "s", "k")
OUTPUTS = ("o", "u", "f", "b")
ROUTE_QUEUE = 1   # cycles through the queue of destinations
TURNAROUND = 1    # cycles from a result at port o to the first operand made of it (off the core)


@dataclass(frozen=True, eq=False)
class Flow:
    """The step's GEMMs as one schedule, and where the beats of its results go."""

    step: Step

    @cached_property
    def schedule(self) -> Schedule:
        """All passes."""
        return join([gemm.program for gemm in self.step.gemms])

    @cached_property
    def beats(self) -> Ints:
        """Result beats of each GEMM."""
        return np.array([int(gemm.program.results.sum()) for gemm in self.step.gemms], np.int64)

    @cached_property
    def update(self) -> Bools:
        """By result beat: whether it goes to WUVE."""
        return np.repeat(np.array([gemm.update for gemm in self.step.gemms]), self.beats)

    def first_beats(self, port: str) -> Ints:
        """By GEMM: the number of its first beat at port ``a`` or ``w``."""
        counts = [int(getattr(gemm.program, f"{port}_beats").sum()) for gemm in self.step.gemms]
        return np.cumsum([0, *counts[:-1]])


def core_network(step: Step, offer: Mapping[str, Bools] | None = None, ready: Mapping[str, Bools] | None = None,
                 waits: bool = True) -> Network:
    """One firing per transfer of each port, under any stalls from outside.

    Args:
        step: what the core does.
        offer: by input port: bool (cycles,), when its source may begin to offer.
        ready: by output port: bool (cycles,), when its sink is ready.
        waits: whether operands wait for the results that they are made of, as they do in a real step.
    """
    gates, sinks, flow = offer or {}, ready or {}, Flow(step)
    net = Network("training core, by beats")
    own = {name: gates[name] for name in "dawq" if name in gates}
    embed(net, array_network(flow.schedule, own), "array", {name: name for name in "dawq"})
    updates = [each.update for each in step.trained]
    renamed = {"p": gates.get("h"), "i": gates.get("s")}
    part = wuve_network(updates, {name: gate for name, gate in renamed.items() if gate is not None}, sinks.get("u"))
    embed(net, part, "wuve", {"p": "h", "i": "s", "o": "u"})
    slices = [part for each in step.trained for part in each.slices]
    own = {"p": gates["k"]} if "k" in gates else {}
    embed(net, sore_network(slices, own, {name: sinks[name] for name in "fb" if name in sinks}), "sore",
          {"p": "k", "i": "u", "f": "f", "b": "b"})
    _route(net, flow, step.config.route_slots, gates.get("r"), sinks.get("o"))
    if waits:
        _wait(net, flow)
    return net


def _route(net: Network, flow: Flow, slots: int, offer: Bools | None, ready: Bools | None) -> None:
    """Results of the array leave at ``o``, or at ``s`` together with WUVE's state: two processes in one order."""
    update, arc = flow.update, net.arcs["array.result"]
    end = np.cumsum(flow.beats)
    route = np.repeat(np.arange(len(end)), flow.beats)
    net.process("r", firings=len(end), offer=offer)
    net.depend("r", on="array.o", index=np.concatenate([np.full(slots, -1), end - 1])[: len(end)], delay=1,
               stall="blocked", name="queue of destinations")
    net.process("o", firings=int((~update).sum()), accept=ready)
    assert arc.index is not None and arc.per_target is not None
    for port, mask in (("o", ~update), ("s", update)):
        own = np.flatnonzero(mask)
        net.depend(port, on="array.compute", index=arc.index[own], delay=arc.per_target[own], name=f"result for {port}")
        net.depend(port, on="array.o", index=own - 1, delay=1, name=f"result before, {port}")
        net.depend(port, on="r", index=route[own], delay=ROUTE_QUEUE, name=f"destination {port}")
        net.depend("array.o", on=port, index=np.where(mask, np.cumsum(mask) - 1, -1), stall="blocked",
                   name=f"taken at {port}")


def _wait(net: Network, flow: Flow) -> None:
    """The first operands of a GEMM wait for the last result that they are made of."""
    last = np.cumsum(np.where([gemm.update for gemm in flow.step.gemms], 0, flow.beats)) - 1
    for port in ("a", "w"):
        index = np.full(net.processes[port].firings, -1, np.int64)
        for first, gemm in zip(flow.first_beats(port), flow.step.gemms, strict=True):
            if gemm.after >= 0 and (port == "a" or gemm.update):
                index[first] = last[gemm.after]
        net.depend(port, on="o", index=index, delay=TURNAROUND, name=f"{port} made of results")


def offers_of(step: Step, timeline: Timeline, offer: Mapping[str, Bools] | None = None) -> dict[str, Bools]:
    """Stall patterns for a bench: operands that wait for results are offered in the cycle in which the model says.

    Args:
        step: what the core does.
        timeline: of its `core_network`.
        offer: the stall patterns of that network.
    """
    gates, flow = dict(offer or {}), Flow(step)
    for port in ("a", "w"):
        gate = np.ones(timeline.cycles, bool)
        given = gates.get(port, np.ones(0, bool))[: timeline.cycles]
        gate[: len(given)] = given
        start = timeline.start[port]
        for first, gemm in zip(flow.first_beats(port), step.gemms, strict=True):
            if gemm.after >= 0 and (port == "a" or gemm.update):
                gate[(start[first - 1] + 1 if first else 0):start[first]] = False
                gate[start[first]] = True
        gates[port] = gate
    return gates
