"""What a program costs in actions: multiplications, register, SRAM and DRAM accesses. Energy prices them."""

from __future__ import annotations

from functools import lru_cache

from hwsim.energy import ActionCount, Inventory, Seconds, held, load_costs, mux_bits, of_bytes
from hwsim.memory import Dram
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.program import Program
from hwsim.nm_array.traffic import Traffic, parameter_bytes

DRAM_COSTS = {"ddr4": "dram.ddr4", "hbm2e": "dram.hbm2e", "hbm2": "dram.hbm2", "lpddr4": "dram.lpddr4",
              "lpddr5": "dram.lpddr5"}


def dram_cost(dram: Dram) -> str:
    """Entry of the cost table for that memory; the generic one where its technology has none of its own."""
    return next((cost for prefix, cost in DRAM_COSTS.items() if dram.name.startswith(prefix)), "dram.generic")


def action_counts(program: Program, traffic: Traffic, dram: Dram) -> list[ActionCount]:
    """Actions of one program on the array.

    Multiplications are those of the PEs that hold part of the tile: elsewhere operands are 0 and nothing toggles.
    Registers and buffers are counted as the RTL has them: chains run through the whole array, words are read and
    written whole, whatever part of them the mode uses. Not counted: control, the adders behind the array, the DMA.
    """
    return [*array_counts(program), *_dram(traffic, dram)]


def array_counts(program: Program) -> list[ActionCount]:
    """Those of the array alone, without its DRAM; see `action_counts`."""
    return [*_arithmetic(program), *_registers(program), *_buffers(program)]


def _work(program: Program) -> dict[str, int]:
    """Sums over passes (counts)."""
    config, ws, steps = program.config, program.dataflow == "ws", program.mode.steps
    units = program.rows if ws else program.beats
    size_m, size_n, last = program.m_size, program.n_size, program.last
    outputs = 1 if ws else config.interleaved
    again = steps if (config.floating if ws else outputs > 1) else 1  # a word is read for each step, or held for all
    return {"pe_beats": int((size_m * units * size_n).sum()),  # one PE's work on one activation beat
            "reads": int(program.beats.sum()) * outputs * again,  # activation beats, each to all rows
            "row_beats": int((size_m * units).sum()) * again,  # the same, to the rows that get data
            "loads": int(units.sum()),                         # weight beats, each to all columns
            "sums_out": int(size_m.sum()) * (steps if ws and config.floating else 1),
            "finished": int(size_m[last].sum()), "results": int((size_m * size_n)[last].sum())}


def _arithmetic(program: Program) -> list[ActionCount]:
    config, work, mode = program.config, _work(program), program.mode
    macs = work["pe_beats"] * mode.slots
    mac = "mac.fp16-fp32" if config.floating else "mac.int8"  # of BF16 no figure of its own: priced as FP16
    counts = [ActionCount(component="PE", action="multiply-accumulate", count=macs, cost=mac)]
    if config.floating:
        counts.append(ActionCount(component="finish", action="add", count=work["results"], cost="add.fp32"))
    else:
        counts += [ActionCount(component="requantise", action="multiply", count=work["results"], cost="multiply.int32"),
                   ActionCount(component="requantise", action="add", count=3 * work["results"], cost="add.int32")]
    if mode.ratio.m > 1:
        counts.append(ActionCount(component="PE", action="select activation",
                                  count=macs * mux_bits(mode.ratio.m, config.element_bits), cost="mux2"))
    return counts


def _registers(program: Program) -> list[ActionCount]:
    """PE registers that change: operands on their way between PEs, products, sums in the registers of their adders."""
    config, work, mode = program.config, _work(program), program.mode
    weight_word = config.slots * (config.element_bits + config.index_bits)
    product_bits = ACCUMULATOR_BITS if config.floating else INTEGER_PRODUCT_BITS
    sums = work["pe_beats"] * mode.steps * config.sum_latency
    drained = 0
    if program.dataflow == "ws":
        if not config.floating and any(each.steps > 1 for each in config.modes):
            sums *= 2  # what flows down; sum over a beat's steps
        held = 2 if config.shadow_weights else 1
        weights = work["loads"] * config.cols * (config.rows - 1 + held)
    else:
        weights = work["loads"] * config.cols * (config.rows - 1)
        # a row waits above half the others, in as many registers of each as there are interleaved outputs
        drained = work["finished"] * config.cols * (config.rows + 1) // 2 * config.interleaved
    if config.floating:
        sums += work["pe_beats"] * (mode.slots - mode.steps) * config.sum_latency  # the tree of a PE's products
    moved = {"sum": (sums + drained) * ACCUMULATOR_BITS,
             "activation": work["row_beats"] * (config.cols - 1) * mode.span * config.element_bits,
             "weight": weights * weight_word,
             "product": work["pe_beats"] * mode.slots * product_bits * config.product_stages}
    return [ActionCount(component="PE registers", action=f"{what} {way}", count=bits, cost=f"register.{way}")
            for what, bits in moved.items() for way in ("read", "write")]


