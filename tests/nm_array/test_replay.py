"""A run with DRAM, repeated beat by beat at the array's ports, takes the very same cycles."""

import numpy as np
import pytest
from test_system import CLOCK, FAST, SLOW, random_program

from hwsim.nm_array.model import beat_network
from hwsim.nm_array.replay import memory_stalls
from hwsim.nm_array.system import system_network
from hwsim.nm_array.traffic import traffic

MIDDLE = SLOW.replace(name="middle", channel_bytes_per_s=6e8)


@pytest.mark.parametrize("seed", range(120))
def test_beats_under_memory_stalls_equal_the_run_with_memory(seed):
    program = random_program(np.random.default_rng(seed))
    for dram in (SLOW, MIDDLE, FAST):
        with_memory = system_network(program, traffic(program), dram, CLOCK).solve()
        offers, ready = memory_stalls(program, with_memory)
        beats = beat_network(program, offers, ready).solve()
        for process in ("d", "load", "compute"):
            assert np.array_equal(beats.start[process], with_memory.start[process]), process
        last = np.cumsum(program.results)[program.last] - 1
        assert np.array_equal(beats.start["o"][last], with_memory.start["o"])


def test_the_stalls_are_there():
    held_back = 0
    for seed in range(60, 76):
        program = random_program(np.random.default_rng(seed))
        timeline = system_network(program, traffic(program), SLOW, CLOCK).solve()
        offers, ready = memory_stalls(program, timeline)
        assert not offers["a"].all() and offers["a"].sum() == program.a_beats.sum()
        held_back += int((~ready).sum())
    assert held_back > 0
