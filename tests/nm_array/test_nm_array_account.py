"""Action counts against a naive count over passes and PEs, and the sums of their energy."""

import math
import re

import pytest

from hwsim.energy import EnergyTree, duration, load_costs
from hwsim.memory import Dram
from hwsim.nm_array.account import (
    action_counts,
    buffer_banks,
    dram_cost,
    hop_register_bits,
    idle_memory,
    inventory,
    pe_register_bits,
)
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.gating import gated
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.traffic import traffic
from hwsim.sparsity.ratio import DENSE, Ratio
from hwsim.workload import Operator, Workload
from mappers.network import simulate_network
from rtl.nm_array.pe import Pe
from rtl.verify.registry import find_family
from rtl.verilog import emit

DRAM = Dram.preset("ddr4-2400-x64")


def counted(dataflow, ratio, multipliers=1):
    config = NmArrayConfig(rows=4, cols=3, dataflow=dataflow, tile_depth=8, o_depth=16, multipliers=multipliers)
    program = lower(config, Shape(m=10, k=37, n=7, groups=2), ratio, Tiling(beats=5))
    moved = traffic(program)
    return program, moved, {(c.component, c.action): c.count for c in action_counts(program, moved, DRAM)}


@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("ratio", [DENSE, Ratio(2, 4), Ratio(2, 8)], ids=str)
@pytest.mark.parametrize("multipliers", [1, 2, 4])
def test_macs_are_those_of_the_pes_at_work(dataflow, ratio, multipliers):
    program, _, counts = counted(dataflow, ratio, multipliers)
    mode, macs = program.mode, 0
    for p in range(program.passes):
        units = math.ceil(program.k_size[p] / mode.span)
        macs += int(program.m_size[p]) * units * int(program.n_size[p]) * mode.slots
    assert counts["PE", "multiply-accumulate"] == macs >= program.useful_macs
    assert ("PE", "select activation") in counts or ratio == DENSE


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_every_result_is_requantised_and_written_once(dataflow):
    program, moved, counts = counted(dataflow, Ratio(2, 4))
    assert counts["requantise", "multiply"] == 10 * 7 * 2
    # whole words: 3 columns wide, 3 tiles of columns for 7 channels
    assert counts["result buffer", "write"] == counts["result buffer", "read"] == 8 * 10 * 9 * 2
    assert counts["DRAM", "write results"] == 8 * moved.totals()["o"]


@pytest.mark.parametrize("ratio", [DENSE, Ratio(2, 4)], ids=str)
def test_buffers_move_whole_words_whatever_the_mode_uses(ratio):
    program, _, counts = counted("ws", ratio)
    config = program.config
    assert counts["activation buffer", "read"] == 8 * int(program.beats.sum()) * config.rows * config.span
    word = config.slots * (8 + config.index_bits)
    assert counts["weight buffer", "read"] == int(program.rows.sum()) * config.cols * word


def test_partial_sums_touch_the_accumulators_only_between_passes_of_a_tile():
    program, _, counts = counted("ws", DENSE)
    between = sum(int(program.m_size[p]) * program.config.cols for p in range(program.passes) if not program.last[p])
    assert counts["accumulators", "write"] == 32 * between
    assert "accumulators" not in {component for component, _ in counted("os", DENSE)[2]}


@pytest.mark.parametrize("ratios, registers", [((), 1), (("1:4",), 1), (("2:4",), 2)])
def test_sum_registers_are_those_that_the_pe_has(ratios, registers):
    """One 32-bit sum flows down; a second one sums the steps of a beat only where some mode has several."""
    config = NmArrayConfig(rows=2, cols=2, ratios=ratios, tile_depth=8, o_depth=8)
    program = lower(config, Shape(m=5, k=2, n=2), DENSE, Tiling(beats=5))
    counts = {(c.component, c.action): c.count for c in action_counts(program, traffic(program), DRAM)}
    text = emit(Pe(config), "pe")
    assert registers == 1 + ("sum_so_far" in text)
    assert counts["PE registers", "sum write"] == 5 * 2 * 2 * 32 * registers


def test_weights_pass_every_register_on_their_way_down():
    config = NmArrayConfig(rows=4, cols=3, ratios=(), tile_depth=8, o_depth=8)
    for shadow in (True, False):
        program = lower(config.replace(shadow_weights=shadow), Shape(m=5, k=4, n=3), DENSE, Tiling(beats=5))
        counts = {(c.component, c.action): c.count for c in action_counts(program, traffic(program), DRAM)}
        assert counts["PE registers", "weight write"] == 4 * 3 * 8 * (4 - 1 + 1 + shadow)


