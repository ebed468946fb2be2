"""The array with its memory: command order never deadlocks, bandwidth binds, every process adds up."""

import numpy as np
import pytest

from hwsim.memory import Dram
from hwsim.nm_array.config import NmArrayConfig
from hwsim.nm_array.model import tile_network
from hwsim.nm_array.program import Shape, Tiling, lower
from hwsim.nm_array.system import bound_cycles, command_order, system_network
from hwsim.nm_array.traffic import traffic
from hwsim.sparsity.ratio import DENSE, Ratio

CLOCK = 200e6
SLOW = Dram(name="slow", channels=1, channel_bytes_per_s=1e8, burst_bytes=8, latency_ns=200.0, efficiency=0.8)
FAST = Dram(name="fast", channels=64, channel_bytes_per_s=1e12, burst_bytes=8, latency_ns=0.0, efficiency=1.0)


def random_program(rng):
    depth, rows, outputs = int(rng.integers(4, 12)), int(rng.integers(1, 7)), int(rng.integers(1, 5))
    data_type = str(rng.choice(["int8", "int8", "fp16"]))
    config = NmArrayConfig(
        rows=rows, cols=int(rng.integers(1, 7)), ratios=("2:4", "2:8"), data_type=data_type,
        dataflow=str(rng.choice(["ws", "os", "both"])), interleave=1 if data_type == "int8" else outputs,
        tile_depth=depth, o_depth=max(depth, rows * outputs) + int(rng.integers(0, 9)),
        a_slots=int(rng.integers(1, 5)), w_slots=int(rng.integers(1, 5)), q_slots=int(rng.integers(1, 4)),
        shadow_weights=bool(rng.integers(2)))
    shape = Shape(m=int(rng.integers(1, 40)), k=int(rng.integers(1, 60)), n=int(rng.integers(1, 20)),
                  groups=int(rng.integers(1, 4)))
    dataflow = str(rng.choice(config.dataflows))
    tiling = Tiling(beats=int(rng.integers(1, config.most_beats(dataflow) + 1)), order=str(rng.choice(["mn", "nm"])),
                    dataflow=dataflow)
    return lower(config, shape, [DENSE, Ratio(2, 4), Ratio(2, 8)][int(rng.integers(3))], tiling)


@pytest.mark.parametrize("seed", range(150))
def test_random_programs_finish_and_add_up(seed):
    program = random_program(np.random.default_rng(seed))
    moved = traffic(program)
    for dram in (SLOW, FAST):
        timeline = system_network(program, moved, dram, CLOCK).solve()
        assert timeline.cycles >= bound_cycles(program, moved, dram, CLOCK)
        for process in ("d", "a", "w", "q", "o", "load", "compute", "dram"):
            split = timeline.stalls(process)
            assert split.busy + split.starved + split.blocked + split.idle == timeline.cycles


@pytest.mark.parametrize("seed", range(60))
def test_memory_never_makes_it_faster(seed):
    program = random_program(np.random.default_rng(seed))
    alone = tile_network(program).solve()
    moved = traffic(program)
    fast, slow = (system_network(program, moved, dram, CLOCK).solve() for dram in (FAST, SLOW))
    assert alone.start["compute"][-1] <= fast.start["compute"][-1] <= slow.start["compute"][-1]


def test_slow_memory_binds():
    program = lower(NmArrayConfig(rows=4, cols=4, tile_depth=16, o_depth=32), Shape(m=64, k=64, n=64), DENSE,
                    Tiling(beats=16))
    moved = traffic(program)
    timeline = system_network(program, moved, SLOW, CLOCK).solve()
    split = timeline.stalls("dram")
    assert split.busy > 0.9 * timeline.cycles
    assert timeline.stalls("compute").starved > 0.5 * timeline.cycles


def test_commands_name_every_tile_once():
    program = random_program(np.random.default_rng(3))
    order, position = command_order(program)
    assert sorted(order.tolist()) == list(range(len(order)))
    assert sum(len(tiles) for tiles in position.values()) == len(order)
    for tiles in position.values():
        assert (np.diff(tiles) > 0).all()
