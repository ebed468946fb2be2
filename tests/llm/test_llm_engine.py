"""Configuration of the engine, and the durations of its instructions against rules written out again."""

import numpy as np
import pytest
from drawn_programs import legal

from hwsim.errors import InputError
from hwsim.llm.engine import SOURCES, EngineConfig
from hwsim.llm.isa import TWO_PASSES, Buffer, Flag, Function, Opcode, instructions
from hwsim.llm.program import Program
from hwsim.llm.simulate import simulate
from hwsim.llm.timing import durations, macs, traffic

ARTIFACT, U280 = (EngineConfig.preset(name) for name in ("vhk158-artifact", "u280"))


@pytest.mark.parametrize("name", EngineConfig.presets)
def test_presets(name):
    config = EngineConfig.preset(name)
    assert EngineConfig.from_mapping(config.to_mapping()) == config
    assert SOURCES[name]


def test_figures_of_the_presets():
    assert (ARTIFACT.mm_macs, ARTIFACT.mv_macs, ARTIFACT.time_divisor) == (4096, 1024, 3.2)
    assert ARTIFACT.memory.bytes_per_s == 819.2 * 2**30
    assert U280.slrs * U280.mm_macs // 2 == 6144 <= U280.dsps
    assert U280.mv_macs == U280.mm_macs // 2  # one MAC a DSP in place of two
    assert U280.memory.bytes_per_s == pytest.approx(460.8e9)
    assert (U280.time_divisor, U280.core_channels, U280.memory.b_channel) == (1.0, 10, 8)


@pytest.mark.parametrize(("changes", "place"), [
    ({"mm": [3, 16, 128]}, "mm"), ({"mv": [64, 32, 1]}, "mv"), ({"mm": [0, 16, 128]}, "mm"),
    ({"mm": [4, 16, 128]}, "mm"), ({"slrs": 5}, "mm"), ({"slrs": 4, "dsps": 9024}, "memory.a_channels"),
    ({"time_divisor": 0}, "time_divisor"), ({"decode_bucket": 24}, "decode_bucket"),
    ({"memory": {"channel_bytes_per_s": 1e9, "efficiency_same": 1.5}}, "memory.efficiency_same"),
    ({"buffers": {"global_depth": 8192}}, "buffers.global_depth"), ({"mux": True}, "EngineConfig"),
])
def test_bad_configurations(changes, place):
    with pytest.raises(InputError) as caught:
        EngineConfig.preset("u280", **changes)
    assert caught.value.place == place


def test_ddr_needs_a_rate():
    with pytest.raises(InputError, match=r"memory.ddr_bytes_per_s: wanted a rate"):
        EngineConfig.preset("vhk158-artifact", memory={"channel_bytes_per_s": 1e9, "tables": "ddr"})


def cycles_of(row, config):
    """Duration of one instruction in s, rule by rule, with plain numbers."""
    memory, op = config.memory, int(row["op"])
    if op in (Opcode.LD, Opcode.ST):
        nbytes = int(row["length"]) * int(row["loops"])
        rate = memory.channel_bytes_per_s * int(row["channels"])
        rate *= memory.efficiency_cross if row["cross"] else memory.efficiency_same
        if op == Opcode.LD and row["buffer"] in (Buffer.BIAS, Buffer.BLOCKS) and memory.tables == "ddr":
            rate = memory.ddr_bytes_per_s / config.slrs * memory.efficiency_same
        if op == Opcode.LD and row["zero"]:
            return nbytes / (256 * int(row["channels"])) / config.clock_hz
        return nbytes / rate / (float(row["ratio"]) if op == Opcode.LD else 1)
    work = float(row["work"]) if config.sparse_mux else 1.0
    if op == Opcode.MM:
        return 16 * 128 * 16 * int(row["k"]) * work / 4096 / config.clock_hz
    if op == Opcode.MV:
        return 512 * 16 * int(row["k"]) * work / config.mv_macs / config.clock_hz
    if op == Opcode.MISC:
        return int(row["k"]) * (2 if row["function"] in TWO_PASSES else 1) / config.clock_hz
    return 1 / config.clock_hz


@pytest.mark.parametrize("config", [ARTIFACT, U280, U280.replace(sparse_mux=False)], ids=["artifact", "u280", "no mux"])
def test_durations(config):
    rows = legal(np.random.default_rng(1), 400)
    exact = np.array([cycles_of(row, config) for row in rows]) / config.time_divisor * 1e12
    got = durations(rows, config)
    assert got.dtype == np.int64
    assert np.abs(got - exact).max() <= 0.5 + 1e-12 * exact.max()


def test_an_artifact_row_by_hand():
    """512 x 4,096 dense INT4 weights: over eight channels at two weights a byte, and as one MV."""
    load = instructions(Opcode.LD, buffer=Buffer.A, channels=8, length=512 * 4096, ratio=2)
    vector = instructions(Opcode.MV, k=256)
    expected = 512 * 4096 / (819.2 * 2**30 / 32 * 8 * 0.7 * 2) / 3.2, 512 * 4096 / 1024 / 225e6 / 3.2
    assert durations(load, ARTIFACT)[0] == round(expected[0] * 1e12)
    assert durations(vector, ARTIFACT)[0] == round(expected[1] * 1e12)


def test_each_switch_and_divisor_does_its_own():
    rows = instructions(Opcode.MM, k=1800, flags=Flag.SPARSE, work=0.25)
    assert durations(rows, U280.replace(sparse_mux=False))[0] == 4 * durations(rows, U280)[0]
    assert durations(rows, U280.replace(time_divisor=2))[0] == pytest.approx(durations(rows, U280)[0] / 2, abs=1)
    for function in Function:
        passes = durations(instructions(Opcode.MISC, k=1800, function=function), U280)[0] / 8_000_000
        assert passes == (2 if function in (Function.SOFTMAX, Function.LAYERNORM, Function.RMSNORM) else 1)


def test_traffic_and_macs():
    rows = np.concatenate([
        instructions(Opcode.LD, buffer=Buffer.A, length=1000, loops=3, ratio=2),
        instructions(Opcode.LD, buffer=Buffer.BLOCKS, length=70), instructions(Opcode.LD, zero=1, length=9),
        instructions(Opcode.ST, length=11, loops=2), instructions(Opcode.MM, k=2),
        instructions(Opcode.MV, 2, k=3, flags=Flag.SPARSE, work=0.5)])
    moved = traffic(rows, U280)
    assert (moved.hbm_read, moved.hbm_written, moved.ddr_read, moved.zeros) == (1500, 22, 70, 9)
    assert traffic(rows, ARTIFACT).hbm_read == 1570
    assert macs(rows, U280) == {Opcode.MM: 2 * 16 * 16 * 128, Opcode.MV: 2 * 3 * 16 * 512 * 0.5}
    assert macs(rows, U280.replace(sparse_mux=False))[Opcode.MV] == 2 * 3 * 16 * 512


def test_bandwidth_is_used_by_all_cores():
    """One load that keeps all channels of a core busy: utilization = efficiency x channels used / channels there."""
    run = simulate(Program(instructions(Opcode.LD, channels=8, length=1 << 20)), U280)
    assert run.hbm_utilization == pytest.approx(0.7 * 3 * 8 / 32, rel=1e-6)
    assert run.fetch_ms == pytest.approx(3 * 28 / (38.4e9 * 0.7) * 1e3)
