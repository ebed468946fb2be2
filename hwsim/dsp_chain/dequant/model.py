"""Cycle model of the dequantiser: a timed process network with one firing per transfer of each port.

Processes beside the ports ``h`` (headers), ``w`` (words), ``s`` (scales) and ``o`` (results): ``load`` begins the words
of a tensor, ``start`` its results, ``step`` takes the bits of one beat. Words may run ahead of results into the next
tensors, as far as the gearbox and the queue of headers between the two have room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.config import shared
from hwsim.dsp_chain.dequant import timing
from hwsim.dsp_chain.dequant.tensor import Ints, Packed
from hwsim.network import Network

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """Every step of a sequence of tensors; all arrays of shape (steps,). Words and scales are counted over all tensors.

    Attributes:
        tensor: which tensor the step belongs to.
        first: the first of its tensor.
        word: the last word that the step needs.
        passed: words that are free after the step.
        scale: the scale of the step.
    """

    tensor: Ints
    first: Bools
    word: Ints
    passed: Ints
    scale: Ints


def steps_of(tensors: Sequence[Packed]) -> Steps:
    """The steps of tensors of one dequantiser, in order."""
    config = shared("tensors", tensors)
    beats = np.array([tensor.beats for tensor in tensors])
    words, scales = (np.array([len(getattr(tensor, name)) for tensor in tensors]) for name in ("words", "shifts"))
    tensor = np.repeat(np.arange(len(tensors)), beats)
    number = np.arange(len(tensor)) - _begins(beats)[tensor]
    weights, width = (np.array([getattr(each, name) for each in tensors])[tensor] for name in ("weights", "width"))
    end = np.minimum((number + 1) * config.lanes, weights) * width
    final = number == beats[tensor] - 1
    before = _begins(words)[tensor]
    needed = -(-end // config.word)
    return Steps(tensor=tensor, first=number == 0, word=before + needed - 1,
                 passed=before + np.where(final, needed, end // config.word),
                 scale=_begins(scales)[tensor] + number * config.lanes // config.group)


def dequant_network(tensors: Sequence[Packed], offer: Mapping[str, Bools] | None = None,
                    ready: Bools | None = None) -> Network:
    """One firing per transfer of each port, under any stalls from outside.

    Args:
        tensors: of one dequantiser, in order, without a reset between.
        offer: by input port (``h``, ``w``, ``s``): bool (cycles,), when its source may begin to offer.
        ready: bool (cycles,), when the sink of port ``o`` is ready.
    """
    config, steps, gates = shared("tensors", tensors), steps_of(tensors), offer or {}
    count = len(tensors)
    net = Network("dequantiser, by beats")
    net.process("h", firings=count, offer=gates.get("h"))
    net.process("w", firings=sum(len(tensor.words) for tensor in tensors), offer=gates.get("w"))
    net.process("s", firings=sum(len(tensor.shifts) for tensor in tensors), offer=gates.get("s"))
    for name, firings in (("load", count), ("start", count), ("step", len(steps.tensor))):
        net.process(name, firings=firings)
    net.process("o", firings=len(steps.tensor), accept=ready)
    for source, target in (("h", "load"), ("load", "start")):
        net.depend(target, on=source, delay=timing.QUEUE, name=f"queue to {target}")
        net.depend(source, on=target, shift=config.h_slots, delay=timing.HANDOVER, stall="blocked",
                   name=f"room before {target}")
    _words(net, tensors, steps)
    _scales(net, config.s_slots, steps)
    ends = np.flatnonzero(np.append(steps.first[1:], True))
    net.depend("start", on="step", index=np.append(-1, ends[:-1]), stall="blocked", name="tensor before")
    net.depend("step", on="start", index=np.where(steps.first, steps.tensor, -1), delay=timing.HANDOVER)
    net.depend("step", on="o", shift=config.o_depth, delay=timing.HANDOVER, stall="blocked", name="result room")
    net.depend("o", on="step", delay=timing.LATENCY)
    return net


def _words(net: Network, tensors: Sequence[Packed], steps: Steps) -> None:
    """Words: after their tensor's load, into free places of the gearbox, and then taken by steps."""
    words = np.array([len(tensor.words) for tensor in tensors])
    begins, total = _begins(words), int(words.sum())
    loaded = np.full(total, -1)
    loaded[begins] = np.arange(len(tensors))
    net.depend("w", on="load", index=loaded, delay=timing.HANDOVER)
    net.depend("load", on="w", index=begins - 1, stall="blocked", name="words before")
    net.depend("step", on="w", index=steps.word, delay=timing.HANDOVER)
    leaves = np.arange(total) + 1 - tensors[0].config.buffer_words  # words that must be free before
    room = np.where(leaves > 0, np.searchsorted(steps.passed, leaves), -1)
    net.depend("w", on="step", index=room, delay=timing.HANDOVER, stall="blocked", name="room in the gearbox")


def _scales(net: Network, slots: int, steps: Steps) -> None:
    """Scales: a queue whose head stays for all steps of its group."""
    net.depend("step", on="s", index=steps.scale, delay=timing.QUEUE)
    last = np.flatnonzero(np.diff(steps.scale, append=-1))  # the last step of each scale
    freed = np.concatenate([np.full(slots, -1), last])[:len(last)]
    net.depend("s", on="step", index=freed, delay=timing.HANDOVER, stall="blocked", name="room for scales")


def _begins(counts: Ints) -> Ints:
    """(n,) where each of n runs of these lengths begins."""
    begins: Ints = np.cumsum(counts) - counts
    return begins
