"""How long an instruction keeps its queue, and what it moves: the rules of the FlightLLM artifact, vectorised.

Rules (github.com/FlightLLM/flightllm_test_demo, ``inst_gen/inst_profiler.py``), rates of one core:

* LD, ST: bytes / (channel bandwidth x channels x efficiency), the bytes those stored (``length / ratio``); zero fill:
  bytes / width of A a cycle for each channel. Tables that lie in DDR: this core's share of it.
* MM: N x M x K x work / MACs a cycle; MV: N x K x work / MACs a cycle; K in blocks of 16. Without the sparse
  multiplexer work is 1. Cycles are not rounded up: blocks of one instruction follow each other without gaps.
* MISC: elements / lanes a cycle, twice that for functions of two passes.
* SYS: one cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK, TWO_PASSES, Buffer, Instructions, Opcode

Picoseconds = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_TABLES = (Buffer.BIAS, Buffer.BLOCKS)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of one core: stored bytes, as they go over the pins."""

    hbm_read: float
    hbm_written: float
    ddr_read: float
    zeros: float  # written into buffers, read from nowhere


def durations(program: Instructions, config: EngineConfig) -> Picoseconds:
    """Duration of each instruction, ps, shape (instructions,); rounded to the nearest."""
    exact = np.zeros(len(program))
    for op, rule in ((Opcode.LD, _load), (Opcode.ST, _store), (Opcode.MM, _matrix), (Opcode.MV, _vector),
                     (Opcode.MISC, _special), (Opcode.SYS, _sync)):
        rows = np.flatnonzero(program["op"] == op)
        if len(rows):
            exact[rows] = rule(program, rows, config)
    return np.rint(exact / config.time_divisor).astype(np.int64)


def traffic(program: Instructions, config: EngineConfig) -> Traffic:
    """What a program moves over the pins of one core, its own words not included."""
    load = program[program["op"] == Opcode.LD]
    store = program[program["op"] == Opcode.ST]
    nbytes = _moved(load) / load["ratio"].astype(np.float64)
    zero = load["zero"] != 0
    ddr = _in_ddr(load["buffer"], config) & ~zero
    return Traffic(float(nbytes[~zero & ~ddr].sum()), float(_moved(store).sum()), float(nbytes[ddr].sum()),
                   float(nbytes[zero].sum()))


def macs(program: Instructions, config: EngineConfig) -> dict[Opcode, float]:
    """MACs of one core by MM and MV, as its chains compute them: with work where zeros are skipped."""
    counts = {}
    for op, outputs in ((Opcode.MM, config.mm_tile[0] * config.mm_tile[1]), (Opcode.MV, config.mv_tile)):
        rows = np.flatnonzero(program["op"] == op)
        counts[op] = float((outputs * BLOCK * program["k"][rows] * _work(program, rows, config)).sum())
    return counts


def _moved(part: Instructions) -> Floats:
    return part["length"].astype(np.float64) * part["loops"]


def _in_ddr(buffers: npt.NDArray[np.uint8], config: EngineConfig) -> npt.NDArray[np.bool_]:
    return np.isin(buffers, _TABLES) & (config.memory.tables == "ddr")


def _hbm_ps_per_byte(program: Instructions, rows: npt.NDArray[np.int64], config: EngineConfig) -> Floats:
    memory = config.memory
    efficiency = np.where(program["cross"][rows] != 0, memory.efficiency_cross, memory.efficiency_same)
    return 1e12 / (memory.channel_bytes_per_s * program["channels"][rows] * efficiency)


def _load(program: Instructions, rows: npt.NDArray[np.int64], config: EngineConfig) -> Floats:
    nbytes = program["length"][rows].astype(np.float64) * program["loops"][rows]
    rate = _hbm_ps_per_byte(program, rows, config)
    if config.memory.ddr_bytes_per_s is not None:
        slow = 1e12 * config.slrs / (config.memory.ddr_bytes_per_s * config.memory.efficiency_same)
        rate = np.where(_in_ddr(program["buffer"][rows], config), slow, rate)
    filled = config.cycle_ps / (config.buffers.a_bytes * program["channels"][rows].astype(np.float64))
    return nbytes * np.where(program["zero"][rows] != 0, filled, rate / program["ratio"][rows].astype(np.float64))


def _store(program: Instructions, rows: npt.NDArray[np.int64], config: EngineConfig) -> Floats:
    nbytes = program["length"][rows].astype(np.float64) * program["loops"][rows]
    return nbytes * _hbm_ps_per_byte(program, rows, config)


def _work(program: Instructions, rows: npt.NDArray[np.int64], config: EngineConfig) -> Floats | float:
    return program["work"][rows].astype(np.float64) if config.sparse_mux else 1.0


def _matrix(program: Instructions, rows: npt.NDArray[np.int64], config: EngineConfig) -> Floats:
    cycles = config.mm_tile[0] * config.mm_tile[1] * BLOCK / config.mm_macs
    return program["k"][rows] * (cycles * config.cycle_ps) * _work(program, rows, config)


def _vector(program: Instructions, rows: npt.NDArray[np.int64], config: EngineConfig) -> Floats:
    cycles = config.mv_tile * BLOCK / config.mv_macs
    return program["k"][rows] * (cycles * config.cycle_ps) * _work(program, rows, config)


def _special(program: Instructions, rows: npt.NDArray[np.int64], config: EngineConfig) -> Floats:
    passes = np.where(np.isin(program["function"][rows], TWO_PASSES), 2, 1)
    return program["k"][rows] * passes * (BLOCK / config.misc_lanes * config.cycle_ps)


def _sync(program: Instructions, rows: npt.NDArray[np.int64], config: EngineConfig) -> Floats:
    return np.full(len(rows), config.cycle_ps)
