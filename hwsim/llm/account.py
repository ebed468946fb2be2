"""Energy of a run on the whole board: counted actions of all cores, and static power for as long as it takes.

Weights are dequantised on their way from HBM into their buffer. It holds INT8 in slots of 256 bytes a block of 16 x 16,
which the compiler counts as capacity, so that any N fits; in a slot lie the kept weights, and these bytes are what
loads write and engines read. Without the sparse multiplexer zeros lie there too.

Counted: MACs, the choice of activations where zeros are skipped, elements through the special function unit, bytes
between buffers and engines, positions and block tables among them, bytes that loads write into buffers, bytes over the
pins of HBM and DDR, the program's own words. Not counted: accumulators, dequantisation, queues, wires, the clock (part
of what the static figure stands for).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from hwsim.config import load_toml
from hwsim.energy import ActionCount, CostTable, EnergyTree, Seconds, held, load_costs, mux_bits, of_bytes
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import BLOCK, TWO_PASSES, Buffer, Flag, Function, Opcode
from hwsim.llm.simulate import Run

_TWO_OPERANDS = (Function.ADD, Function.MUL)
_SECONDS = 1e-12
POSITION_BITS = 4
"""Of a kept weight in its block of 16."""


def energy(run: Run, times: float = 1) -> EnergyTree:
    """Energy of `times` equal runs, joules."""
    return EnergyTree.of((count.replace(count=count.count * times) for count in action_counts(run)), costs())


@cache
def costs() -> CostTable:
    """The package's table with what an FPGA adds."""
    path = Path(__file__).with_name("costs.toml")
    own = CostTable.from_mapping({"costs": load_toml(path)["cost"]}, str(path))
    return CostTable(costs=(*load_costs().costs, *own.costs), areas=load_costs().areas)


def action_counts(run: Run) -> list[ActionCount]:
    """Actions of all cores, and seconds of static power."""
    counts = [*_arithmetic(run), *_reads(run), *_metadata(run), *_writes(run), *_memory(run)]
    board = [count.replace(count=count.count * run.config.slrs) for count in counts]
    board.append(held("board", "static", 1, Seconds(run.total * _SECONDS), "fpga.static"))
    in_ddr = run.config.memory.tables == "ddr"
    board.append(of_bytes("DDR" if in_ddr else "HBM", "instructions", run.program.nbytes * run.config.slrs,
                          cost="dram.ddr4" if in_ddr else "dram.hbm2"))
    return [count for count in board if count.count]


def _arithmetic(run: Run) -> list[ActionCount]:
    config = run.config
    counts = [ActionCount(component="matrix engine", action=f"{op.name} multiply-accumulate", count=number,
                          cost="fpga.mac.int8") for op, number in run.macs.items()]
    if config.sparse_mux:
        chosen = sum(BLOCK**2 * kept for kept, _ in _sparse(run).values())
        counts.append(ActionCount(component="matrix engine", action="select activation",
                                  count=chosen * mux_bits(BLOCK, 8), cost="fpga.mux2"))
    elements = _elements(run)
    passes = float((elements * np.where(np.isin(_functions(run), TWO_PASSES), 2, 1)).sum())
    return [*counts, ActionCount(component="special functions", action="element", count=passes, cost="fpga.sfu")]


def _sparse(run: Run) -> dict[Opcode, tuple[float, float]]:
    """By engine: MACs of kept weights, and of all weights, of its sparse products; both in blocks of 16 x 16."""
    rows, found = run.program.instructions, {}
    for op, outputs in _outputs(run.config).items():
        sparse = (rows["op"] == op) & (rows["flags"] & Flag.SPARSE != 0)
        k = rows["k"][sparse].astype(np.float64)
        kept = float((k * rows["work"][sparse]).sum())
        found[op] = outputs / BLOCK * kept, outputs / BLOCK * float(k.sum())
    return found


def _metadata(run: Run) -> list[ActionCount]:
    """Positions of kept weights, four bits each, and N of each block, a byte, as engines read them with the weights.

    A weight of MM is read once for all rows of its tile. Without the multiplexer there are no positions.
    """
    if not run.config.sparse_mux:
        return []
    shared, banks = {Opcode.MM: run.config.mm_tile[1], Opcode.MV: 1}, _bank_bytes(run.config)
    kept, blocks = (sum(both[part] / shared[op] for op, both in _sparse(run).items()) for part in (0, 1))
    return [of_bytes("META buffer", "read", kept * BLOCK**2 * POSITION_BITS / 8, cost="sram",
                     capacity_bytes=banks[Buffer.META]),
            of_bytes("block table", "read", blocks, cost="sram", capacity_bytes=banks[Buffer.BLOCKS])]


