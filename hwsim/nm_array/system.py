"""The array with its memory: the tile network of a program joined to one DRAM channel."""

from __future__ import annotations

import numpy as np

from hwsim.memory import Dram
from hwsim.network import Network
from hwsim.nm_array.buffers import buffers, slot_arc
from hwsim.nm_array.model import tile_network
from hwsim.nm_array.program import Program
from hwsim.nm_array.schedule import Ints
from hwsim.nm_array.times import Times
from hwsim.nm_array.traffic import Traffic

WRITE_BUFFER = 2  # result tiles that the DMA holds while they wait for the channel (our choice)


def command_order(program: Program) -> tuple[Ints, dict[str, Ints]]:
    """The fixed order of DRAM commands, and where each tile's command stands in it.

    A read can go when the pass that frees its slot has ended; a write when its pass has. Commands go in the order of
    those passes, a write giving way to all reads until the next result tile: so the channel never waits for a pass
    that itself waits for a later command.

    Returns:
        service index (commands,) into the concatenation a, w, q, o; and by port the position of each of its tiles.
    """
    config = program.config
    keys, first_use, counts = [], [], []
    for fill_pass, freed, slots in ((program.a_pass, program.a_freed, config.a_slots),
                                    (program.w_pass, program.w_freed, config.w_slots),
                                    (program.q_pass, program.q_freed, config.q_slots)):
        keys.append(slot_arc(freed, slots))
        first_use.append(fill_pass)
        counts.append(len(fill_pass))
    finishing = np.flatnonzero(program.last)
    keys.append(np.append(finishing[1:], program.passes))
    first_use.append(np.full(len(finishing), -1))  # before the reads of the same key
    counts.append(len(finishing))
    order = np.lexsort((np.concatenate(first_use), np.concatenate(keys)))
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order))
    parts = np.split(position, np.cumsum(counts)[:-1])
    return order, dict(zip("awqo", parts, strict=True))


def system_network(program: Program, traffic: Traffic, dram: Dram, clock_hz: float) -> Network:
    """Tile network plus process ``dram``: one command per tile, in `command_order`.

    A read streams into its buffer slot: the tile is complete when both the port and the channel have delivered it.

    Args:
        program: the passes.
        traffic: bytes of each tile.
        dram: the channel.
        clock_hz: clock of the array.
    """
    net, times = tile_network(program), Times(program)
    order, position = command_order(program)
    service = {port: dram.service_cycles(getattr(traffic, port), clock_hz) for port in "awqo"}
    latency = dram.latency_cycles(clock_hz)
    in_order = np.concatenate([service[port] for port in "awqo"])[order]
    net.process("dram", firings=len(order), interval=in_order, latency=in_order)
    beats = {"a": program.a_beats, "w": program.w_beats, "q": np.ones(len(program.q_pass), np.int64)}
    for buffer in buffers(program, times):
        port = buffer.port
        arriving = latency + np.maximum(service[port] - beats[port], 0)
        net.depend(port, on="dram", index=position[port], delay=arriving, stall="starved", name=f"{port} read")
        for reader in buffer.readers:
            index = reader.of(buffer.freeing)
            command, wait = np.full(len(order), -1, np.int64), np.zeros(len(order), np.int64)
            command[position[port]] = index
            wait[position[port]] = np.where(index >= 0, buffer.release[index], 0)
            net.depend("dram", on=reader.engine, index=command, delay=wait, stall="blocked",
                       name=f"{port} slot for the read{reader.suffix}")
    written = np.full(len(order), -1, np.int64)
    written[position["o"]] = np.arange(len(position["o"]))
    net.depend("dram", on="o", index=written, delay=1, stall="starved", name="results to write")
    room = np.full(len(position["o"]), -1, np.int64)
    room[WRITE_BUFFER:] = position["o"][:-WRITE_BUFFER]
    net.depend("o", on="dram", index=room, delay=np.where(room >= 0, in_order[room], 0), stall="blocked",
               name="write buffer")
    return net


def bound_cycles(program: Program, traffic: Traffic, dram: Dram, clock_hz: float) -> int:
    """Lower bound of the program's cycles: the slower of array and channel, each never idle."""
    times = Times(program)
    moved = sum(int(dram.service_cycles(getattr(traffic, port), clock_hz).sum()) for port in "awqo")
    return max(int(times.slot.sum()), moved)
