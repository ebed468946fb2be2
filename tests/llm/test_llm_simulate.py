"""Programs on six queues: equal to hwsim.network and to an independent event-driven simulator; deadlocks."""

import pickle
import time

import numpy as np
import pytest
from drawn_programs import with_tokens
from event_queues import event_driven

from hwsim.llm.assembly import assemble
from hwsim.llm.deadlock import ProgramDeadlock
from hwsim.llm.engine import EngineConfig
from hwsim.llm.isa import Opcode, instructions
from hwsim.llm.program import Program, repeated
from hwsim.llm.simulate import simulate
from hwsim.llm.timing import durations
from hwsim.network import Network

U280 = EngineConfig.preset("u280")
LAYERS = tuple(f"{k}/kind{k % 2}" for k in range(5))


def drawn(seed, lost=0.0):
    rng = np.random.default_rng(seed)
    return Program(with_tokens(rng, int(rng.integers(1, 120)), lost), LAYERS, f"seed {seed}")


def by_text(*lines):
    rows, layers = assemble("\n".join(lines))
    return Program(rows, layers, "by hand")


def naive(program):
    rows = program.instructions
    return event_driven(rows["op"].tolist(), rows["wait"].tolist(), rows["release"].tolist(),
                        durations(rows, U280).tolist())


def network(program):
    """The same as processes with channels of tokens; times are cycles of one picosecond."""
    rows, spent = program.instructions, durations(program.instructions, U280)
    net = Network(program.name)
    mine = {queue: np.flatnonzero(rows["op"] == queue) for queue in Opcode}
    for queue in Opcode:
        net.process(queue.name, firings=len(mine[queue]), interval=spent[mine[queue]], latency=spent[mine[queue]])
    for source in Opcode:
        for target in Opcode:
            give = np.flatnonzero(rows["release"][mine[source]] >> target & 1)
            take = np.flatnonzero(rows["wait"][mine[target]] >> source & 1)
            if len(take):
                net.tokens(f"{source.name}-{target.name}", source.name, target.name, give=give, take=take)
    start = np.zeros(len(rows), np.int64)
    for queue, begin in net.solve().start.items():
        start[mine[Opcode[queue]]] = begin
    return start


@pytest.mark.parametrize("group", [0, 1, *(pytest.param(g, marks=pytest.mark.slow) for g in range(2, 40))])
def test_start_times_of_three_simulators(group):
    waited = 0
    for seed in range(20 * group, 20 * group + 20):
        program = drawn(seed)
        run = simulate(program, U280)
        assert run.start.tolist() == naive(program), f"seed {seed}"
        assert np.array_equal(run.start, network(program)), f"seed {seed}"
        waited += int(run.starved.sum() > 0)
    assert waited > 10


@pytest.mark.parametrize("group", [0, *(pytest.param(g, marks=pytest.mark.slow) for g in range(1, 20))])
def test_lost_tokens_stop_just_the_programs_that_need_them(group):
    stuck = 0
    for seed in range(20 * group, 20 * group + 20):
        program = drawn(seed, lost=0.03)
        start = naive(program)
        try:
            assert simulate(program, U280).start.tolist() == start, f"seed {seed}"
        except ProgramDeadlock as deadlock:
            stuck += 1
            ops, first = program.instructions["op"], {}
            for i, begin in enumerate(start):
                if begin is None:
                    first.setdefault(Opcode(int(ops[i])), i)
            assert {wait.queue: wait.instruction for wait in deadlock.waits} == first, f"seed {seed}"
            for wait in deadlock.waits:
                assert wait.on_instruction == first.get(wait.on), f"seed {seed}"
                ran = [i for i in range(len(ops)) if start[i] is not None]
                released = sum(program.instructions["release"][i] >> wait.queue & 1 for i in ran if ops[i] == wait.on)
                taken = sum(program.instructions["wait"][i] >> wait.on & 1 for i in ran if ops[i] == wait.queue)
                assert wait.token == released == taken, f"seed {seed}"
        else:
            assert None not in start
    assert 0 < stuck < 20