def _reads(run: Run) -> list[ActionCount]:
    """Buffer bytes that the engines read in each cycle that they multiply, and results written."""
    config, rows = run.config, run.program.instructions
    mm, mv = (run.macs[op] / width for op, width in ((Opcode.MM, config.mm_macs), (Opcode.MV, config.mv_macs)))
    (n, k, m), (vn, vk, vm) = config.mm, config.mv
    results = sum(outputs * int(((rows["op"] == op) & (rows["flags"] & Flag.OUTPUT != 0)).sum())
                  for op, outputs in _outputs(config).items())
    elements = _elements(run)
    operands = np.where(np.isin(_functions(run), _TWO_OPERANDS), 2, 1) + np.isin(_functions(run), TWO_PASSES)
    banks = _bank_bytes(config)
    return [
        of_bytes("A buffer", "read", mm * k * m + mv * vn * vk, cost="sram", capacity_bytes=banks[Buffer.A]),
        of_bytes("B buffer", "read", mm * n * k + mv * vk * vm, cost="sram", capacity_bytes=banks[Buffer.B]),
        of_bytes("global buffer", "read", float((elements * operands).sum()) + run.traffic.hbm_written, cost="sram",
                 capacity_bytes=banks[Buffer.GLOBAL]),
        of_bytes("global buffer", "write", float(elements.sum()) + results, cost="sram",
                 capacity_bytes=banks[Buffer.GLOBAL])]


def _writes(run: Run) -> list[ActionCount]:
    """Buffer bytes that loads write, zeros included; of weights those that are kept, one byte each."""
    rows, banks = run.program.instructions, _bank_bytes(run.config)
    counts, kept = [], _kept(run)
    for buffer in Buffer:
        load = rows[(rows["op"] == Opcode.LD) & (rows["buffer"] == buffer)]
        dense = load["length"].astype(np.float64) * load["loops"]
        nbytes = (dense * np.where(load["ratio"] != 1, kept[load["layer"]], 1)).sum()
        name = "block table" if buffer == Buffer.BLOCKS else f"{buffer.name} buffer"
        counts.append(of_bytes("global buffer" if buffer == Buffer.GLOBAL else name, "load", float(nbytes), cost="sram",
                               capacity_bytes=banks[buffer]))
    return counts


def _kept(run: Run) -> np.ndarray:
    """Share of the weights that is in the buffers, by layer: mean work of its products; 1 where it has none.

    Only what is stored compressed (`ratio`) has it: a load does not say the density of its weights, its products do.
    """
    rows, layers = run.program.instructions, len(run.program.layers)
    product = rows[(rows["op"] == Opcode.MM) | (rows["op"] == Opcode.MV)]
    dense = np.bincount(product["layer"], product["k"], layers)
    work = product["work"].astype(np.float64) if run.config.sparse_mux else 1.0
    done = np.bincount(product["layer"], product["k"] * work, layers)
    return np.where(dense > 0, done / np.maximum(dense, 1), 1.0)


def _memory(run: Run) -> list[ActionCount]:
    moved = run.traffic
    return [of_bytes("HBM", "read", moved.hbm_read, cost="dram.hbm2"),
            of_bytes("HBM", "write", moved.hbm_written, cost="dram.hbm2"),
            of_bytes("DDR", "tables", moved.ddr_read, cost="dram.ddr4")]


def _outputs(config: EngineConfig) -> dict[Opcode, int]:
    """Results of one instruction."""
    return {Opcode.MM: config.mm_tile[0] * config.mm_tile[1], Opcode.MV: config.mv_tile}


def _functions(run: Run) -> np.ndarray:
    rows = run.program.instructions
    return rows["function"][rows["op"] == Opcode.MISC]


def _elements(run: Run) -> np.ndarray:
    """Elements of each MISC instruction."""
    rows = run.program.instructions
    return BLOCK * rows["k"][rows["op"] == Opcode.MISC].astype(np.int64)


def _bank_bytes(config: EngineConfig) -> dict[Buffer, int]:
    """Capacity of one bank of each buffer: what the energy of an access depends on."""
    buffers = config.buffers
    return {Buffer.A: buffers.a_depth * BLOCK, Buffer.GLOBAL: buffers.global_depth * BLOCK,
            Buffer.B: buffers.b_depth * buffers.b_bytes, Buffer.META: buffers.meta_depth * buffers.meta_bytes,
            Buffer.BLOCKS: buffers.blocks_depth * buffers.blocks_bytes,
            Buffer.BIAS: buffers.bias_depth * buffers.bias_bytes}
