"""The times of chain and unit: a timed process network with one firing per transfer of each port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hwsim.dsp_chain import timing
from hwsim.dsp_chain.config import SparseChainConfig
from hwsim.dsp_chain.work import Column, blocks_of, same_device
from hwsim.network import Network

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Gates = Mapping[str, Bools]


def port_names(config: SparseChainConfig, port: str) -> list[str]:
    """Names of the ports ``a`` or ``w``: one for each chain of a unit, else just the one."""
    return [f"{port}__{chain}" for chain in range(config.chains)] if config.accumulates else [port]


def device_network(columns: Sequence[Column], offer: Gates | None = None, ready: Gates | None = None) -> Network:
    """Specification of the time of a `SparseChain` or an `Mpu`, under any stalls from outside.

    Processes beside the ports: ``step`` takes a weight beat, and a slice of activations where a block begins that has
    its own. It takes from all chains' ports together: activations in MM mode, weights in MV mode, else from the first.

    Args:
        columns: of one device, in order, without a reset between.
        offer: by input port (`port_names`): bool (cycles,), when its source may begin to offer.
        ready: by output port (``o``): bool (cycles,), when its sink is ready.
    """
    config, blocks, gates = same_device(columns), blocks_of(columns), offer or {}
    beats = np.array([block.n for block in blocks], np.int64)
    of_block = np.repeat(np.arange(len(blocks)), beats)
    begins = np.diff(of_block, prepend=-1) > 0
    single = np.array([block.single for block in blocks])[of_block]
    load = begins & np.array([block.activations is not None for block in blocks])[of_block]
    net = Network("sparse DSP chain, by beats")
    net.process("step", firings=len(of_block))
    for port, slots, taken, alone in (("a", config.a_slots, load, single), ("w", config.w_slots, load | True, ~single)):
        for chain, name in enumerate(port_names(config, port)):
            _queue(net, name, np.flatnonzero(taken & ~(alone & (chain > 0))), slots, gates.get(name))
    sink = (ready or {}).get("o")
    if config.accumulates:
        _totals(net, config, _last_beats(columns), sink)
    else:
        net.process("o", firings=len(of_block), accept=sink)
        net.depend("o", on="step", delay=timing.chain(config))
        net.depend("step", on="o", shift=config.o_depth, delay=timing.HANDOVER, stall="blocked")
    return net


def _queue(net: Network, name: str, steps: Ints, slots: int, offer: Bools | None) -> None:
    """A port and its queue, from which these steps take."""
    net.process(name, firings=len(steps), offer=offer)
    need = np.full(net.processes["step"].firings, -1, np.int64)
    need[steps] = np.arange(len(steps))
    net.depend("step", on=name, index=need, delay=timing.QUEUE)
    room = np.concatenate([np.full(min(slots, len(steps)), -1, np.int64), steps[:-slots]])
    net.depend(name, on="step", index=room, delay=timing.HANDOVER, stall="blocked")


def _last_beats(columns: Sequence[Column]) -> Ints:
    """(steps,) results that a step completes, of each chain: M / N in the last block of a column, else 0."""
    return np.concatenate([np.full(block.n, block.config.m // block.n if number == len(column.blocks) - 1 else 0)
                           for column in columns for number, block in enumerate(column.blocks)])


def _totals(net: Network, config: SparseChainConfig, made: Ints, sink: Bools | None) -> None:
    """Results leave one output of each chain at a time, and each makes room for one."""
    ends, steps = np.cumsum(made[made > 0]), np.flatnonzero(made)
    net.process("o", firings=int(ends[-1]), accept=sink)
    net.depend("o", on="step", index=np.repeat(steps, made[steps]), delay=timing.mpu(config))
    room = np.full(len(made), -1, np.int64)
    room[steps] = np.maximum(ends - config.o_depth * config.m - 1, -1)
    net.depend("step", on="o", index=room, delay=timing.HANDOVER, stall="blocked")
