"""Cycle model of SORE: a timed process network with one firing per transfer of each port.

Processes: the stream ports ``p`` (descriptors), ``i`` (rows of weights), ``f`` and ``b`` (results), and ``start``,
which fires when a slice's descriptor is taken from the queue. Everything between the last row of a group and its
results is a fixed latency: a group starts only when both queues have room for all that comes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.config import shared
from hwsim.network import Network
from hwsim.sore import timing
from hwsim.sore.slices import Slice

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Groups:
    """The row groups of all slices in order: arrays (groups,).

    Attributes:
        part: number of the slice.
        first: number of its first row among all rows.
        final: number of its last real row.
        missing: rows of zeros that fill it up.
        m: rows of a whole group.
        n: result beats of each direction.
    """

    part: Ints
    first: Ints
    final: Ints
    missing: Ints
    m: Ints
    n: Ints


def groups_of(slices: Sequence[Slice]) -> Groups:
    """The groups of slices that follow each other."""
    count = np.array([part.groups for part in slices])
    each = np.repeat(np.arange(len(slices)), count)
    rows, m, n = (np.array(column, np.int64)[each] for column in zip(
        *((part.rows, part.ratio.m, part.ratio.n) for part in slices), strict=True))
    begin = np.concatenate([[0], np.cumsum([part.rows for part in slices])])[each]
    number = np.arange(len(each)) - np.concatenate([[0], np.cumsum(count)])[each]
    real = np.minimum(m, rows - number * m)
    first = begin + number * m
    return Groups(part=each, first=first, final=first + real - 1, missing=m - real, m=m, n=n)


def beat_network(slices: Sequence[Slice], offer: Mapping[str, Bools] | None = None,
                 ready: Mapping[str, Bools] | None = None) -> Network:
    """One firing per transfer of each port, under any stalls from outside.

    Args:
        slices: of one engine, in order, without a reset between.
        offer: by input port (``p``, ``i``): bool (cycles,), when its source may begin to offer.
        ready: by output port (``f``, ``b``): bool (cycles,), when its sink is ready.
    """
    config, groups, gates, sinks = shared("slices", slices), groups_of(slices), offer or {}, ready or {}
    net, count = Network("sore, by beats"), len(slices)
    rows = np.array([part.rows for part in slices], np.int64)
    net.process("p", firings=count, offer=gates.get("p"))
    net.process("start", firings=count)
    net.process("i", firings=int(rows.sum()), offer=gates.get("i"))
    net.depend("start", on="p", delay=timing.DESCRIPTOR_QUEUE, name="descriptor")
    net.depend("p", on="start", shift=config.p_slots, delay=timing.HANDOVER, stall="blocked", name="descriptor queue")
    last, begun = np.cumsum(rows) - 1, np.full(int(rows.sum()), -1, np.int64)
    before = np.concatenate([[-1], last[:-1]])
    net.depend("start", on="i", index=before, delay=_start_delay(slices), stall="blocked", name="slice before")
    begun[before + 1] = np.arange(count)
    net.depend("i", on="start", index=begun, delay=timing.HANDOVER, name="started")
    latency = {"f": np.full(len(groups.m), timing.FORWARD), "b": timing.backward(0) + groups.m}
    wanted = {"f": np.array([part.forward for part in slices]), "b": np.array([part.backward for part in slices])}
    for port in ("f", "b"):
        _results(net, port, groups, wanted[port][groups.part], latency[port], config.o_depth, sinks.get(port))
    return net


def _start_delay(slices: Sequence[Slice]) -> Ints:
    """From the last row of the slice before to the start of each slice: (slices,)."""
    delays = [0]
    for before, after in zip(slices, slices[1:], strict=False):
        missing = -before.rows % before.ratio.m
        settle = 0 if before.ratio == after.ratio else timing.HANDOVER + timing.settle(before.ratio)
        delays.append(missing + settle)
    return np.array(delays, np.int64)


def _results(net: Network, port: str, groups: Groups, wanted: Bools, latency: Ints, depth: int,
             ready: Bools | None) -> None:
    """Process of one output port, and the room that the first row of a group waits for."""
    beats = np.where(wanted, groups.n, 0)
    end = np.cumsum(beats)
    of_group = np.repeat(np.arange(len(beats)), beats)
    beat = np.arange(len(of_group)) - (end - beats)[of_group]
    net.process(port, firings=len(of_group), accept=ready)
    net.depend(port, on="i", index=groups.final[of_group], delay=(groups.missing + latency)[of_group] + beat,
               name=f"result {port}")
    room = np.full(net.processes["i"].firings, -1, np.int64)
    room[groups.first[wanted]] = np.maximum(end - depth - 1, -1)[wanted]
    net.depend("i", on=port, index=room, delay=timing.HANDOVER, stall="blocked", name=f"room {port}")