@pytest.mark.slow
@pytest.mark.parametrize("fields", [{}, {"ratios": ()}, {"ratios": (), "shadow_weights": False}, {"dataflow": "os"},
                                    {"ratios": ("2:4",), "multipliers": 2}], ids=str)
def test_what_leaks_has_the_registers_of_the_rtl(fields):
    """Flip-flops of a PE's Verilog, but for a few bits of control."""
    config = NmArrayConfig(rows=2, cols=2, tile_depth=16, o_depth=64, **fields)
    text = emit(Pe(config), "pe")
    clocked = set(re.findall(r"^\s*(\S+) <= ", text, re.MULTILINE))
    declared = re.findall(r"^\s*reg\s+(?:\[(\d+):0\]\s+)?(\S+?)\s*(?:=.*)?;", text, re.MULTILINE)
    built = sum(int(high or 0) + 1 for high, name in declared if name in clocked)
    assert 0 < built - pe_register_bits(config) <= 16


def test_memories_that_leak_are_those_that_are_priced():
    config = NmArrayConfig(rows=4, cols=3)
    parts = inventory(config)
    assert parts["buffers"].sram_bits == 8 * sum(banks * size for banks, size in buffer_banks(config).values())
    assert parts["PE"].um2 > inventory(config.dense_twin())["PE"].um2  # selection, positions
    one = inventory(config.replace(rows=1, cols=1))["PE"].um2  # nothing between PEs
    assert parts["PE"].um2 == pytest.approx(12 * one + hop_register_bits(config) * load_costs().area("register"))


@pytest.mark.slow
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_registers_between_pes_are_those_of_the_rtl(dataflow):
    config = NmArrayConfig(rows=3, cols=2, dataflow=dataflow, tile_depth=16, o_depth=64)
    chosen, bits = find_family("nm_array"), 0
    text = chosen.verilog(chosen.component(config))
    for kind, count in (("a_hop", 3 * 1), ("w_hop", 2 * 2)):
        assert len(re.findall(rf"^  nm_array_{kind} {kind}\d+_\d+ \(", text, re.MULTILINE)) == count
        [high] = re.findall(rf"module nm_array_{kind}\(.*?output \[(\d+):0\] o;", text, re.DOTALL)
        bits += count * (int(high) + 1)
    assert bits == hop_register_bits(config)


@pytest.mark.parametrize("preset", Dram.presets)
def test_every_memory_has_costs_busy_and_idle(preset):
    dram = Dram.preset(preset)
    time = duration(1e9, 1e9)
    (leaf,) = EnergyTree.of([idle_memory(dram, time)]).leaves
    assert dram_cost(dram) != "dram.generic" and leaf.cost_name == f"idle.{dram_cost(dram)}"
    assert 0.01 < leaf.energy / dram.peak_bytes_per_s * 1e12 / 8 < 10  # pJ for each bit that could have come


def test_gating_saves_products_and_no_time():
    config = NmArrayConfig(rows=4, cols=4, tile_depth=16, o_depth=64)
    gemm = Workload(name="one", operators=(Operator(name="gemm", kind="linear", m=16, k=32, n=16),))
    sparse, dense = (simulate_network(gemm, each, ratios=ratios, dram=DRAM, clock_hz=2e8)
                     for each, ratios in ((config, {"gemm": Ratio(2, 8)}), (config.dense_twin(), {})))
    still = gated(dense, sparse.layers, load_costs())
    before, after = ({(leaf.component, leaf.action): leaf.count for leaf in result.energy.leaves}
                     for result in (dense, still))
    assert still.cycles == dense.cycles > sparse.cycles
    changed = {key: after[key] / before[key] for key in before if after[key] != before[key]}
    assert changed == {("PE", "multiply-accumulate"): 0.25, ("PE registers", "product read"): 0.25,
                       ("PE registers", "product write"): 0.25}
    assert {key for key in after if key not in before} == {("gating", "compare"), ("gating", "flag read"),
                                                           ("gating", "flag write")}
    assert dense.energy.total > still.energy.total > sparse.energy.total


def test_energy_is_the_sum_of_its_leaves():
    program, moved, _ = counted("ws", Ratio(2, 8))
    tree = EnergyTree.of(action_counts(program, moved, DRAM))
    assert math.isclose(tree.total, math.fsum(tree.components.values()), rel_tol=1e-12)
    assert EnergyTree.merged([tree, tree]).total == pytest.approx(2 * tree.total, rel=1e-12)


def test_memory_without_a_cost_of_its_own_is_priced_as_generic():
    assert dram_cost(DRAM) == "dram.ddr4"
    assert dram_cost(DRAM.replace(name="mine")) == "dram.generic"
