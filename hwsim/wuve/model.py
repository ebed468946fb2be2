"""Cycle model of WUVE: a timed process network with one firing per transfer of each port.

Processes: the stream ports ``p`` (hyper-parameters), ``i`` (operands) and ``o`` (results), and ``start``, which fires
when a tensor's hyper-parameters are taken from their queue. Between ``i`` and ``o`` is a fixed latency: a beat is taken
only when the result queue has room for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hwsim.config import shared
from hwsim.network import Network
from hwsim.wuve import timing
from hwsim.wuve.update import Update

Bools = npt.NDArray[np.bool_]


def beat_network(updates: Sequence[Update], offer: Mapping[str, Bools] | None = None,
                 ready: Bools | None = None) -> Network:
    """One firing per transfer of each port, under any stalls from outside.

    Args:
        updates: of one engine, in order, without a reset between.
        offer: by input port (``p``, ``i``): bool (cycles,), when its source may begin to offer.
        ready: bool (cycles,), when the sink of port ``o`` is ready.
    """
    config, gates, count = shared("updates", updates), offer or {}, len(updates)
    beats = np.array([update.beats for update in updates], np.int64)
    last, total = np.cumsum(beats) - 1, int(beats.sum())
    before = np.concatenate([[-1], last[:-1]])
    net = Network("wuve, by beats")
    net.process("p", firings=count, offer=gates.get("p"))
    net.process("start", firings=count)
    net.process("i", firings=total, offer=gates.get("i"))
    net.process("o", firings=total, accept=ready)
    net.depend("start", on="p", delay=timing.DESCRIPTOR_QUEUE, name="hyper-parameters")
    net.depend("p", on="start", shift=config.p_slots, delay=timing.HANDOVER, stall="blocked", name="queue")
    net.depend("start", on="i", index=before, stall="blocked", name="tensor before")
    begun = np.full(total, -1, np.int64)
    begun[before + 1] = np.arange(count)
    net.depend("i", on="start", index=begun, delay=timing.HANDOVER, name="started")
    net.depend("o", on="i", delay=timing.latency(config), name="result")
    net.depend("i", on="o", shift=config.o_depth, delay=timing.HANDOVER, stall="blocked", name="result room")
    return net