def _buffers(program: Program) -> list[ActionCount]:
    """Reads and writes of the buffers' banks: one per row or column, priced by the size of a bank."""
    config, work, size = program.config, _work(program), program.config.element_bits // 8
    a_word, w_word = config.span * size, config.slots * (config.element_bits + config.index_bits) / 8
    q_word, results = parameter_bytes(config), work["finished"] * config.cols
    moved = {"activation buffer": (int(program.a_beats.sum()) * config.rows * a_word,
                                   work["reads"] * config.rows * a_word),
             "weight buffer": (int(program.w_beats.sum()) * config.cols * w_word,
                               work["loads"] * config.cols * w_word),
             "parameter buffer": (len(program.q_pass) * config.cols * q_word, results * q_word),
             "result buffer": (results * size, results * size)}
    if program.dataflow == "ws":
        partial = 4 * (work["sums_out"] - work["finished"]) * config.cols
        moved["accumulators"] = partial, partial
    banks = buffer_banks(config)
    return [_sram(name, action, nbytes, banks[name][1]) for name, both in moved.items()
            for action, nbytes in zip(("write", "read"), both, strict=True)]


def buffer_banks(config: NmArrayConfig) -> dict[str, tuple[int, float]]:
    """On-chip memories: component, (banks, bytes of a bank)."""
    size = config.element_bits // 8
    w_word = config.slots * (config.element_bits + config.index_bits) / 8
    banks = {"activation buffer": (config.rows, config.a_slots * config.tile_depth * config.span * size),
             "weight buffer": (config.cols, config.w_slots * config.w_depth * w_word),
             "parameter buffer": (config.cols, config.q_slots * parameter_bytes(config)),
             "result buffer": (config.cols, config.o_depth * size)}
    if "ws" in config.dataflows:
        banks["accumulators"] = (config.cols, 4 * config.tile_depth)
    return banks


def standing(config: NmArrayConfig, dram: Dram, time: Seconds) -> list[ActionCount]:
    """What leaks, or idles, for as long as the array and its memory are on, whatever they do.

    Logic by area: multipliers, adders, multiplexers and registers of the PEs, the arithmetic behind the columns.
    Buffers by bit. Not counted: control, DMA.
    """
    parts = inventory(config)
    return [count for name, part in parts.items() for count in part.held(name, time)] + [idle_memory(dram, time)]


def idle_memory(dram: Dram, time: Seconds) -> ActionCount:
    """The DRAM's channels, on for a time."""
    return held("DRAM", "idle", dram.channels, time, f"idle.{dram_cost(dram)}")


@lru_cache(maxsize=256)
def inventory(config: NmArrayConfig) -> dict[str, Inventory]:
    """The array's silicon by component."""
    area, bits = load_costs().area, config.element_bits
    if config.floating:  # an adder a multiplier: the tree of its products and the sum
        multiplier, adder = area("multiply.fp16"), area("add.fp32")
        finish, behind = "finish", area("add.fp32")
    else:
        multiplier, adder = area("multiply.int8"), area("add.int32")
        finish, behind = "requantise", area("multiply.int32") + 3 * area("add.int32")
    widest = max(mode.ratio.m for mode in config.modes)
    pe = (config.multipliers * (multiplier + adder + mux_bits(widest, bits) * area("mux2"))
          + pe_register_bits(config) * area("register"))
    hops = hop_register_bits(config) * area("register")
    sram = sum(8 * banks * nbytes for banks, nbytes in buffer_banks(config).values())
    return {"PE": Inventory(um2=config.rows * config.cols * pe + hops), finish: Inventory(um2=config.cols * behind),
            "buffers": Inventory(sram_bits=sram)}


def hop_register_bits(config: NmArrayConfig) -> int:
    """Registers between neighbouring PEs of the whole array: activations to the right, weights down."""
    weight_word = config.slots * (config.element_bits + config.index_bits)
    return (config.rows * (config.cols - 1) * config.span * config.element_bits
            + (config.rows - 1) * config.cols * weight_word)


def pe_register_bits(config: NmArrayConfig) -> int:
    """Registers inside a PE but for control: weights held, products, sums. Those of floating point are an estimate."""
    words = 1 + config.shadow_weights if "ws" in config.dataflows else 0
    weights = words * config.slots * (config.element_bits + config.index_bits)
    if config.floating:
        sums = config.multipliers * config.sum_latency + (config.interleaved if "os" in config.dataflows else 1)
        return weights + ACCUMULATOR_BITS * (config.multipliers * config.product_stages + sums)
    sums = 2 if "os" in config.dataflows or any(each.steps > 1 for each in config.modes) else 1
    return (weights + INTEGER_PRODUCT_BITS * config.multipliers * config.product_stages
            + ACCUMULATOR_BITS * sums)


ACCUMULATOR_BITS, INTEGER_PRODUCT_BITS = 32, 16
SMALLEST_SRAM, LARGEST_SRAM = 64, 64 << 20
"""Range of the cost table (bytes); a smaller bank is priced as the smallest, which overstates it."""


def _sram(component: str, action: str, nbytes: float, bank_bytes: float) -> ActionCount:
    capacity = int(min(max(bank_bytes, SMALLEST_SRAM), LARGEST_SRAM))
    return of_bytes(component, action, nbytes, cost="sram", capacity_bytes=capacity)


def _dram(traffic: Traffic, dram: Dram) -> list[ActionCount]:
    names = {"a": "read activations", "w": "read weights", "q": "read parameters", "o": "write results"}
    return [of_bytes("DRAM", names[port], nbytes, cost=dram_cost(dram))
            for port, nbytes in traffic.totals().items()]
