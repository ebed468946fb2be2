"""Cycle model of the N:M array: a timed process network, by beats (what the RTL is proven against) or by tiles.

Processes: the stream ports ``d`` (descriptors), ``a``, ``w``, ``q`` (activations, weights, requantisation parameters)
and ``o`` (results), and the two engines ``load`` (weights into the PEs) and ``compute``. With ports that never stall a
tile can be one firing instead of one per beat; `tile_network` gives the same cycles as `beat_network` then.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.network import Network
from hwsim.nm_array import timing
from hwsim.nm_array.buffers import buffers
from hwsim.nm_array.schedule import Bools, Ints, Schedule
from hwsim.nm_array.times import DESCRIPTOR_QUEUE, HANDOVER, Times


def _engines(net: Network, program: Schedule, times: Times) -> None:
    """Processes ``load`` and ``compute`` with the arcs between them; the same at both levels of detail."""
    config = program.config
    net.process("load", firings=program.passes, interval=1, latency=times.load + HANDOVER)
    net.process("compute", firings=program.passes, interval=times.slot, latency=times.slot)
    net.depend("load", on="d", delay=DESCRIPTOR_QUEUE, stall="starved", name="descriptor")
    net.depend("d", on="load", shift=config.d_slots, delay=1, stall="blocked", name="descriptor queue")
    hold = np.where(program.output_stationary[1:], HANDOVER, times.hold[:-1])
    net.depend("load", on="compute", shift=1, delay=np.concatenate([[HANDOVER], hold]), stall="blocked",
               name="weights in the PEs")
    net.depend("compute", on="load", delay=times.load + HANDOVER, stall="starved", name="loaded")
    if config.dataflow == "both":
        before = np.concatenate([[0], times.slot[:-1]])
        net.depend("compute", on="compute", shift=1, delay=before + times.settle, stall="blocked",
                   name="dataflow switch")


def _at(values: Ints, index: Ints) -> Ints:
    """``values[index]``, 0 where the index is -1."""
    return np.where(index >= 0, values[index], 0)


def beat_network(program: Schedule, offer: Mapping[str, Bools] | None = None,
                 ready: Bools | None = None) -> Network:
    """One firing per transfer of each port, under any stalls from outside.

    Args:
        program: the passes, of one program or of several by `hwsim.nm_array.schedule.join`.
        offer: by input port (``d``, ``a``, ``w``, ``q``): bool (cycles,), when its source may begin to offer.
        ready: bool (cycles,), when the sink of port ``o`` is ready.
    """
    gates, times, config = offer or {}, Times(program), program.config
    net = Network("nm_array, by beats")
    beats = {"a": program.a_beats, "w": program.w_beats, "q": np.ones(len(program.q_pass), np.int64)}
    net.process("d", firings=program.passes, interval=1, offer=gates.get("d"))
    for port, count in beats.items():
        net.process(port, firings=int(count.sum()), interval=1, offer=gates.get(port))
    _engines(net, program, times)
    net.process("o", firings=int(program.results.sum()), interval=1, accept=ready)
    for buffer in buffers(program, times):
        port = buffer.port
        complete = _at_fill(np.cumsum(beats[port]) - 1, buffer.fill)
        for reader in buffer.readers:
            net.depend(reader.engine, on=port, index=reader.own(complete), delay=HANDOVER, stall="starved",
                       name=f"{port} tile there{reader.suffix}")
            index = reader.of(buffer.freeing)
            release = _at(buffer.release, index)
            net.depend(port, on=reader.engine, index=np.repeat(index, beats[port]),
                       delay=np.repeat(release, beats[port]), stall="blocked", name=f"{port} slot free{reader.suffix}")
    of_pass = np.repeat(np.arange(program.passes), program.results)
    end = np.cumsum(program.results)
    beat = np.arange(len(of_pass)) - (end - program.results)[of_pass]
    spacing = timing.result_spacing(program)
    net.depend("o", on="compute", index=of_pass, delay=(times.first_result[of_pass] + beat * spacing[of_pass]),
               stall="starved", name="result")
    room = np.where(program.last, end - config.o_depth - 1, -1)
    net.depend("compute", on="o", index=np.maximum(room, -1), delay=HANDOVER, stall="blocked", name="result room")
    return net


def _at_fill(last_beat: Ints, fill: Ints) -> Ints:
    """By pass: the beat that completes the fill it reads; -1 for none."""
    return np.where(fill >= 0, last_beat[fill], -1) if len(last_beat) else np.full(len(fill), -1, np.int64)


def tile_network(program: Schedule) -> Network:
    """One firing per tile: of ``a``, ``w`` and ``q`` the *first* beat of the tile's transfer, of ``o`` the *last*.

    Equal to `beat_network` when no port stalls; the memory model adds its own processes to this network.
    """
    times = Times(program)
    net = Network("nm_array, by tiles")
    beats = {"a": program.a_beats, "w": program.w_beats, "q": np.ones(len(program.q_pass), np.int64)}
    net.process("d", firings=program.passes, interval=1)
    for port, count in beats.items():
        net.process(port, firings=len(count), interval=count, latency=count)
    _engines(net, program, times)
    for buffer in buffers(program, times):
        port, fill = buffer.port, buffer.fill
        for reader in buffer.readers:
            net.depend(reader.engine, on=port, index=reader.own(fill), delay=_at(beats[port], fill) - 1 + HANDOVER,
                       stall="starved", name=f"{port} tile there{reader.suffix}")
            index = reader.of(buffer.freeing)
            net.depend(port, on=reader.engine, index=index, delay=_at(buffer.release, index), stall="blocked",
                       name=f"{port} slot free{reader.suffix}")
    _result_tiles(net, program, times)
    return net


def _result_tiles(net: Network, program: Schedule, times: Times) -> None:
    """Process ``o`` by tiles, and the room that a last pass needs in the result buffer."""
    finishing = np.flatnonzero(program.last)
    beats = program.results[finishing]
    end = np.cumsum(beats)
    net.process("o", firings=len(finishing), interval=np.append(beats[1:], 1)[: len(beats)])
    net.depend("o", on="compute", index=finishing, delay=times.last_result[finishing], stall="starved", name="result")
    # Room: the beat `needed` must have left. It lies in result tile `tile`, `into` beats after the tile's first. A
    # tile's last beat is the firing itself; one before it follows from the tile before and from its own pass.
    needed = end - program.config.o_depth - 1
    tile = np.searchsorted(end, needed, side="right")
    into = needed - (end - beats)[tile]
    within = into < beats[tile] - 1
    spacing = timing.result_spacing(program)[finishing]
    wait, partly = needed >= 0, (needed >= 0) & within
    after_tile, after_pass, drained, ready = (np.full(program.passes, value, np.int64) for value in (-1, -1, 0, 0))
    after_tile[finishing[wait]] = (tile - within)[wait]
    drained[finishing[wait]] = np.where(within, into + 1, 0)[wait]
    after_pass[finishing[partly]] = finishing[tile[partly]]
    ready[finishing[partly]] = (times.first_result[finishing[tile]] + into * spacing[tile])[partly]
    net.depend("compute", on="o", index=after_tile, delay=drained + HANDOVER, stall="blocked", name="result room")
    net.depend("compute", on="compute", index=after_pass, delay=ready + HANDOVER, stall="blocked",
               name="result room, in flight")
