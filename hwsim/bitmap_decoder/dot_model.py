"""The dot product's times: a timed process network with one firing per transfer of each port."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwsim.bitmap_decoder import timing
from hwsim.bitmap_decoder.dot import steps_of
from hwsim.bitmap_decoder.format import Ints
from hwsim.bitmap_decoder.front import Gates, Steps, add_front
from hwsim.bitmap_decoder.jobs import DotJob, first_of_each
from hwsim.config import shared
from hwsim.network import Network


def dot_network(jobs: Sequence[DotJob], offer: Gates | None = None, ready: Gates | None = None) -> Network:
    """Specification of the time, under any stalls from outside.

    Processes beside the ports: ``load`` brings the next bitmap into the place behind the tile at hand, ``move`` makes
    it the tile at hand, ``step`` takes values and multiplies.

    Args:
        jobs: of one component, in order, without a reset between.
        offer: by input port (``h``, ``b``, ``v``, ``x``): bool (cycles,), when its source may begin to offer.
        ready: by output port (``o``): bool (cycles,), when its sink is ready.
    """
    config, steps, gates = shared("jobs", jobs), steps_of(jobs), offer or {}
    net, tiles = Network("bitmap dot, by beats"), np.array([len(job.counts) for job in jobs])
    add_front(net, jobs, steps, gates)
    for name in ("load", "move"):
        net.process(name, firings=int(tiles.sum()))
    net.depend("load", on="h", index=_at(first_of_each(tiles), int(tiles.sum())), delay=timing.HANDOVER)
    net.depend("load", on="b", delay=timing.QUEUE)
    net.depend("load", on="move", shift=1, stall="blocked")
    net.depend("b", on="load", shift=config.b_slots, delay=timing.HANDOVER, stall="blocked")
    net.depend("move", on="load", delay=timing.HANDOVER)
    net.depend("move", on="step", index=np.append(-1, steps.last_of_tile[:-1]), stall="blocked")
    net.depend("step", on="move", index=steps.tile, delay=timing.HANDOVER)
    net.depend("step", on="load", index=steps.reach, delay=timing.HANDOVER)
    _operand(net, jobs, steps, gates)
    ends = np.flatnonzero(steps.row_end)
    net.process("o", firings=len(ends), accept=(ready or {}).get("o"))
    net.depend("o", on="step", index=ends, delay=timing.dot(config))
    room = np.full(len(steps.job), -1, np.int64)
    room[ends] = np.maximum(np.arange(len(ends)) - config.o_depth, -1)
    net.depend("step", on="o", index=room, delay=timing.HANDOVER, stall="blocked")
    return net


def _operand(net: Network, jobs: Sequence[DotJob], steps: Steps, gates: Gates) -> None:
    """Port ``x``: one X is used while the next one comes."""
    rows = np.array([job.elements for job in jobs], np.int64)
    first, count = first_of_each(rows), int(rows.sum())
    net.process("x", firings=count, offer=gates.get("x"))
    ready, room = np.full(len(steps.job), -1, np.int64), np.full(count, -1, np.int64)
    ready[steps.first_of_job] = first + rows - 1
    room[first[2:]] = steps.last_of_job[:-2]
    net.depend("step", on="x", index=ready, delay=timing.HANDOVER)
    net.depend("x", on="step", index=room, delay=timing.HANDOVER, stall="blocked")


def _at(places: Ints, length: int) -> Ints:
    """(length,): the number of each of these places at it, elsewhere -1."""
    found = np.full(length, -1, np.int64)
    found[places] = np.arange(len(places))
    return found
