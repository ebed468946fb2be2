"""What a program costs in actions: multiplications, register, SRAM and DRAM accesses. Energy prices them."""

from __future__ import annotations

from hwsim.energy import ActionCount, mux_bits, of_bytes
from hwsim.memory import Dram
from hwsim.nm_array.program import Program
from hwsim.nm_array.traffic import PARAMETER_BYTES, Traffic

DRAM_COSTS = {"ddr4": "dram.ddr4", "hbm2": "dram.hbm2", "lpddr4": "dram.lpddr4"}


def dram_cost(dram: Dram) -> str:
    """Entry of the cost table for that memory; the generic one where its technology has none of its own."""
    return next((cost for prefix, cost in DRAM_COSTS.items() if dram.name.startswith(prefix)), "dram.generic")


def action_counts(program: Program, traffic: Traffic, dram: Dram) -> list[ActionCount]:
    """Actions of one program on the array.

    Multiplications are those of the PEs that hold part of the tile: elsewhere operands are 0 and nothing toggles.
    Registers and buffers are counted as the RTL has them: chains run through the whole array, words are read and
    written whole, whatever part of them the mode uses. Not counted: control, the adders behind the array, the DMA.
    """
    return [*_arithmetic(program), *_registers(program), *_buffers(program), *_dram(traffic, dram)]


def _work(program: Program) -> dict[str, int]:
    """Sums over passes (counts)."""
    ws = program.config.dataflow == "ws"
    units = program.rows if ws else program.beats
    size_m, size_n, last = program.m_size, program.n_size, program.last
    return {"pe_beats": int((size_m * units * size_n).sum()),  # one PE's work on one activation beat
            "beats": int(program.beats.sum()),                 # activation beats, each to all rows
            "row_beats": int((size_m * units).sum()),          # the same, to the rows that get data
            "loads": int(units.sum()),                         # weight beats, each to all columns
            "rows_out": int(size_m.sum()), "finished": int(size_m[last].sum()),
            "results": int((size_m * size_n)[last].sum())}


def _arithmetic(program: Program) -> list[ActionCount]:
    work, mode = _work(program), program.mode
    macs = work["pe_beats"] * mode.slots
    counts = [ActionCount(component="PE", action="multiply-accumulate", count=macs, cost="mac.int8"),
              ActionCount(component="requantise", action="multiply", count=work["results"], cost="multiply.int32"),
              ActionCount(component="requantise", action="add", count=3 * work["results"], cost="add.int32")]
    if mode.ratio.m > 1:
        counts.append(ActionCount(component="PE", action="select activation",
                                  count=macs * mux_bits(mode.ratio.m, 8), cost="mux2"))
    return counts


def _registers(program: Program) -> list[ActionCount]:
    """PE registers that change: operands on their way, products, sums."""
    config, work, mode = program.config, _work(program), program.mode
    weight_word = config.slots * (8 + config.index_bits)
    if config.dataflow == "ws":
        sums = 2 if any(each.steps > 1 for each in config.modes) else 1  # what flows down; sum over a beat's steps
        held = 2 if config.shadow_weights else 1
        weights = work["loads"] * config.cols * (config.rows + held)
        moved = {"sum": work["pe_beats"] * mode.steps * sums * ACCUMULATOR_BITS}
    else:
        weights = work["loads"] * config.cols * config.rows
        drained = work["finished"] * config.cols * (config.rows + 1) // 2  # a row waits above half the others
        moved = {"sum": (work["pe_beats"] * mode.steps + drained) * ACCUMULATOR_BITS}
    moved |= {"activation": work["row_beats"] * config.cols * mode.span * 8, "weight": weights * weight_word,
              "product": work["pe_beats"] * mode.slots * PRODUCT_BITS * config.product_stages}
    return [ActionCount(component="PE registers", action=f"{what} {way}", count=bits, cost=f"register.{way}")
            for what, bits in moved.items() for way in ("read", "write")]


def _buffers(program: Program) -> list[ActionCount]:
    """Reads and writes of the buffers' banks: one per row or column, priced by the size of a bank."""
    config, work = program.config, _work(program)
    a_word, w_word = config.span, config.slots * (8 + config.index_bits) / 8
    a_bank, w_bank = config.a_slots * config.tile_depth * a_word, config.w_slots * config.w_depth * w_word
    q_bank = config.q_slots * PARAMETER_BYTES
    results = work["finished"] * config.cols
    counts = [_sram("activation buffer", "write", int(program.a_beats.sum()) * config.rows * a_word, a_bank),
              _sram("activation buffer", "read", work["beats"] * config.rows * a_word, a_bank),
              _sram("weight buffer", "write", int(program.w_beats.sum()) * config.cols * w_word, w_bank),
              _sram("weight buffer", "read", work["loads"] * config.cols * w_word, w_bank),
              _sram("parameter buffer", "write", len(program.q_pass) * config.cols * PARAMETER_BYTES, q_bank),
              _sram("parameter buffer", "read", results * PARAMETER_BYTES, q_bank),
              _sram("result buffer", "write", results, config.o_depth),
              _sram("result buffer", "read", results, config.o_depth)]
    if config.dataflow == "ws":
        partial = 4 * (work["rows_out"] - work["finished"]) * config.cols
        bank = 4 * config.tile_depth
        counts += [_sram("accumulators", "write", partial, bank), _sram("accumulators", "read", partial, bank)]
    return counts


ACCUMULATOR_BITS, PRODUCT_BITS = 32, 16
SMALLEST_SRAM, LARGEST_SRAM = 64, 64 << 20
"""Range of the cost table (bytes); a smaller bank is priced as the smallest, which overstates it."""


def _sram(component: str, action: str, nbytes: float, bank_bytes: float) -> ActionCount:
    capacity = int(min(max(bank_bytes, SMALLEST_SRAM), LARGEST_SRAM))
    return of_bytes(component, action, nbytes, cost="sram", capacity_bytes=capacity)


def _dram(traffic: Traffic, dram: Dram) -> list[ActionCount]:
    names = {"a": "read activations", "w": "read weights", "q": "read parameters", "o": "write results"}
    return [of_bytes("DRAM", names[port], nbytes, cost=dram_cost(dram))
            for port, nbytes in traffic.totals().items()]
