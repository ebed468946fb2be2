"""Cycle model of the N:M array: a timed process network, by beats (what the RTL is proven against) or by tiles.

Processes: the stream ports ``d`` (descriptors), ``a``, ``w``, ``q`` (activations, weights, requantisation parameters)
and ``o`` (results), and the two engines ``load`` (weights into the PEs) and ``compute``. With ports that never stall a
tile can be one firing instead of one per beat; `tile_network` gives the same cycles as `beat_network` then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hwsim.network import Network
from hwsim.nm_array.schedule import Ints, Schedule
from hwsim.nm_array.timing import REQUANTIZE, RESULT_BUFFER, first_result, load_cycles, result_spacing, slot_cycles

Bools = npt.NDArray[np.bool_]
DESCRIPTOR_QUEUE = 1  # cycles through the descriptor queue
HANDOVER = 1          # cycles from an event to the engine that waits for it: one register


@dataclass(frozen=True)
class Times:
    """Durations of each pass, cycles: arrays (passes,)."""

    program: Schedule

    @property
    def steps(self) -> Ints:
        """Cycles for which each beat of operands is used."""
        return self.program.steps

    @cached_property
    def slot(self) -> Ints:
        """Cycles that the pass occupies the array."""
        p = self.program
        return slot_cycles(p.config, p.beats, self.steps, p.last)

    @cached_property
    def load(self) -> Ints:
        """Cycles that the pass occupies the weight path before it starts."""
        return load_cycles(self.program.config, self.program.rows)

    @cached_property
    def first_result(self) -> Ints:
        """From start to the first result beat."""
        return first_result(self.program.config, self.slot, self.steps)

    @cached_property
    def last_result(self) -> Ints:
        """From start to the last result beat."""
        return self.first_result + (self.program.results - 1) * result_spacing(self.program.config, self.steps)

    @cached_property
    def a_release(self) -> Ints:
        """From start to the cycle in which the activation slot can be written again: the last row reads last."""
        return self.slot + self.program.config.rows

    @cached_property
    def w_release(self) -> Ints:
        """From start (of the load, or of the ``os`` pass) to the weight slot's release: the last column reads last."""
        ws = self.program.config.dataflow == "ws"
        return (self.load if ws else self.slot) + self.program.config.cols

    @cached_property
    def q_release(self) -> Ints:
        """From start to the release of the parameters: the last column has read them for the last result."""
        return self.last_result - REQUANTIZE - RESULT_BUFFER


def _engines(net: Network, program: Schedule, times: Times) -> None:
    """Processes ``load`` and ``compute`` with the arcs between them; the same at both levels of detail."""
    config = program.config
    net.process("load", firings=program.passes, interval=1, latency=times.load + HANDOVER)
    net.process("compute", firings=program.passes, interval=times.slot, latency=times.slot)
    net.depend("load", on="d", delay=DESCRIPTOR_QUEUE, stall="starved", name="descriptor")
    net.depend("d", on="load", shift=config.d_slots, delay=1, stall="blocked", name="descriptor queue")
    held = np.zeros_like(times.slot) if config.shadow_weights or config.dataflow == "os" else times.slot
    busy = np.concatenate([[0], held[:-1]]).astype(np.int64)
    net.depend("load", on="compute", shift=1, delay=busy + HANDOVER, stall="blocked", name="weights in the PEs")
    net.depend("compute", on="load", delay=times.load + HANDOVER, stall="starved", name="loaded")


def slot_arc(freed: Ints, slots: int) -> Ints:
    """By fill: the pass that frees the slot it goes into; -1 for the first round."""
    index = np.full(len(freed), -1, np.int64)
    index[slots:] = freed[: max(0, len(freed) - slots)]
    return index


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
    for port, reader, fill, freed, release, slots in buffers(program, times):
        last_beat = np.cumsum(beats[port]) - 1
        net.depend(reader, on=port, index=_at_fill(last_beat, fill), delay=HANDOVER, stall="starved",
                   name=f"{port} tile there")
        index = slot_arc(freed, slots)
        net.depend(port, on=reader, index=np.repeat(index, beats[port]),
                   delay=np.repeat(_at(release, index), beats[port]), stall="blocked", name=f"{port} slot free")
    of_pass = np.repeat(np.arange(program.passes), program.results)
    end = np.cumsum(program.results)
    beat = np.arange(len(of_pass)) - (end - program.results)[of_pass]
    spacing = result_spacing(config, times.steps)
    net.depend("o", on="compute", index=of_pass, delay=(times.first_result[of_pass] + beat * spacing[of_pass]),
               stall="starved", name="result")
    room = np.where(program.last, end - config.o_depth - 1, -1)
    net.depend("compute", on="o", index=np.maximum(room, -1), delay=HANDOVER, stall="blocked", name="result room")
    return net


def _at_fill(last_beat: Ints, fill: Ints) -> Ints:
    """By pass: the beat that completes the fill it reads; -1 for none."""
    return np.where(fill >= 0, last_beat[fill], -1) if len(last_beat) else np.full(len(fill), -1, np.int64)


def buffers(program: Schedule, times: Times) -> list[tuple[str, str, Ints, Ints, Ints, int]]:
    """The three operand buffers: port, engine that reads it, fills, freeing passes, release delays, slots."""
    config = program.config
    w_reader = "load" if config.dataflow == "ws" else "compute"
    return [("a", "compute", program.a_fill, program.a_freed, times.a_release, config.a_slots),
            ("w", w_reader, program.w_fill, program.w_freed, times.w_release, config.w_slots),
            ("q", "compute", program.q_fill, program.q_freed, times.q_release, config.q_slots)]


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
    for port, reader, fill, freed, release, slots in buffers(program, times):
        net.depend(reader, on=port, index=fill, delay=_at(beats[port], fill) - 1 + HANDOVER, stall="starved",
                   name=f"{port} tile there")
        index = slot_arc(freed, slots)
        net.depend(port, on=reader, index=index, delay=_at(release, index), stall="blocked", name=f"{port} slot free")
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
    spacing = result_spacing(program.config, times.steps)[finishing]
    wait, partly = needed >= 0, (needed >= 0) & within
    after_tile, after_pass, drained, ready = (np.full(program.passes, value, np.int64) for value in (-1, -1, 0, 0))
    after_tile[finishing[wait]] = (tile - within)[wait]
    drained[finishing[wait]] = np.where(within, into + 1, 0)[wait]
    after_pass[finishing[partly]] = finishing[tile[partly]]
    ready[finishing[partly]] = (times.first_result[finishing[tile]] + into * spacing[tile])[partly]
    net.depend("compute", on="o", index=after_tile, delay=drained + HANDOVER, stall="blocked", name="result room")
    net.depend("compute", on="compute", index=after_pass, delay=ready + HANDOVER, stall="blocked",
               name="result room, in flight")
