"""Energy of programs: counts by hand, and what they do when the work grows."""

import numpy as np
import pytest
from drawn_programs import with_tokens

from hwsim.llm.account import action_counts, costs, energy
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import Buffer, Flag, Function, Opcode, instructions
from hwsim.llm.program import Program, repeated
from hwsim.llm.simulate import simulate

U280 = EngineConfig.preset("u280")


def counted(*rows, config=U280, layers=("",)):
    run = simulate(Program(np.concatenate(rows), layers), config)
    return {(count.component, count.action): count.counted for count in action_counts(run)}, run


def test_counts_by_hand():
    """One core's figures times three; 8 bits a byte."""
    counts, run = counted(
        instructions(Opcode.LD, buffer=Buffer.A, length=512 * 16, ratio=2),
        instructions(Opcode.LD, buffer=Buffer.BLOCKS, length=32),
        instructions(Opcode.MV, k=1, flags=Flag.SPARSE | Flag.OUTPUT, work=0.5),
        instructions(Opcode.MISC, k=4, function=Function.SOFTMAX),
        instructions(Opcode.ST, length=100))
    macs = 512 * 16 / 2
    assert counts == {
        ("matrix engine", "MV multiply-accumulate"): 3 * macs,
        ("matrix engine", "select activation"): 3 * macs * 15 * 8,  # a tree of 15 multiplexers of 8 bits
        ("special functions", "element"): 3 * 2 * 64,
        ("A buffer", "read"): 3 * 8 * 2 * 128 * 16,  # two cycles
        ("B buffer", "read"): 3 * 8 * 2 * 16,
        ("global buffer", "read"): 3 * 8 * (2 * 64 + 100),
        ("global buffer", "write"): 3 * 8 * (64 + 512),
        ("A buffer", "load"): 3 * 8 * 4096,
        ("block table", "load"): 3 * 8 * 32,
        ("HBM", "read"): 3 * 8 * 4096, ("HBM", "write"): 3 * 8 * 100, ("DDR", "tables"): 3 * 8 * 32,
        ("META buffer", "read"): 3 * 4 * macs, ("block table", "read"): 3 * 8 * 512 // 16,
        ("board", "static"): run.total * 1e-12,
        ("DDR", "instructions"): 3 * 32 * (7 + 7 + 4 + 3 + 3),
    }


def test_without_the_multiplexer_zeros_cost_macs():
    rows = instructions(Opcode.MM, k=8, flags=Flag.SPARSE, work=0.25)
    with_mux, _ = counted(rows)
    without, _ = counted(rows, config=U280.replace(sparse_mux=False))
    key = "matrix engine", "MM multiply-accumulate"
    assert without[key] == 4 * with_mux[key]
    assert ("matrix engine", "select activation") in with_mux and ("matrix engine", "select activation") not in without


@pytest.mark.parametrize(("ratio", "work", "mux", "kept"), [
    (2, 1, True, 1), (2 / 0.7, 0.75, True, 0.75), (8 / 3, 0.25, True, 0.25), (2, 0.25, False, 1), (1, 1, True, 1)])
def test_weights_are_bytes_behind_the_dequantiser(ratio, work, mux, kept):
    """What a load writes to A is what the MV reads, whatever the bits in HBM; the cache beside it is not compressed."""
    flags = Flag.SPARSE if work < 1 else 0
    cached = instructions(Opcode.LD, buffer=Buffer.A, length=512 * 16 * 2, layer=1)
    counts, run = counted(
        instructions(Opcode.LD, buffer=Buffer.A, length=512 * 16 * 8, ratio=ratio),
        instructions(Opcode.MV, k=8, flags=flags, work=work), cached, instructions(Opcode.MV, k=2, layer=1),
        config=U280.replace(sparse_mux=mux), layers=("weights", "cache"))
    assert counts["A buffer", "load"] == counts["A buffer", "read"] == 3 * 8 * 512 * 16 * (8 * kept + 2)
    assert counts["HBM", "read"] == pytest.approx(3 * 8 * 512 * 16 * (8 / ratio + 2))


def test_energy_grows_with_the_work():
    program = Program(with_tokens(np.random.default_rng(0), 300), tuple("abcde"))
    one, two = (energy(simulate(repeated(program, times), U280)) for times in (1, 2))
    dynamic = [tree.total - tree.components["board"] for tree in (one, two)]
    assert dynamic[1] == pytest.approx(2 * dynamic[0]) and dynamic[0] > 0
    assert energy(simulate(program, U280), 2).total == pytest.approx(2 * one.total)
    low, high = one.bounds
    assert low < one.total < high


def test_static_power_is_an_assumption_with_a_range():
    static = costs().cost("fpga.static")
    assert static.mark == "assumption" and static.energy == pytest.approx(30)
    assert static.bounds[0] < static.energy < static.bounds[1]
    board = energy(simulate(Program(instructions(Opcode.MV, k=16000)), U280)).components["board"]
    assert board == pytest.approx(30 * 16000 * 4 / 225e6, rel=1e-6)


def test_instructions_come_from_where_tables_lie():
    rows = instructions(Opcode.SYS, 5)
    assert ("HBM", "instructions") in counted(rows, config=EngineConfig.preset("vhk158-artifact"))[0]
    assert ("DDR", "instructions") in counted(rows)[0]