@pytest.mark.parametrize("seed", range(10))
def test_time_of_queues_and_layers_adds_up(seed):
    run = simulate(drawn(seed), U280)
    for queue, times in run.queues.items():
        assert times.busy + sum(times.starved.values()) + times.idle == run.total, (seed, queue)
        assert min(times.idle, times.busy, *times.starved.values(), 0) == 0
        assert queue not in times.starved
    assert sum(times.instructions for times in run.queues.values()) == len(run.program)
    assert sum(run.layer_ms.values()) == pytest.approx(run.total_ms)
    assert set(run.layer_ms) == {"kind0", "kind1"}


def test_by_hand():
    """Times worked out with pencil: 225 MHz; MV 2,048 MACs a cycle, 512 x 16 a block; 16 lanes."""
    run = simulate(by_text("layer a", "MV k=225 release=MISC", "MV k=225 release=MISC+SYS", "layer 7/b",
                           "MISC wait=MV k=450", "MISC k=225 function=SOFTMAX", "SYS wait=MV"), U280)
    us = 1_000_000
    assert run.start.tolist() == [0, 4 * us, 4 * us, 6 * us, 8 * us]
    assert run.duration.tolist() == [4 * us, 4 * us, 2 * us, 2 * us, 4444]
    assert run.total == 8 * us + 4444 and run.tokens_left == 1
    assert run.queues[Opcode.MISC].starved == {Opcode.MV: 4 * us}
    assert run.layer_ms == {"a": 8e-3, "b": 4.444e-6}
    assert run.busy_ms["MV"] == 8e-3 and run.queues[Opcode.LD].idle == run.total


def test_the_kth_wait_takes_the_kth_release():
    """A token waits for its taker; the second wait is not satisfied by the first token."""
    run = simulate(by_text("LD release=MV length=0", "SYS release=MV", "MV wait=LD+SYS k=1", "MV wait=LD k=1",
                           "LD release=MV length=4032", "ST length=0"), U280)
    assert run.start[3] == max(run.end[4], run.end[2]) and run.start[4] == 0


def test_deadlocks_name_instruction_queue_and_token():
    with pytest.raises(ProgramDeadlock) as caught:
        simulate(by_text("LD release=MV length=64", "MV wait=LD k=1", "MV wait=LD k=2 release=MISC",
                         "MISC wait=MV k=3"), U280)
    first, second = caught.value.waits
    assert (first.instruction, first.queue, first.on, first.token) == (2, Opcode.MV, Opcode.LD, 1)
    assert (second.instruction, second.on, second.on_instruction) == (3, Opcode.MV, 2)
    assert str(caught.value) == (
        "deadlock in by hand: instruction 2 (MV wait=LD release=MISC k=2) in queue MV waits for token 1 of LD, which "
        "has ended; instruction 3 (MISC wait=MV k=3) in queue MISC waits for token 0 of MV, which stands at "
        "instruction 2")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_ring_of_waits():
    with pytest.raises(ProgramDeadlock) as caught:
        simulate(by_text("LD wait=ST release=ST", "ST wait=LD release=LD"), U280)
    assert [wait.on_instruction for wait in caught.value.waits] == [1, 0]


def test_an_empty_program():
    run = simulate(Program(instructions(Opcode.SYS, 0)), U280)
    assert (run.total, run.layer_ms, run.hbm_utilization) == (0, {}, 0)
    assert all(times.instructions == 0 for times in run.queues.values())


def test_repeated_programs_overlap():
    """Loads of the next copy run ahead: the total grows by the longest queue alone."""
    once = by_text("LD release=MV length=64 channels=8", "MV wait=LD k=64")
    one, many = (simulate(repeated(once, times), U280) for times in (1, 100))
    assert many.total == one.total + 99 * int(one.duration[1])


@pytest.mark.slow
def test_two_million_instructions_take_less_than_a_second():
    program = repeated(Program(with_tokens(np.random.default_rng(0), 1000), LAYERS), 2000)
    seconds = []
    for _ in range(4):
        before = time.perf_counter()
        simulate(program, U280)
        seconds.append(time.perf_counter() - before)
    assert min(seconds) < 1
