"""What a program costs in actions: multiplications, register, SRAM and DRAM accesses. Energy prices them."""

from __future__ import annotations

from hwsim.energy import ActionCount, mux_bits, of_bytes
from hwsim.memory import Dram
from hwsim.nm_array.program import Program
from hwsim.nm_array.traffic import Traffic

DRAM_COSTS = {"ddr4": "dram.ddr4", "hbm2": "dram.hbm2", "lpddr4": "dram.lpddr4"}


def dram_cost(dram: Dram) -> str:
    """Entry of the cost table for that memory; the generic one where its technology has none of its own."""
    return next((cost for prefix, cost in DRAM_COSTS.items() if dram.name.startswith(prefix)), "dram.generic")


def action_counts(program: Program, traffic: Traffic, dram: Dram) -> list[ActionCount]:
    """Actions of one program on the array. Only PEs that hold part of the tile count; idle ones are taken as gated.

    Register bits are counted where the RTL has a register that changes: operands that go from PE to PE, partial
    sums, and weights on their way down. SRAM accesses are those of the buffers' banks (one per row or column), priced
    by the size of a bank.
    """
    return [*_arithmetic(program), *_registers(program), *_buffers(program), *_dram(traffic, dram)]


def _work(program: Program) -> dict[str, int]:
    """Sums over passes: beats, beats x units x columns and the like (counts)."""
    ws = program.config.dataflow == "ws"
    units = program.rows if ws else program.beats
    pe_beats = program.m_size * units * program.n_size  # one PE's work on one activation beat
    return {"pe_beats": int(pe_beats.sum()), "units": int((program.m_size * units).sum()),
            "loads": int((units * program.n_size).sum()), "outputs": int((program.m_size * program.n_size).sum()),
            "results": int((program.m_size * program.n_size)[program.last].sum()),
            "weights_seen": int((units * program.n_size * (1 if ws else program.m_size)).sum())}


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
    work, mode = _work(program), program.mode
    weight_bits = mode.slots * (8 + mode.ratio.index_bits)
    sums = work["pe_beats"] * 32 * (mode.steps + 1 if program.config.dataflow == "ws" else mode.steps)
    moved = {"activation": work["pe_beats"] * mode.span * 8, "weight": work["weights_seen"] * weight_bits,
             "product and sum": sums + work["pe_beats"] * mode.slots * 16 * program.config.product_stages}
    return [ActionCount(component="PE registers", action=f"{what} {way}", count=bits, cost=f"register.{way}")
            for what, bits in moved.items() for way in ("read", "write")]


def _buffers(program: Program) -> list[ActionCount]:
    config, work, mode = program.config, _work(program), program.mode
    weight_bytes = mode.slots * (8 + mode.ratio.index_bits) / 8
    a_filled = int((program.m_size * program.k_size)[program.a_pass].sum())
    w_filled = int((program.w_beats * program.n_size[program.w_pass]).sum()) * weight_bytes
    a_bank = config.a_slots * config.tile_depth * config.span
    w_bank = config.w_slots * config.w_depth * config.slots * (8 + config.index_bits) // 8
    counts = [_sram("activation buffer", "write", a_filled, a_bank),
              _sram("activation buffer", "read", work["units"] * mode.span, a_bank),
              _sram("weight buffer", "write", w_filled, w_bank),
              _sram("weight buffer", "read", work["loads"] * weight_bytes, w_bank),
              _sram("result buffer", "write", work["results"], config.o_depth),
              _sram("result buffer", "read", work["results"], config.o_depth)]
    if config.dataflow == "ws":
        partial, bank = 4 * (work["outputs"] - work["results"]), 4 * config.tile_depth
        counts += [_sram("accumulators", "write", partial, bank), _sram("accumulators", "read", partial, bank)]
    return counts


SMALLEST_SRAM, LARGEST_SRAM = 64, 64 << 20
"""Range of the cost table (bytes); a smaller bank is priced as the smallest, which overstates it."""


def _sram(component: str, action: str, nbytes: float, bank_bytes: int) -> ActionCount:
    capacity = min(max(bank_bytes, SMALLEST_SRAM), LARGEST_SRAM)
    return of_bytes(component, action, nbytes, cost="sram", capacity_bytes=capacity)


def _dram(traffic: Traffic, dram: Dram) -> list[ActionCount]:
    names = {"a": "read activations", "w": "read weights", "q": "read parameters", "o": "write results"}
    return [of_bytes("DRAM", names[port], nbytes, cost=dram_cost(dram))
            for port, nbytes in traffic.totals().items()]
